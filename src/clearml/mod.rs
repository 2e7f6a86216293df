//! The ClearML API as the gate uses it. Each method of [`Client`] is one question and returns the gate's own types.
//!
//! | file | what it does |
//! |---|---|
//! | `runs` | finds projects and runs |
//! | `working_trees` | which runs are clean |
//! | `scalars` | reads metrics from the events |
//! | `history` | reads how a run came about |
//! | `tags` | adds and removes the tag |
//! | `connection` | sends requests and decodes responses |
//! | `auth` | logs in, and keeps credentials out of errors |
//! | `wire` | the responses as the server sends them |
//! | `json` | JSON with the server's deviations |
//! | `error` | what can go wrong |
//! | `links` | pages of the web app |

mod auth;
mod connection;
mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod history;
mod json;
pub(crate) mod links;
mod runs;
mod scalars;
mod tags;
mod wire;
mod working_trees;

use std::time::{Duration, Instant};

pub(crate) use error::{Cause, Error, Operation, Unexpected};
pub(crate) use json::Place;

use crate::model::metric::Metrics;
use crate::model::name::Name;
use crate::net::limits::Limits;
use crate::net::proxy::Proxy;
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;
use connection::Connection;
use wire::Claims;

/// How many items are requested at once. A server can be set to return fewer in a page.
pub(crate) const PAGE_SIZE: usize = 500;
/// No project needs more pages. A server that never returns an empty page must not keep the gate running forever.
const MOST_PAGES: usize = 2_000;
/// The API version that added `tasks.update_tags`. Only since then are the fields around `last_change` requested.
const UPDATE_TAGS: (u32, u32) = (2, 27);
/// What a server that does not report its version is treated as.
const NEWEST: (u32, u32) = (u32::MAX, 0);

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The id of a project. Never empty, because the server ignores an empty filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProjectId(String);

impl ProjectId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A ClearML server and the credentials for it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) api: Host,
    /// The web app, for links; `None` when it cannot be derived from the API host.
    pub(crate) web: Option<Host>,
    pub(crate) access_key: Secret,
    pub(crate) secret_key: Secret,
    pub(crate) trust: Trust,
    pub(crate) proxy: Option<Proxy>,
}

/// The runs that can matter: those of one task name in one project.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) project: &'a ProjectId,
    pub(crate) task_name: &'a Name,
    pub(crate) metrics: &'a Metrics,
}

/// A session with a ClearML server.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    connection: Connection<'a>,
    /// The API version of the server.
    pub(crate) api_version: (u32, u32),
    /// The server's clock at login, in microseconds since 1970, and when that was; `None` if the server does not report it.
    clock: Option<(u64, Instant)>,
}

impl<'a> Client<'a> {
    /// Logs in. The token carries the server's version and time.
    pub(crate) fn login(server: &'a Server, limits: Limits) -> Result<Self> {
        let now = Instant::now();
        let connection = Connection::open(server, limits)?;
        let claims = connection.claims();
        let issued = claims.as_ref().map(|claims| claims.iat).filter(|iat| *iat > 0);
        Ok(Self {
            connection,
            api_version: claims.as_ref().and_then(Claims::api_version).unwrap_or(NEWEST),
            clock: issued.map(|seconds| (seconds.saturating_mul(1_000_000), now)),
        })
    }

    /// The server's clock now, in microseconds since 1970; 0 when it is unknown.
    pub(crate) fn now(&self) -> u64 {
        let since = |at: Instant| u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.clock.map_or(0, |(micros, at)| micros.saturating_add(since(at)))
    }

    /// Resets the time limits, for a new look after a wait.
    pub(crate) fn renew(&self) {
        self.connection.http.reset_budget();
    }

    /// Waits before a write is tried again; false when no time is left.
    pub(crate) fn pause(&self, duration: Duration) -> bool {
        self.connection.http.wait_before_retry(duration).is_ok()
    }
}
