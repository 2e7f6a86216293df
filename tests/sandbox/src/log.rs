//! The log of requests, and the faults that apply to their numbers.

use std::collections::HashMap;

use serde_json::Value;

use crate::fault::{Faults, Plan};
use crate::http::Incoming;

/// One request as the server received it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its number since the start or the last `clear_log`, from 1.
    pub n: usize,
    /// The number of its connection, from 1. Equal numbers mean that the client kept the connection.
    pub connection: usize,
    /// The HTTP method.
    pub method: String,
    /// The path with the query string.
    pub path: String,
    /// The endpoint, such as `tasks.get_all_ex` (without version) or `GET comments`. Empty if the path names none.
    pub endpoint: String,
    /// All headers in the order and spelling of the client.
    pub headers: Vec<(String, String)>,
    /// The JSON body, the lines of a `json-lines` body as an array, anything else as text, null if empty.
    pub body: Value,
    /// The status of the answer. 0 while there is no answer, and if no byte was sent.
    pub status: u16,
    /// The size of head and body.
    pub request_bytes: usize,
    /// The size of the answer's head and body without faults.
    pub response_bytes: usize,
}

impl Request {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The requests so far and the pending faults.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) log: Vec<Request>,
    pub(crate) faults: Faults,
    /// Requests of each endpoint since the log was cleared.
    counts: HashMap<String, usize>,
    /// How often the log was cleared.
    cleared: usize,
}

/// The place of a request in the log, valid until the log is cleared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    index: usize,
    cleared: usize,
}

impl Journal {
    /// Logs a request and looks up its faults.
    pub(crate) fn enter(
        &mut self,
        incoming: &Incoming,
        connection: usize,
        endpoint: String,
        body: Value,
    ) -> (Entry, Plan) {
        let n = self.log.len() + 1;
        let count = self.counts.entry(endpoint.clone()).or_default();
        *count += 1;
        let plan = self.faults.plan(&endpoint, n, *count);
        let head = &incoming.head;
        self.log.push(Request {
            n,
            connection,
            method: head.method.clone(),
            path: head.path.clone(),
            endpoint,
            headers: head.headers.clone(),
            body,
            status: 0,
            request_bytes: incoming.bytes,
            response_bytes: 0,
        });
        (Entry { index: n - 1, cleared: self.cleared }, plan)
    }

    pub(crate) fn find(&self, entry: Entry) -> Option<&Request> {
        self.log.get(entry.index).filter(|_| entry.cleared == self.cleared)
    }

    /// Logs the answer, unless the log was cleared while the request waited.
    pub(crate) fn leave(&mut self, entry: Entry, status: u16, bytes: usize) {
        if let Some(request) = self.log.get_mut(entry.index).filter(|_| entry.cleared == self.cleared) {
            request.status = status;
            request.response_bytes = bytes;
        }
    }

    pub(crate) fn clear_log(&mut self) {
        self.log.clear();
        self.counts.clear();
        self.cleared += 1;
    }
}
