//! Passes each request through log, faults, hook and API.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use crate::fault::Plan;
use crate::http::Incoming;
use crate::listener::Service;
use crate::log::{Entry, Journal, Request};
use crate::wire::{Manner, Wire};
use crate::workspace::md5_hex;

use super::routes::Call;
use super::shape::Site;
use super::state::State;
use super::{api, limits, strict};

/// A test's hook between two requests.
pub(super) type Hook = Box<dyn FnMut(&Request) + Send>;

/// Everything that the connections share.
pub(super) struct Shared {
    pub(super) state: State,
    pub(super) journal: Journal,
    pub(super) impossible: Vec<String>,
    lenient: bool,
}

pub(super) struct Server {
    site: Site,
    shared: Mutex<Shared>,
    /// Separate from the rest, so that a hook can access the state.
    hook: Mutex<Option<Hook>>,
}

impl Service for Server {
    const NAME: &'static str = "github.com";

    fn handle(&self, incoming: &Incoming, connection: usize, closes: bool) -> Wire {
        let head = &incoming.head;
        let call = Call::parse(self.site.prefix(), &head.method, &head.path);
        let (entry, plan, request) = self.enter(incoming, connection, call.as_ref());
        thread::sleep(plan.delay);
        if let (Some(request), Some(hook)) = (request, self.hook().as_mut()) {
            hook(&request);
        }
        let mut shared = self.shared();
        let Shared { state, journal, .. } = &mut *shared;
        let (used, limit) = state.tokens.count(head);
        let mut headers = limits::headers(used, limit, state.reset);
        headers.push(("x-github-request-id".to_owned(), md5_hex(&format!("request {connection} {used}"))));
        let manner = Manner::new(Self::NAME, &head.method, closes).with(headers);
        let (status, wire) =
            manner.answer(&plan, || api::answer(state, &self.site, head, &incoming.body, call.as_ref()));
        journal.leave(entry, status, wire.len());
        wire
    }
}

impl Server {
    pub(super) fn new(state: State, site: Site, lenient: bool) -> Self {
        let shared = Shared { state, journal: Journal::default(), impossible: Vec::new(), lenient };
        Self { site, shared: Mutex::new(shared), hook: Mutex::new(None) }
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// If a test panicked in a hook, a second panic here must not hide the first.
    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self) -> MutexGuard<'_, Option<Hook>> {
        self.hook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_hook(&self, hook: Hook) {
        *self.hook() = Some(hook);
    }

    /// Logs the request and looks up its faults.
    fn enter(&self, incoming: &Incoming, connection: usize, call: Option<&Call>) -> (Entry, Plan, Option<Request>) {
        let mut shared = self.shared();
        if !shared.lenient {
            let objections = strict::objections(&incoming.head, &incoming.body, call);
            shared.impossible.extend(objections);
        }
        let endpoint = call.map(|call| call.operation.name()).unwrap_or_default().to_owned();
        let (entry, plan) = shared.journal.enter(incoming, connection, endpoint, logged_body(&incoming.body));
        let request = shared.journal.find(entry).cloned();
        (entry, plan, request)
    }
}

fn logged_body(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
}
