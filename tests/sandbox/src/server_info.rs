//! `server.info` and `debug.ping`.

use serde_json::{Value, json};

use crate::api::Call;
use crate::error::Result;
use crate::version::Version;

/// The identity of the installation. Every server has one.
const UID: &str = "62bec685-a424-4c8e-afd5-d89f3f797449";

#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn ping(_: &mut Call<'_>) -> Result<Value> {
    Ok(json!({"msg": "ClearML server"}))
}

#[expect(clippy::unnecessary_wraps, reason = "endpoints share one signature")]
pub(crate) fn info(call: &mut Call<'_>) -> Result<Value> {
    let mut data = json!({"version": call.workspace.server_version, "build": "", "commit": ""});
    if call.requested >= Version(2, 12) {
        data["api_version"] = call.workspace.api_version.to_string().into();
    } else if call.requested >= Version(2, 8) {
        data["uid"] = UID.into();
    }
    Ok(data)
}
