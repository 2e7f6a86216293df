//! Reads the recordings, which are in the crate's directory.

use std::fs;
use std::path::Path;

use serde_json::Value;

pub(crate) struct Capture {
    pub(crate) number: u32,
    /// The file's name without `.json`.
    pub(crate) name: String,
    pub(crate) request: Option<Request>,
    pub(crate) response: Option<Response>,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The recording has only the beginning of the body.
    pub(crate) cut: bool,
}

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body's size on the wire.
    pub(crate) length: usize,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Json(Value),
    /// The beginning of a body too long to be recorded.
    Beginning(String),
    Text(String),
}

const CUT: &str = "...<truncated>";
/// Longer request bodies were cut here, without a mark.
const LONGEST_REQUEST: usize = 2000;

/// In the order of recording, without the traces of whole runs.
pub(crate) fn load() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut captures: Vec<Capture> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).map(|path| read(&path)).collect();
    captures.retain(|capture| !(400..420).contains(&capture.number));
    captures.sort_by_key(|capture| capture.number);
    captures
}

fn read(path: &Path) -> Capture {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let recorded: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let number = name.split('-').next().unwrap().parse().unwrap();
    let request = recorded.get("request").map(request);
    let response = recorded.get("response").map(response);
    Capture { number, name, request, response }
}

fn request(recorded: &Value) -> Request {
    let raw = recorded["raw_body"].as_str();
    let body = match raw {
        Some(raw) => raw.to_owned(),
        None if recorded["body"].is_null() => String::new(),
        None => recorded["body"].to_string(),
    };
    Request {
        method: recorded["method"].as_str().unwrap().to_owned(),
        path: recorded["path"].as_str().unwrap().to_owned(),
        headers: headers(&recorded["headers"]),
        cut: raw.is_some_and(|raw| raw.chars().count() == LONGEST_REQUEST),
        body,
    }
}

fn response(recorded: &Value) -> Response {
    let body = match &recorded["body"] {
        Value::String(text) => match text.strip_suffix(CUT) {
            Some(beginning) => Body::Beginning(beginning.to_owned()),
            None => Body::Text(text.clone()),
        },
        other => Body::Json(other.clone()),
    };
    Response {
        status: u16::try_from(recorded["status"].as_u64().unwrap()).unwrap(),
        headers: headers(&recorded["headers"]),
        length: usize::try_from(recorded["body_len"].as_u64().unwrap()).unwrap(),
        body,
    }
}

fn headers(recorded: &Value) -> Vec<(String, String)> {
    let headers = recorded.as_object().into_iter().flatten();
    headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}
