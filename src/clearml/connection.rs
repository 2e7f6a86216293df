//! Requests to the API and their responses: renewed tokens, the envelope, and errors without credentials.

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::{claims, login, without_credentials};
use super::wire::{Claims, Envelope, Meta, Updated};
use super::{Cause, Error, Operation, Result, Server, Unexpected, json};
use crate::net::http::{Answer, Http, Retry};
use crate::net::limits::Limits;
use crate::net::retry::RetryPolicy;
use crate::net::secret::Secret;

/// Statuses of a proxy or an overloaded server. Not 500, which ClearML sends when the request itself is at fault.
const TRANSIENT: &[u16] = &[429, 502, 503, 504, 509];

#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) http: Http,
    server: &'a Server,
    token: RefCell<Secret>,
}

impl<'a> Connection<'a> {
    pub(super) fn open(server: &'a Server, limits: Limits) -> Result<Self> {
        let policy = RetryPolicy { limits, transient: TRANSIENT, rate_limit: |_| None };
        let http = Http::new(&server.trust, server.proxy.clone(), policy);
        let token = RefCell::new(login(&http, server)?);
        Ok(Self { http, server, token })
    }

    pub(super) fn claims(&self) -> Option<Claims> {
        claims(&self.token.borrow())
    }

    /// Sends a request that can be repeated without harm.
    pub(super) fn read<T: DeserializeOwned>(&self, operation: Operation, endpoint: &str, body: &Value) -> Result<T> {
        self.request(operation, endpoint, body, Retry::Idempotent)
    }

    /// Sends a change, which is not repeated: when the response is lost, the caller has to look at the state first.
    pub(super) fn write(&self, operation: Operation, endpoint: &str, body: &Value) -> Result<()> {
        self.request::<Updated>(operation, endpoint, body, Retry::NotIdempotent).map(drop)
    }

    pub(super) fn request<T: DeserializeOwned>(
        &self,
        operation: Operation,
        endpoint: &str,
        body: &Value,
        retry: Retry,
    ) -> Result<T> {
        let (url, body) = (format!("{}/{endpoint}", self.server.api), body.to_string());
        let send = || {
            let authorization = format!("Bearer {}", self.token.borrow().expose());
            let answer = self.http.post(&url, &authorization, body.as_bytes(), retry);
            answer.map_err(Cause::Failure).and_then(|answer| decode(&answer))
        };
        let response = match send() {
            // A token can expire, or its key be replaced, in the middle of a long run.
            Err(Cause::Refused { status: 401, .. }) => {
                self.token.replace(login(&self.http, self.server)?);
                send()
            }
            response => response,
        };
        response.map_err(|cause| self.error(operation, cause))
    }

    pub(super) fn error(&self, operation: Operation, cause: impl Into<Cause>) -> Error {
        let cause = without_credentials(cause.into(), self.server, Some(&self.token.borrow()));
        Error { operation, host: self.server.api.to_string(), cause }
    }
}

/// Decodes a response. The status decides first, because the fields of a refusal are empty.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> std::result::Result<T, Cause> {
    let data = unwrapped(answer)?;
    serde_json::from_value(data).map_err(|error| Unexpected::Shape(json::place(&error)).into())
}

/// The data of a response that is not a refusal. One function for all kinds of data keeps the binary small.
pub(super) fn unwrapped(answer: &Answer) -> std::result::Result<Value, Cause> {
    let status = answer.status;
    match json::read::<Envelope>(&answer.body) {
        Ok(Envelope { meta: Meta { code: 200, .. }, data }) if status == 200 => Ok(data),
        Ok(Envelope { meta: Meta { code, subcode, message }, .. }) => {
            Err(Cause::Refused { status: if status == 200 { code } else { status }, subcode, message })
        }
        Err(_) if answer.is_web_page() => Err(Unexpected::WebPage { status }.into()),
        Err(_) if answer.body.is_empty() => Err(Unexpected::Empty { status }.into()),
        Err(error) => {
            Err(Unexpected::NotClearMl { status, bytes: answer.body.len(), place: json::place(&error) }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearml::wire::Tasks;
    use crate::net::http::HeaderMap;
    use proptest::prelude::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_refusal_has_the_http_status_unless_that_is_200() {
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
    fn a_foreign_response_is_described_and_never_repeated() {
        for (body, words) in [
            ("{\"token\": hunter2", "it is not ClearML's JSON (status 200, 17 bytes; line 1, column 11)"),
            ("", "it is empty (status 200)"),
            ("<p>hunter2", "it is a web page (status 200), not JSON"),
            (r#"{"meta": {"result_code": 200}, "data": "hunter2"}"#, "its JSON has an unexpected shape"),
        ] {
            match decode::<Tasks>(&answer(200, body)).err() {
                Some(Cause::Unexpected(unexpected)) => assert_eq!(unexpected.to_string(), words),
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_rejected(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let answer = Answer { status, headers: HeaderMap::new(), body };
            prop_assert!(decode::<Tasks>(&answer).is_err());
        }
    }
}
