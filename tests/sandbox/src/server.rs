//! Passes each request through log, faults, hook and API.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use crate::api::{self, Target};
use crate::fault::Plan;
use crate::http::Incoming;
use crate::listener::Service;
use crate::log::{Entry, Journal, Request};
use crate::strict;
use crate::wire::{Manner, Wire};
use crate::workspace::Workspace;

/// A test's hook between two requests.
pub(crate) type Hook = Box<dyn FnMut(&Request, &mut Workspace) + Send>;

/// Everything that the connections share.
pub(crate) struct Shared {
    pub(crate) workspace: Workspace,
    pub(crate) journal: Journal,
    pub(crate) hook: Option<Hook>,
    pub(crate) impossible: Vec<String>,
    pub(crate) lenient: bool,
    pub(crate) one_request_per_connection: bool,
}

pub(crate) struct Server {
    shared: Mutex<Shared>,
}

impl Service for Server {
    const NAME: &'static str = "clearml";

    fn handle(&self, incoming: &Incoming, connection: usize, closes: bool) -> Wire {
        let (entry, plan) = self.enter(incoming, connection);
        thread::sleep(plan.delay);
        let mut shared = self.shared();
        let Shared { workspace, hook, journal, .. } = &mut *shared;
        if let (Some(request), Some(hook)) = (journal.find(entry), hook.as_mut()) {
            hook(request, workspace);
        }
        let manner = Manner::new(Self::NAME, &incoming.head.method, closes);
        let (status, wire) = manner.answer(&plan, || api::answer(workspace, &incoming.head, &incoming.body));
        journal.leave(entry, status, wire.len());
        wire
    }

    fn one_request_per_connection(&self) -> bool {
        self.shared().one_request_per_connection
    }
}

impl Server {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Mutex::new(shared) }
    }

    /// If a test panicked in a hook, a second panic here must not hide the first.
    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs the request and looks up its faults.
    fn enter(&self, incoming: &Incoming, connection: usize) -> (Entry, Plan) {
        let mut shared = self.shared();
        let endpoint = Target::parse(&incoming.head.path).map(|target| target.name).unwrap_or_default();
        if !shared.lenient {
            let api_version = shared.workspace.api_version;
            let objections = strict::objections(&incoming.head, &incoming.body, &endpoint, api_version);
            shared.impossible.extend(objections);
        }
        shared.journal.enter(incoming, connection, endpoint, logged_body(incoming))
    }
}

fn logged_body(incoming: &Incoming) -> Value {
    if incoming.body.is_empty() {
        return Value::Null;
    }
    api::read_body(&incoming.head, &incoming.body)
        .ok()
        .filter(|read| read != &serde_json::json!({}) || incoming.body == b"{}")
        .unwrap_or_else(|| String::from_utf8_lossy(&incoming.body).into_owned().into())
}
