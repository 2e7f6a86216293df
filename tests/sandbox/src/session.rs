//! What a client asks about itself and about login.

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::Result;
use crate::workspace::{COMPANY, USER};

#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn fixed_users_mode(_: &mut Call<'_>) -> Result<Value> {
    Ok(json!({"enabled": false, "guest": {"enabled": false}, "server_errors": {}}))
}

#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn supported_modes(_: &mut Call<'_>) -> Result<Value> {
    Ok(json!({
        "authenticated": false, "basic": {"enabled": false, "guest": {"enabled": false}},
        "server_errors": {"es_connection_error": false, "missed_es_upgrade": false},
        "sso": {}, "sso_providers": [],
    }))
}

#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn current_user(_: &mut Call<'_>) -> Result<Value> {
    Ok(json!({
        "user": {
            "company": {"id": COMPANY, "name": "clearml"}, "created": "2026-11-23T12:14:57.233000+00:00",
            "id": USER, "name": "Default User", "role": "user",
        },
        "getting_started": {
            "agentName": "clearml", "configure": "clearml-init", "install": "pip install clearml",
            "packageName": "clearml",
        },
        "settings": {"max_download_items": 50000},
    }))
}
