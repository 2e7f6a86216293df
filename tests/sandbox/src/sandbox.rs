//! The handle that tests use: start, seed, inspect, break, stop.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::auth;
use crate::door::Door;
use crate::fault::{At, Effect};
use crate::listener::Listener;
use crate::log::{Journal, Request};
use crate::seed::TaskSeed;
use crate::server::{Server, Shared};
use crate::version::Version;
use crate::workspace::{Clock, Workspace};

/// A running server on loopback.
///
/// Dropping it stops it, and panics (unless the test already does) if it got an impossible request that was not
/// acknowledged: one that a correct client never sends, because the real server would silently misread it.
pub struct Sandbox {
    server: Arc<Server>,
    listener: Listener,
}

/// How to start a [`Sandbox`].
#[derive(Debug, Clone)]
pub struct Builder {
    api_version: String,
    server_version: String,
    port: u16,
    state: Option<String>,
    now: Option<i64>,
    lenient: bool,
    one_request_per_connection: bool,
}

impl Builder {
    /// The API version of the server, such as `2.26`. It decides which endpoints and fields exist.
    #[must_use]
    pub fn api_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.api_version);
        self
    }

    /// The server's own version, such as `1.12.0`. It is only shown.
    #[must_use]
    pub fn server_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.server_version);
        self
    }

    /// A fixed port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts from `{"projects": [..], "tasks": [..]}`, each in the form of `get_all_ex` answers.
    #[must_use]
    pub fn state_json(mut self, state: &str) -> Self {
        self.state = Some(state.to_owned());
        self
    }

    /// Stops the server's clock at this instant, in microseconds since 1970.
    #[must_use]
    pub fn now(mut self, micros: i64) -> Self {
        self.now = Some(micros);
        self
    }

    /// Accepts impossible requests.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Closes each connection after one answer, as the recorded server did.
    #[must_use]
    pub fn one_request_per_connection(mut self) -> Self {
        self.one_request_per_connection = true;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If the port is taken, or the version or the state is invalid.
    pub fn start(self) -> io::Result<Sandbox> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let version = Version::parse(&self.api_version)
            .ok_or_else(|| invalid(format!("no API version: {:?}", self.api_version)))?;
        let clock = Clock { fixed: self.now, added: 0 };
        let mut workspace = Workspace::new(version, self.server_version, clock);
        if let Some(state) = &self.state {
            workspace.load(&serde_json::from_str(state).map_err(|error| invalid(error.to_string()))?);
        }
        let shared = Shared {
            workspace,
            journal: Journal::default(),
            hook: None,
            impossible: Vec::new(),
            lenient: self.lenient,
            one_request_per_connection: self.one_request_per_connection,
        };
        let (listener, server) = Listener::start(self.port, |_| Arc::new(Server::new(shared)))?;
        Ok(Sandbox { server, listener })
    }
}

impl Sandbox {
    /// An empty workspace on a free port, as the newest server (2.3.0, API 2.34) with the public test key pair.
    ///
    /// # Panics
    ///
    /// If loopback has no free port.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start().expect("a free port on 127.0.0.1")
    }

    /// The same, with options.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            api_version: "2.34".to_owned(),
            server_version: "2.3.0".to_owned(),
            port: 0,
            state: None,
            now: None,
            lenient: false,
            one_request_per_connection: false,
        }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The access key it accepts.
    #[must_use]
    pub fn access_key(&self) -> &str {
        auth::ACCESS_KEY
    }

    /// The secret key it accepts.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        auth::SECRET_KEY
    }

    /// The id of the project with this full path. It and its parents are created if missing.
    pub fn project(&self, full_path: &str) -> String {
        self.shared().workspace.project(full_path)
    }

    /// The same, for a project that listings leave out unless they include hidden ones.
    pub fn hidden_project(&self, full_path: &str) -> String {
        self.shared().workspace.hidden_project(full_path)
    }

    /// Stores a task and returns its id.
    pub fn add(&self, task: TaskSeed) -> String {
        self.shared().workspace.add(task)
    }

    /// Adds more projects and tasks, in the form of [`Builder::state_json`].
    ///
    /// # Panics
    ///
    /// If the text is not JSON.
    pub fn load(&self, state: &str) {
        let state = serde_json::from_str(state).expect("the state must be JSON");
        self.shared().workspace.load(&state);
    }

    /// The whole stored task. References are ids. Panics if there is none.
    #[must_use]
    pub fn task(&self, id: &str) -> Value {
        self.shared().workspace.task(id)
    }

    /// The task's tags in stored order. Panics if there is no such task.
    #[must_use]
    pub fn tags(&self, id: &str) -> Vec<String> {
        self.shared().workspace.tags(id)
    }

    /// The ids of all tasks that have exactly this tag, in all projects, in stored order.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<String> {
        self.shared().workspace.tagged(tag)
    }

    /// Changes a stored task without the API. Panics if there is none.
    pub fn edit(&self, id: &str, change: impl FnOnce(&mut Value)) {
        self.shared().workspace.edit(id, change);
    }

    /// `{"projects": [..], "tasks": [..], "models": [..]}` as stored, for comparison before and after.
    #[must_use]
    pub fn state(&self) -> Value {
        self.shared().workspace.state()
    }

    /// The requests since the start or the last [`Sandbox::clear_log`].
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared().journal.log.clone()
    }

    /// Clears the requests and restarts their count.
    pub fn clear_log(&self) {
        self.shared().journal.clear_log();
    }

    /// Adds a fault. Delays add up, all manglings apply, and of the others only the first that fits applies.
    pub fn fault(&self, at: At, effect: Effect) {
        self.shared().journal.faults.add(at, effect);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared().journal.faults.clear();
    }

    /// Runs this just before each answer, so that a test can change the state between two requests of a client. It gets
    /// the workspace. A call of the sandbox itself from inside would never return.
    pub fn on_request(&self, hook: impl FnMut(&Request, &mut Workspace) + Send + 'static) {
        self.shared().hook = Some(Box::new(hook));
    }

    /// Opens an additional port, where requests wait until the test admits them.
    ///
    /// # Panics
    ///
    /// If loopback has no free port.
    #[must_use]
    pub fn door(&self) -> Door {
        Door::open(&self.server).expect("a free port on 127.0.0.1")
    }

    /// Sets the maximum number of items per page, 500 by default. No answer shows this administrator's setting.
    pub fn page_cap(&self, most: usize) {
        self.shared().workspace.page_cap = most;
    }

    /// Moves the server's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.shared().workspace.advance(by);
    }

    /// The impossible requests so far, which then no longer count.
    pub fn acknowledge_impossible(&self) -> Vec<String> {
        std::mem::take(&mut self.shared().impossible)
    }

    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.server.shared()
    }

    /// Stops listening: from now on, refuses connections and closes open ones.
    pub fn stop(&mut self) {
        self.listener.stop();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
        let impossible = self.acknowledge_impossible();
        assert!(
            thread::panicking() || impossible.is_empty(),
            "the client sent what the real server would misread:\n{}",
            impossible.join("\n")
        );
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("address", &self.listener.address()).finish_non_exhaustive()
    }
}
