//! The record of requests, and the faults that their numbers call for.

use std::collections::HashMap;

use serde_json::Value;

use crate::fault::{Faults, Plan};
use crate::http::Incoming;

/// One request as the server saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its place since the start or the last `clear_log`, from 1.
    pub n: usize,
    /// Which connection it came on, from 1: equal numbers mean the client kept the connection.
    pub connection: usize,
    /// The HTTP method.
    pub method: String,
    /// The path with the query string.
    pub path: String,
    /// The endpoint, such as `tasks.get_all_ex` (without version) or `GET comments`; empty for a path that names none.
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

/// The requests so far and the faults to come.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) log: Vec<Request>,
    pub(crate) faults: Faults,
    /// Requests of each endpoint since the log was cleared.
    counts: HashMap<String, usize>,
    /// How often the log was cleared.
    cleared: usize,
}

/// Where a request is logged, as long as the log is not cleared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    index: usize,
    cleared: usize,
}

impl Journal {
    /// Logs a request and looks up what is to happen to it.
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
