//! A stateful GitHub on loopback, as far as comments and look-ups of pull requests need it.
//!
//! Tests seed a repository, run the real binary with [`GitHub::url`] as `GITHUB_API_URL`, and check the comments
//! afterward. It follows GitHub's public REST documentation and what its users report about real answers.
//!
//! Code map, from the network inward:
//!
//! - `mod`: the handle; `repository`, `seed`: what tests add and inspect; `limits`: rate limits as faults
//! - `server`: the steps of each request; `strict`: requests that no client should send
//! - `routes`: finds the operation; `api`: user agent, version, repository, permission, operation; `problem`: errors
//! - `auth`: tokens and what they may do; `comments`, `pulls`: the operations; `paging`: pages and `Link`
//! - `state`: what is stored; `shape`: its form in answers

mod api;
mod auth;
mod comments;
mod limits;
mod paging;
mod problem;
mod pulls;
mod repository;
mod routes;
mod seed;
mod server;
mod shape;
mod state;
mod strict;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::fault::{At, Effect};
use crate::listener::Listener;
use crate::log::Request;
use crate::workspace::Clock;

use self::server::Server;
use self::shape::Site;
use self::state::State;

pub use self::auth::{Access, Permissions};
pub use self::repository::{Comment, Repository};
pub use self::seed::PullSeed;
pub use self::state::Account;

/// A running GitHub on loopback.
///
/// Dropping it stops it, and panics (unless the test already does) if it got an impossible request that was not
/// acknowledged: one that a correct client never sends.
///
/// The endpoints for [`At`]: `GET comments`, `POST comments`, `GET comment`, `PATCH comment`, `DELETE comment`,
/// `GET pull`, `GET commit pulls`.
pub struct GitHub {
    server: Arc<Server>,
    listener: Listener,
}

/// How to start a [`GitHub`].
#[derive(Debug, Clone, Default)]
pub struct GitHubBuilder {
    prefix: String,
    port: u16,
    now: Option<i64>,
    lenient: bool,
}

impl GitHubBuilder {
    /// The path of the API on the host, such as `/api/v3`. With one, it is a GitHub Enterprise Server.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        let trimmed = prefix.trim_matches('/');
        self.prefix = if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") };
        self
    }

    /// A fixed port instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
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

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If the port is not available.
    pub fn start(self) -> io::Result<GitHub> {
        let state = State::new(Clock { fixed: self.now, added: 0 });
        let site = |address: SocketAddr| Site::new(&format!("http://{address}"), &self.prefix);
        let (listener, server) =
            Listener::start(self.port, |address| Arc::new(Server::new(state, site(address), self.lenient)))?;
        Ok(GitHub { server, listener })
    }
}

impl GitHub {
    /// Without repositories and tokens, on a free port.
    ///
    /// # Panics
    ///
    /// If loopback has no free port.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start().unwrap_or_else(|error| panic!("no free port on 127.0.0.1: {error}"))
    }

    /// The same, with options.
    #[must_use]
    pub fn builder() -> GitHubBuilder {
        GitHubBuilder::default()
    }

    /// The value of `GITHUB_API_URL`: `http://127.0.0.1:PORT` and the prefix.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.site().api().to_owned()
    }

    /// The value of `GITHUB_SERVER_URL`: the address of the web pages.
    #[must_use]
    pub fn server_url(&self) -> String {
        self.server.site().web().to_owned()
    }

    /// A new token of a workflow run: `ghs_...`, acting as `github-actions[bot]`.
    ///
    /// It has the long form of 2026. With a prefix it has 40 characters, the older form that Enterprise Server kept.
    pub fn token(&self, permissions: Permissions) -> String {
        let long = !self.server.site().is_enterprise();
        self.server.shared().state.tokens.installation(permissions, long)
    }

    /// A new personal token: `ghp_...`, acting as this user.
    pub fn personal_token(&self, login: &str, permissions: Permissions) -> String {
        self.server.shared().state.tokens.personal(login, permissions)
    }

    /// Makes the token invalid from now on.
    pub fn revoke(&self, token: &str) {
        self.server.shared().state.tokens.revoke(token);
    }

    /// The repository with this name, `owner/name`. It is created, public and empty, if missing.
    pub fn repository(&self, full_name: &str) -> Repository {
        let id = self.server.shared().state.repository(full_name).id;
        Repository::new(Arc::clone(&self.server), id)
    }

    /// The requests since the start or the last [`GitHub::clear_log`].
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.shared().journal.log.clone()
    }

    /// Clears the requests and restarts their count.
    pub fn clear_log(&self) {
        self.server.shared().journal.clear_log();
    }

    /// Adds a fault. Delays add up, all manglings apply, and of the others only the first that fits applies.
    pub fn fault(&self, at: At, effect: Effect) {
        self.server.shared().journal.faults.add(at, effect);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.server.shared().journal.faults.clear();
    }

    /// The primary rate limit as a fault: 403, nothing remaining, reset this much later by the server's clock.
    #[must_use]
    pub fn primary_limit(&self, reset_in: Duration) -> Effect {
        limits::primary(self.server.shared().state.clock.now(), reset_in)
    }

    /// A secondary rate limit as a fault: 403 or 429, with or without `retry-after` in seconds.
    #[must_use]
    pub fn secondary_limit(code: u16, retry_after: Option<u64>) -> Effect {
        limits::secondary(code, retry_after)
    }

    /// Runs this just before each answer, so that a test can change the state between two requests of a client, through
    /// a [`Repository`]. A request sent from inside would wait forever.
    pub fn on_request(&self, hook: impl FnMut(&Request) + Send + 'static) {
        self.server.set_hook(Box::new(hook));
    }

    /// Moves the server's clock forward.
    pub fn advance_clock(&self, by: Duration) {
        self.server.shared().state.clock.advance(by);
    }

    /// The impossible requests so far, which then no longer count.
    pub fn acknowledge_impossible(&self) -> Vec<String> {
        std::mem::take(&mut self.server.shared().impossible)
    }

    /// Stops listening: from now on, refuses connections and closes open ones.
    pub fn stop(&mut self) {
        self.listener.stop();
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.stop();
        let impossible = self.acknowledge_impossible();
        assert!(
            thread::panicking() || impossible.is_empty(),
            "the client sent GitHub what a correct one never does:\n{}",
            impossible.join("\n")
        );
    }
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").field("url", &self.url()).finish_non_exhaustive()
    }
}
