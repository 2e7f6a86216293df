//! From a request to its answer: path, version, endpoint, credentials, parameters, envelope.

use serde_json::{Map, Value, json};

use crate::auth;
use crate::endpoints::{self, Endpoint};
use crate::error::{ApiError, Result};
use crate::http::{Head, decode_query};
use crate::json as text;
use crate::version::Version;
use crate::workspace::{Workspace, md5_hex};

/// What an endpoint works with.
pub(crate) struct Call<'w> {
    pub(crate) workspace: &'w mut Workspace,
    pub(crate) parameters: Map<String, Value>,
    /// The lines of a `json-lines` body.
    pub(crate) batch: Option<Vec<Value>>,
    pub(crate) requested: Version,
    pub(crate) worker: String,
}

/// The answer, before faults and before it is turned into bytes.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: String,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Json(Value),
    /// JSON that does not escape other characters than ASCII.
    Utf8Json(Value),
    Text(String),
}

impl Reply {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            Body::Json(value) => text::ascii(value).into_bytes(),
            Body::Utf8Json(value) => value.to_string().into_bytes(),
            Body::Text(text) => text.clone().into_bytes(),
        }
    }
}

/// The parsed path. `name` is empty if it names no endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) version: Option<Version>,
}

impl Target {
    /// `/tasks.get_all`, `/v2.30/tasks.get_all`. Double and final slashes do not matter.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.split('?').next().unwrap_or(path);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (version, name) = match parts.as_slice() {
            [name] => (None, *name),
            [version, name] => (Some(Version::parse(version.strip_prefix('v')?)?), *name),
            _ => return None,
        };
        let (service, action) = name.split_once('.')?;
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|next| next.is_alphanumeric() || next == '_');
        (is_word(service) && is_word(action)).then(|| Self { name: name.to_owned(), version })
    }
}

/// Answers one request and changes the workspace accordingly.
pub(crate) fn answer(workspace: &mut Workspace, head: &Head, body: &[u8]) -> Reply {
    if let Some(encoding) = head.header("content-encoding") {
        return Reply {
            status: 415,
            headers: Vec::new(),
            content_type: "text/html; charset=utf-8".to_owned(),
            body: Body::Text(format!("Content encoding is not supported ({encoding})")),
        };
    }
    let target = Target::parse(&head.path);
    let requested = match &target {
        Some(target) => target.version.unwrap_or(workspace.api_version),
        None => Version(1, 0),
    };
    let found = target
        .as_ref()
        .and_then(|target| endpoints::find(&target.name, requested.min(workspace.api_version), workspace.api_version));
    let outcome = match (&target, &found) {
        (None, _) => {
            let path = head.path.split('?').next().unwrap_or_default();
            Err(ApiError::new(400, 0, format!("Invalid request path {path}")))
        }
        (Some(target), None) => {
            let message = format!("Unable to find endpoint for name {} and version {requested}", target.name);
            Err(ApiError::new(404, 0, message))
        }
        (Some(_), Some((endpoint, _))) => run(workspace, head, body, endpoint, requested),
    };
    let mut headers = Vec::new();
    if let (Some(token), Some("auth.login")) =
        (outcome.as_ref().ok().and_then(|data| data["token"].as_str()), target.as_ref().map(|target| &*target.name))
    {
        let lifetime = "Expires=Sun, 08 Oct 5195 22:12:27 GMT; Max-Age=99999999999; HttpOnly; Path=/; SameSite=Lax";
        headers.push(("Set-Cookie".to_owned(), format!("{}={token}; {lifetime}", auth::COOKIE)));
    }
    let actual = found.map(|(_, since)| since);
    let name = target.map(|target| target.name).unwrap_or_default();
    envelope(workspace, head, (&name, requested, actual), outcome, headers)
}

fn run(workspace: &mut Workspace, head: &Head, body: &[u8], endpoint: &Endpoint, requested: Version) -> Result<Value> {
    let sent = read_body(head, body)?;
    if endpoint.needs_auth {
        auth::check(workspace, head)?;
    }
    let (mut parameters, batch) = match sent {
        Value::Object(parameters) => (parameters, None),
        Value::Array(lines) if endpoint.takes_batch => (Map::new(), Some(lines)),
        _ => return Err(ApiError::internal("'list' object has no attribute 'allow_public'")),
    };
    parameters.extend(decode_query(&head.path));
    let worker = head.header("x-clearml-worker").unwrap_or("<unknown>").to_owned();
    (endpoint.run)(&mut Call { workspace, parameters, batch, requested, worker })
}

/// What the server uses as the parameters. A form body counts as none.
pub(crate) fn read_body(head: &Head, body: &[u8]) -> Result<Value> {
    let unreadable = || {
        let message = "The browser (or proxy) sent a request that this server could not understand.";
        ApiError::new(400, 0, message)
    };
    let content_type = head.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if is_form(&content_type) || body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let sent = std::str::from_utf8(body).map_err(|_| unreadable())?;
    if content_type.starts_with("application/json-lines") {
        let lines = sent.lines().filter(|line| !line.trim().is_empty());
        return lines.map(text::parse).collect::<std::result::Result<_, _>>().map_err(|_| unreadable());
    }
    match text::parse(sent).map_err(|_| unreadable())? {
        Value::Object(fields) => Ok(Value::Object(fields)),
        _ => Err(ApiError::internal("Data should be a dict")),
    }
}

pub(crate) fn is_form(content_type: &str) -> bool {
    ["application/x-www-form-urlencoded", "multipart/form-data"].iter().any(|form| content_type.starts_with(form))
}

fn envelope(
    workspace: &mut Workspace,
    head: &Head,
    (name, requested, actual): (&str, Version, Option<Version>),
    outcome: Result<Value>,
    headers: Vec<(String, String)>,
) -> Reply {
    // Versions are numbers in answers to old clients, and text to all others.
    let version = |version: Version| {
        let shown = version.to_string();
        if requested < Version(2, 1) { json!(shown.parse::<f64>().unwrap_or_default()) } else { json!(shown) }
    };
    let id = md5_hex(&format!("request {}", workspace.new_id()));
    let (status, subcode, message, data) = match outcome {
        Ok(data) => (200, 0, "OK".to_owned(), data),
        Err(error) => (error.status, error.subcode, error.message, json!({})),
    };
    let body = json!({
        "meta": {
            "id": id,
            "trx": head.header("x-clearml-trx").unwrap_or(&id),
            "endpoint":
                {"name": name, "requested_version": version(requested), "actual_version": actual.map(version)},
            "result_code": status, "result_subcode": subcode, "result_msg": message,
            "error_stack": null, "error_data": {},
        },
        "data": data,
    });
    Reply { status, headers, content_type: "application/json".to_owned(), body: Body::Json(body) }
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::version::Version;

    #[test]
    fn paths() {
        let parsed = |path| Target::parse(path).map(|target| (target.name, target.version));
        let name = "tasks.get_all".to_owned();
        assert_eq!(parsed("/tasks.get_all?a=b"), Some((name.clone(), None)));
        assert_eq!(parsed("//v2.30/tasks.get_all/"), Some((name, Some(Version(2, 30)))));
        for bad in ["/", "/nope", "/v1/tasks.get_all", "/v2/x.y", "/a/b/c.d", "/tasks.", "/a.b.c"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
