//! From an HTTP answer to data or a refusal, and the log-in, whose token tells more than it says. Pure but for the log-in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Server;
use super::wire::{Claims, Envelope, Login, Meta};
use super::{Cause, Error, json};
use crate::net::http::{Answer, Http, Retry};
use crate::net::secret::Secret;

/// Logs in with the key pair.
pub(super) fn login(http: &Http, server: &Server) -> Result<Secret, Error> {
    let basic = basic(server);
    let answer = http.post(&format!("{}/auth.login", server.api), &format!("Basic {basic}"), b"{}", Retry::Idempotent);
    let token = answer.map_err(Cause::Failure).and_then(|answer| decode::<Login>(&answer)).and_then(|login| {
        let visible = login.token.bytes().all(|byte| byte.is_ascii_graphic());
        Secret::new(&login.token).filter(|_| visible).ok_or_else(|| Cause::odd("it gave no usable token".to_owned()))
    });
    token.map_err(|cause| Error {
        operation: "to log in",
        host: server.api.to_string(),
        cause: without_credentials(cause, server, None),
    })
}

/// The key pair as a log-in carries it.
fn basic(server: &Server) -> String {
    STANDARD.encode(format!("{}:{}", server.access_key.expose(), server.secret_key.expose()))
}

/// The cause without what was sent: a server, or a proxy before it, may repeat that in its message.
pub(super) fn without_credentials(cause: Cause, server: &Server, token: Option<&Secret>) -> Cause {
    let Cause::Refused { status, subcode, message } = cause else { return cause };
    let basic = Secret::new(&basic(server));
    let secrets = [Some(&server.access_key), Some(&server.secret_key), basic.as_ref(), token];
    let message = secrets.into_iter().flatten().fold(message, |text, secret| secret.redact(&text));
    Cause::Refused { status, subcode, message }
}

/// The claims in the middle of a token. They only choose between ways of asking, so they need no verification.
pub(super) fn claims(token: &Secret) -> Option<Claims> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Unwraps an answer. The status decides first: the fields of a refusal are empty.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, Cause> {
    let odd_shape = |error| Cause::odd(format!("its answer has another shape than expected{}", json::place(&error)));
    serde_json::from_value(unwrapped(answer)?).map_err(odd_shape)
}

/// The data of an answer that is not a refusal. One function for all kinds of data keeps the binary small.
pub(super) fn unwrapped(answer: &Answer) -> Result<Value, Cause> {
    match json::read::<Envelope>(&answer.body) {
        Ok(Envelope { meta: Meta { code: 200, .. }, data }) if answer.status == 200 => Ok(data),
        Ok(Envelope { meta, .. }) => Err(Cause::Refused {
            status: if answer.status == 200 { meta.code } else { answer.status },
            subcode: meta.subcode,
            message: meta.message,
        }),
        Err(error) => Err(Cause::odd(foreign(answer, &error))),
    }
}

/// What can be said of an answer that is not ClearML's, without repeating it.
fn foreign(answer: &Answer, error: &serde_json::Error) -> String {
    let status = answer.status;
    if answer.is_web_page() {
        format!("it answered with a web page (status {status}), not with JSON")
    } else if answer.body.is_empty() {
        format!("it answered with nothing (status {status})")
    } else {
        format!("its answer (status {status}, {} bytes) is not ClearML's JSON{}", answer.body.len(), json::place(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearml::wire::Tasks;
    use crate::net::http::{Failure, HeaderMap, Unexpected};
    use proptest::prelude::*;

    #[test]
    fn claims_that_cannot_be_read_are_none() {
        for bad in ["", "a", "a.b.c", "a.e30", "...."] {
            let claims = Secret::new(bad).and_then(|token| claims(&token));
            assert_eq!(claims.and_then(|claims| claims.api_version()), None, "{bad}");
        }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_status_of_a_refusal_is_the_one_of_http_unless_that_says_ok() {
        let refused = |status| {
            let body = r#"{"meta": {"result_code": 400, "result_subcode": 12, "result_msg": "no"}, "data": {}}"#;
            match unwrapped(&answer(status, body)) {
                Err(Cause::Refused { status, subcode: 12, message }) if message == "no" => status,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((refused(200), refused(403), refused(400)), (400, 403, 400));
    }

    #[test]
    fn what_is_not_clearml_s_is_told_by_its_place_and_never_repeated() {
        for (body, said) in [
            ("{\"token\": hunter2", "its answer (status 200, 17 bytes) is not ClearML's JSON (line 1, column 11)"),
            ("", "it answered with nothing (status 200)"),
            ("<p>hunter2", "it answered with a web page (status 200), not with JSON"),
        ] {
            match unwrapped(&answer(200, body)) {
                Err(Cause::Failure(Failure::Unexpected(Unexpected::Content(what)))) => assert_eq!(what, said),
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_decoded_or_refused(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let answer = Answer { status, headers: HeaderMap::new(), body };
            prop_assert!(decode::<Tasks>(&answer).is_err());
        }
    }
}
