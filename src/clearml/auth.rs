//! Logging in, the token, and keeping both out of errors.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::connection::decode;
use super::wire::{Claims, Login};
use super::{Cause, Error, Operation, Result, Server, Unexpected};
use crate::net::http::{Http, Retry};
use crate::net::secret::Secret;

/// Logs in with the key pair and returns the token.
pub(super) fn login(http: &Http, server: &Server) -> Result<Secret> {
    let (url, authorization) = (format!("{}/auth.login", server.api), format!("Basic {}", key_pair(server)));
    let answer = http.post(&url, &authorization, b"{}", Retry::Idempotent).map_err(Cause::Failure);
    let token = answer.and_then(|answer| decode(&answer)).and_then(|Login { token }| {
        let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        Secret::new(&token).filter(|_| is_visible).ok_or_else(|| Unexpected::NoToken.into())
    });
    token.map_err(|cause| Error {
        operation: Operation::LogIn,
        host: server.api.to_string(),
        cause: without_credentials(cause, server, None),
    })
}

/// The key pair as a login sends it.
fn key_pair(server: &Server) -> String {
    STANDARD.encode(format!("{}:{}", server.access_key.expose(), server.secret_key.expose()))
}

/// Removes what was sent: a server, or a proxy before it, may repeat it in its message.
pub(super) fn without_credentials(cause: Cause, server: &Server, token: Option<&Secret>) -> Cause {
    let Cause::Refused { status, subcode, message } = cause else { return cause };
    let key_pair = Secret::new(&key_pair(server));
    let secrets = [Some(&server.access_key), Some(&server.secret_key), key_pair.as_ref(), token];
    let message = secrets.into_iter().flatten().fold(message, |text, secret| secret.redact(&text));
    Cause::Refused { status, subcode, message }
}

/// The claims in the middle of a token. They only choose between kinds of requests, so they need no verification.
pub(super) fn claims(token: &Secret) -> Option<Claims> {
    let payload = token.expose().split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_readable_claims_has_no_version() {
        for bad in ["", "a", "a.b.c", "a.e30", "...."] {
            let claims = Secret::new(bad).and_then(|token| claims(&token));
            assert_eq!(claims.and_then(|claims| claims.api_version()), None, "{bad}");
        }
    }
}
