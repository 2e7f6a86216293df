//! What can go wrong between client and server, and when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

/// Which requests a fault applies to. `clear_log` restarts the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Every request.
    Always,
    /// The nth request, from 1.
    Request(usize),
    /// The nth request, from 1, and every later one.
    From(usize),
    /// Every request to this endpoint, such as `tasks.get_all_ex` or `GET comments`.
    Endpoint(&'static str),
    /// The nth request to this endpoint, from 1.
    NthOf(&'static str, usize),
}

/// What happens to a request. "Applied" means the server's state changes as if nothing were wrong.
#[derive(Clone)]
pub enum Effect {
    /// Answered with this status, not applied.
    Status {
        /// The HTTP status.
        code: u16,
        /// Headers in addition to length and type. A `Content-Type` here replaces the JSON one.
        headers: Vec<(String, String)>,
        /// The body, sent unchanged.
        body: String,
    },
    /// Waits, then continues.
    Delay(Duration),
    /// Not applied; the connection closes without a byte.
    CutBefore,
    /// Applied; the connection closes without a byte.
    CutAfter,
    /// Applied; the connection closes in the middle of the body.
    CutInBody,
    /// Applied; valid HTTP with half of the JSON.
    Truncated,
    /// Status 200 with this body, not applied.
    Body {
        /// The `Content-Type`.
        content_type: String,
        /// The body, sent unchanged.
        body: String,
    },
    /// Status 302 to this `Location`, not applied.
    Redirect(String),
    /// Applied; the body comes byte by byte.
    Drip {
        /// The wait before each byte.
        every: Duration,
    },
    /// Status 200 with this many bytes that look like JSON, not applied.
    Huge(usize),
    /// Applied; every number of the answer's data is the bare word `NaN`, which is not JSON.
    BareNan,
    /// Not applied; the server is gone. This connection closes without a byte, and further ones are refused.
    Gone,
    /// Applied; then the JSON answer is edited.
    Mangle(Arc<dyn Fn(&mut Value) + Send + Sync>),
}

impl Effect {
    /// [`Effect::Mangle`] from a closure.
    pub fn mangle(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Mangle(Arc::new(edit))
    }

    /// [`Effect::Body`] with JSON as its type.
    pub fn json(body: impl Into<String>) -> Self {
        Self::Body { content_type: "application/json".to_owned(), body: body.into() }
    }

    /// [`Effect::Status`] with a body that is JSON but not the API's envelope, and no headers.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: "{}".to_owned() }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { code, .. } => write!(f, "Status({code})"),
            Self::Delay(delay) => write!(f, "Delay({delay:?})"),
            Self::CutBefore => f.write_str("CutBefore"),
            Self::CutAfter => f.write_str("CutAfter"),
            Self::CutInBody => f.write_str("CutInBody"),
            Self::Truncated => f.write_str("Truncated"),
            Self::Body { content_type, .. } => write!(f, "Body({content_type})"),
            Self::Redirect(to) => write!(f, "Redirect({to})"),
            Self::Drip { every } => write!(f, "Drip({every:?})"),
            Self::Huge(size) => write!(f, "Huge({size})"),
            Self::BareNan => f.write_str("BareNan"),
            Self::Gone => f.write_str("Gone"),
            Self::Mangle(_) => f.write_str("Mangle"),
        }
    }
}

/// The faults that a test set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    faults: Vec<(At, Effect)>,
}

/// The faults for one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) mangles: Vec<Effect>,
    /// The first fault that is neither a delay nor a mangling.
    pub(crate) effect: Option<Effect>,
}

impl Faults {
    pub(crate) fn add(&mut self, at: At, effect: Effect) {
        self.faults.push((at, effect));
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    /// `n` and `nth` count this request among all requests and among those to its endpoint.
    pub(crate) fn plan(&self, endpoint: &str, n: usize, nth: usize) -> Plan {
        let mut plan = Plan::default();
        for (at, effect) in &self.faults {
            let applies = match at {
                At::Always => true,
                At::Request(wanted) => *wanted == n,
                At::From(first) => *first <= n,
                At::Endpoint(name) => *name == endpoint,
                At::NthOf(name, wanted) => *name == endpoint && *wanted == nth,
            };
            match effect {
                _ if !applies => {}
                Effect::Delay(delay) => plan.delay += *delay,
                Effect::Mangle(_) => plan.mangles.push(effect.clone()),
                _ if plan.effect.is_none() => plan.effect = Some(effect.clone()),
                _ => {}
            }
        }
        plan
    }
}
