//! The record of requests.

use serde_json::Value;

/// One request as the sandbox saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its place since the start or the last [`crate::Sandbox::clear_log`], from 1.
    pub n: usize,
    /// Which connection it came on, from 1: equal numbers mean the client kept the connection.
    pub connection: usize,
    /// The HTTP method.
    pub method: String,
    /// The path with the query string.
    pub path: String,
    /// The endpoint without version, such as `tasks.get_all_ex`; empty for a path that names none.
    pub endpoint: String,
    /// All headers in the order sent, names as sent.
    pub headers: Vec<(String, String)>,
    /// The JSON body, the lines of a `json-lines` body as an array, anything else as text, null when empty.
    pub body: Value,
    /// The answer's status; 0 while unanswered and where no byte was sent.
    pub status: u16,
    /// The size of head and body.
    pub request_bytes: usize,
    /// The size of the answer's head and body as intended.
    pub response_bytes: usize,
}

impl Request {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
