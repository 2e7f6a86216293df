//! Who may call: key pair (Basic), token (Bearer) or cookie; and `auth.login`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::api::Call;
use crate::error::{ApiError, Result};
use crate::http::Head;
use crate::jwt;
use crate::time::SECOND;
use crate::workspace::{COMPANY, USER, Workspace};

/// The public test pair that every self-hosted server ships with.
pub(crate) const ACCESS_KEY: &str = "EGRTCO8JMSIGI6S39GTP43NFWXDQOW";
pub(crate) const SECRET_KEY: &str = "LPEJbGJ6bK4tujQcmrD3i1dbMBDdwUwelVa-LG0K0FFmY9bzH_H0Sw";

pub(crate) const COOKIE: &str = "clearml_token_basic";
const THIRTY_DAYS: i64 = 30 * 24 * 60 * 60;
const LONGEST: i64 = 31_536_000;

pub(crate) fn check(workspace: &Workspace, head: &Head) -> Result<()> {
    let Some(header) = head.header("authorization").filter(|header| !header.trim().is_empty()) else {
        return match cookie(head) {
            Some(token) => check_token(workspace, &token),
            None => Err(ApiError::new(401, 20, "Unauthorized (missing credentials)")),
        };
    };
    match header.trim().split_once(' ') {
        Some(("Basic", pair)) => check_pair(pair.trim()),
        Some(("Bearer", token)) => check_token(workspace, token.trim()),
        _ => Err(ApiError::new(401, 10, "Unauthorized (bad authentication header type)")),
    }
}

fn cookie(head: &Head) -> Option<String> {
    let pairs = head.header("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, token)| token.to_owned()).next()
}

fn check_pair(encoded: &str) -> Result<()> {
    let pair = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    if pair.as_deref().and_then(|pair| pair.split_once(':')) == Some((ACCESS_KEY, SECRET_KEY)) {
        return Ok(());
    }
    let message = "Unauthorized (invalid credentials) (failed to locate provided credentials)";
    Err(ApiError::new(401, 22, message))
}

fn check_token(workspace: &Workspace, token: &str) -> Result<()> {
    let refused =
        |reason: &str| Err(ApiError::new(401, 30, format!("Invalid token (invalid jwt token): reason={reason}")));
    match jwt::verify(token) {
        Err(reason) => refused(&reason),
        Ok(claims) if claims["exp"].as_i64().is_none_or(|exp| exp <= workspace.now() / SECOND) => {
            refused("Signature has expired")
        }
        Ok(_) => Ok(()),
    }
}

/// `auth.login`: a token. The caller has already checked the credentials.
pub(crate) fn login(call: &mut Call<'_>) -> Result<Value> {
    let asked = call.parameters.get("expiration_sec").unwrap_or(&Value::Null);
    let lifetime = match (asked, asked.as_i64()) {
        (Value::Null, _) => THIRTY_DAYS,
        (_, Some(seconds)) if seconds > LONGEST => {
            let detail = format!("'{seconds}' is bigger than maximum ('{LONGEST}').");
            return Err(ApiError::bad_parameter("expiration_sec", &detail));
        }
        (_, Some(seconds)) if seconds < 1 => {
            let detail = format!("'{seconds}' is lower than minimum ('1').");
            return Err(ApiError::bad_parameter("expiration_sec", &detail));
        }
        (_, Some(seconds)) => seconds,
        (other, None) => return Err(ApiError::bad_parameter("expiration_sec", &format!("wrong type {other}"))),
    };
    let now = call.workspace.now() / SECOND;
    let claims = json!({
        "session_id": call.workspace.new_id(), "env": "<unknown>", "auth_type": "Bearer",
        "iat": now, "exp": now + lifetime,
        "identity": {
            "role": "user", "user_name": "tests", "user": USER, "company_name": "clearml", "company": COMPANY,
        },
        "api_version": call.workspace.api_version.to_string(), "server_version": call.workspace.server_version,
        "server_build": "", "feature_set": "basic",
    });
    Ok(json!({"token": jwt::sign(&claims)}))
}
