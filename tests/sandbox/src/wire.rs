//! Turns an answer into bytes: applies faults, then writes to the connection.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::api::{Body, Reply};
use crate::fault::{Effect, Plan};
use crate::http;

/// What to send.
pub(crate) enum Wire {
    Nothing,
    /// The server stops listening from now on.
    Gone,
    Whole(Vec<u8>),
    /// The connection closes afterward.
    Part(Vec<u8>),
    Slow {
        head: Vec<u8>,
        body: Vec<u8>,
        every: Duration,
    },
}

/// How answers are sent, whatever their content.
pub(crate) struct Manner {
    /// The `Server` header.
    server: &'static str,
    has_body: bool,
    /// Added to every answer that lacks them.
    headers: Vec<(String, String)>,
}

impl Manner {
    pub(crate) fn new(server: &'static str, method: &str, closes: bool) -> Self {
        let closing = closes.then(|| ("Connection".to_owned(), "close".to_owned()));
        Self { server, has_body: method != "HEAD", headers: closing.into_iter().collect() }
    }

    pub(crate) fn with(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The status for the log and the bytes for the client. `apply` runs unless a fault keeps the request from the API.
    pub(crate) fn answer(&self, plan: &Plan, apply: impl FnOnce() -> Reply) -> (u16, Wire) {
        if let Some(canned) = plan.effect.as_ref().and_then(canned) {
            let canned = self.complete(canned);
            return (canned.status, self.whole(&canned));
        }
        match plan.effect {
            Some(Effect::CutBefore) => return (0, Wire::Nothing),
            Some(Effect::Gone) => return (0, Wire::Gone),
            _ => {}
        }
        let mut reply = self.complete(apply());
        if let Body::Json(value) | Body::Utf8Json(value) = &mut reply.body {
            for mangle in &plan.mangles {
                if let Effect::Mangle(edit) = mangle {
                    edit(value);
                }
            }
        }
        let status = reply.status;
        let half = |bytes: &[u8]| bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
        let wire = match &plan.effect {
            Some(Effect::CutAfter) => return (0, Wire::Nothing),
            Some(Effect::CutInBody) => {
                let body = reply.bytes();
                let mut bytes = self.head(&reply, body.len());
                bytes.extend(half(&body));
                Wire::Part(bytes)
            }
            Some(Effect::Truncated) => {
                let body = String::from_utf8_lossy(&half(&reply.bytes())).into_owned();
                reply.body = Body::Text(body);
                self.whole(&reply)
            }
            Some(Effect::BareNan) => {
                reply.body = Body::Text(with_bare_nans(&String::from_utf8_lossy(&reply.bytes())));
                self.whole(&reply)
            }
            Some(Effect::Drip { every }) => {
                let body = reply.bytes();
                Wire::Slow { head: self.head(&reply, body.len()), body, every: *every }
            }
            _ => self.whole(&reply),
        };
        (status, wire)
    }

    fn complete(&self, mut reply: Reply) -> Reply {
        for (name, value) in &self.headers {
            if !reply.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
                reply.headers.push((name.clone(), value.clone()));
            }
        }
        reply
    }

    fn head(&self, reply: &Reply, length: usize) -> Vec<u8> {
        http::head(self.server, reply.status, &reply.content_type, &reply.headers, length).into_bytes()
    }

    fn whole(&self, reply: &Reply) -> Wire {
        let body = reply.bytes();
        let mut bytes = self.head(reply, body.len());
        if self.has_body {
            bytes.extend(body);
        }
        Wire::Whole(bytes)
    }
}

/// Answers that do not come from the API.
fn canned(effect: &Effect) -> Option<Reply> {
    let reply = |status, content_type: &str, headers: &[(String, String)], body: String| Reply {
        status,
        headers: headers.to_vec(),
        content_type: content_type.to_owned(),
        body: Body::Text(body),
    };
    match effect {
        Effect::Status { code, headers, body } => {
            let is_type = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
            let content_type = headers.iter().find(is_type).map_or("application/json", |(_, value)| value);
            let others: Vec<_> = headers.iter().filter(|header| !is_type(header)).cloned().collect();
            Some(reply(*code, content_type, &others, body.clone()))
        }
        Effect::Body { content_type, body } => Some(reply(200, content_type, &[], body.clone())),
        Effect::Redirect(location) => {
            Some(reply(302, "text/html", &[("Location".to_owned(), location.clone())], String::new()))
        }
        Effect::Huge(size) => Some(reply(200, "application/json", &[], huge(*size))),
        _ => None,
    }
}

/// The answer with every number of its data replaced. An answer that is not JSON stays the same.
fn with_bare_nans(answer: &str) -> String {
    const MARK: &str = "bare NaN";
    let Ok(mut answer) = serde_json::from_str::<Value>(answer) else { return answer.to_owned() };
    replace_numbers(&mut answer["data"], MARK);
    answer.to_string().replace(&format!("\"{MARK}\""), "NaN")
}

fn replace_numbers(value: &mut Value, mark: &str) {
    match value {
        Value::Number(_) => *value = Value::from(mark),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_numbers(item, mark)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace_numbers(field, mark)),
        _ => {}
    }
}

/// An array that is valid JSON at any size from two bytes up.
fn huge(size: usize) -> String {
    let mut text = String::with_capacity(size);
    text.push_str("[\"");
    text.extend(std::iter::repeat_n('x', size.saturating_sub(4)));
    text.push_str("\"]");
    text
}

impl Wire {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Nothing | Self::Gone => 0,
            Self::Whole(bytes) | Self::Part(bytes) => bytes.len(),
            Self::Slow { head, body, .. } => head.len() + body.len(),
        }
    }

    /// Writes head and body at once. Returns whether the connection stays open.
    pub(crate) fn send(self, mut stream: &TcpStream) -> io::Result<bool> {
        match self {
            Self::Nothing | Self::Gone => return Ok(false),
            Self::Whole(bytes) => stream.write_all(&bytes)?,
            Self::Part(bytes) => {
                stream.write_all(&bytes)?;
                return Ok(false);
            }
            Self::Slow { head, body, every } => {
                stream.write_all(&head)?;
                for byte in body {
                    thread::sleep(every);
                    stream.write_all(&[byte])?;
                }
            }
        }
        Ok(true)
    }
}
