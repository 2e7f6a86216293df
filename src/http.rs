//! The one door out: time limits, retries, no redirects, a cap on what is read, and kinds of failure.
//!
//! A failed attempt and the pause after it cost patience, of which a run has one minute in all. A host that does not
//! resolve, a certificate that is not trusted and an answer that another attempt cannot change end at once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error, Timeout};

use crate::trust::Trust;

/// All failed attempts of a run and the pauses between them, together.
const PATIENCE: Duration = Duration::from_mins(1);
/// One request, from the first packet to the last byte of the answer.
const REQUEST: Duration = Duration::from_secs(30);
/// The same, for what only illustrates.
const BRIEF: Duration = Duration::from_secs(10);
/// Looking up the name and opening the connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The first pause; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A page of 500 tasks takes under 1 MiB, a batch of 200,000 raw scalars about 6 MiB.
const BODY_CAP: u64 = 32 * 1024 * 1024;
/// What a proxy or an overloaded server answers, and the same request may pass a moment later.
const PASSING: [u16; 5] = [429, 502, 503, 504, 509];

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// Whether a request whose answer was lost may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Sending it twice is the same as sending it once.
    Freely,
    /// The caller has to look at the state of things first.
    AfterALook,
    /// The answer is welcome and not needed: one attempt, and nobody waits long for it.
    Never,
}

impl Repeat {
    /// The longest time for one request.
    const fn limit(self) -> Duration {
        match self {
            Self::Freely | Self::AfterALook => REQUEST,
            Self::Never => BRIEF,
        }
    }
}

/// Why there is no answer that can be used.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The name does not resolve.
    UnknownHost,
    /// Nothing came back, however often it was tried; another run may fare better.
    Unreachable(String),
    /// The encrypted connection failed, most often for a certificate that is not trusted.
    Untrusted(String),
    /// The other side is there, but answers nothing that can be understood.
    Odd(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("there is no host of that name"),
            Self::Unreachable(cause) | Self::Untrusted(cause) | Self::Odd(cause) => f.write_str(cause),
        }
    }
}

/// A connection to one server, kept alive between requests.
#[derive(Debug)]
pub(crate) struct Http {
    agent: RefCell<Agent>,
    trust: Trust,
    patience: Cell<Duration>,
}

/// How one attempt ended.
enum Attempt {
    Answered(Answer),
    /// Nothing another attempt could change.
    Final(Failure),
    /// May pass; the server's own word on how long to wait, if it gave one.
    Passing {
        cause: String,
        retry_after: Option<Duration>,
    },
}

impl Http {
    pub(crate) fn new(trust: &Trust) -> Self {
        let roots = match trust {
            Trust::Authorities(certificates) => RootCerts::Specific(certificates.clone()),
            Trust::System | Trust::Anyone => RootCerts::PlatformVerifier,
        };
        Self { agent: RefCell::new(agent(trust, roots)), trust: trust.clone(), patience: Cell::new(PATIENCE) }
    }

    /// Sends JSON and returns whatever comes back, errors of the server included.
    pub(crate) fn post(&self, url: &str, authorization: &str, body: &[u8], repeat: Repeat) -> Result<Answer, Failure> {
        let mut pause = FIRST_PAUSE;
        loop {
            let started = Instant::now();
            let (cause, retry_after) = match self.attempt(url, authorization, body, repeat.limit()) {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Final(failure) => return Err(failure),
                Attempt::Passing { cause, retry_after } => (cause, retry_after),
            };
            self.spend(started.elapsed());
            if repeat != Repeat::Freely {
                return Err(Failure::Unreachable(cause));
            }
            self.pause(retry_after.unwrap_or(pause))
                .map_err(|given_up| Failure::Unreachable(format!("{cause}; {given_up}")))?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits before another attempt, or says why it is not worth it.
    pub(crate) fn pause(&self, duration: Duration) -> Result<(), String> {
        let left = self.patience.get();
        if left.is_zero() {
            return Err(format!("given up after {} s of trying", PATIENCE.as_secs()));
        }
        if duration > left && duration > LONGEST_PAUSE {
            return Err(format!("it asks to wait {} s, which is longer than this tool does", duration.as_secs()));
        }
        let duration = duration.min(left);
        thread::sleep(duration);
        self.spend(duration);
        Ok(())
    }

    fn spend(&self, duration: Duration) {
        self.patience.set(self.patience.get().saturating_sub(duration));
    }

    fn attempt(&self, url: &str, authorization: &str, body: &[u8], limit: Duration) -> Attempt {
        let mut sent = self.send(url, authorization, body, limit);
        if matches!(&sent, Err(Error::Rustls(_))) && self.lacks_roots(&sent) {
            *self.agent.borrow_mut() = agent(&self.trust, RootCerts::WebPki);
            sent = self.send(url, authorization, body, limit);
        }
        match sent {
            Ok(response) => read(response),
            Err(error) => of_error(error),
        }
    }

    /// Whether the platform has no certificate store at all (a bare container), so that the built-in roots must do.
    fn lacks_roots(&self, sent: &Result<ureq::http::Response<ureq::Body>, Error>) -> bool {
        matches!(self.trust, Trust::System)
            && sent.as_ref().err().is_some_and(|error| error.to_string().contains("No CA certificates were loaded"))
    }

    fn send(
        &self,
        url: &str,
        authorization: &str,
        body: &[u8],
        limit: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, Error> {
        self.agent
            .borrow()
            .post(url)
            .config()
            .timeout_global(Some(limit))
            .build()
            .header("Authorization", authorization)
            .header("Content-Type", "application/json")
            .send(body)
    }
}

fn agent(trust: &Trust, roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder().root_certs(roots).disable_verification(matches!(trust, Trust::Anyone)).build();
    Agent::config_builder()
        .tls_config(tls)
        .user_agent(concat!("clearml-gate/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .build()
        .new_agent()
}

fn read(response: ureq::http::Response<ureq::Body>) -> Attempt {
    let status = response.status().as_u16();
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if response.status().is_redirection() {
        return Attempt::Final(Failure::Odd(format!(
            "it answered with a redirect ({status}), which is not followed because a redirected request loses its body"
        )));
    }
    if PASSING.contains(&status) {
        let retry_after = header("retry-after").parse().ok().map(Duration::from_secs);
        return Attempt::Passing { cause: format!("it answered with HTTP status {status}"), retry_after };
    }
    let content_type = header("content-type");
    match response.into_body().into_with_config().limit(BODY_CAP).read_to_vec() {
        Ok(body) => Attempt::Answered(Answer { status, content_type, body }),
        Err(error) => of_error(error),
    }
}

/// Sorts an error and words it without anything that was sent.
fn of_error(error: Error) -> Attempt {
    let passing = |cause: String| Attempt::Passing { cause, retry_after: None };
    let unreachable = |cause: &str| Attempt::Final(Failure::Unreachable(cause.to_owned()));
    let odd = |cause: String| Attempt::Final(Failure::Odd(cause));
    match error {
        Error::HostNotFound => Attempt::Final(Failure::UnknownHost),
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            passing(format!("no connection within {} s", CONNECT.as_secs()))
        }
        Error::Timeout(_) => passing(format!("no complete answer within {} s", REQUEST.as_secs())),
        Error::Io(error) => of_io(&error),
        Error::ConnectionFailed => passing("no connection could be made".to_owned()),
        Error::ConnectProxyFailed(_) => unreachable("the proxy refused to connect (see HTTPS_PROXY and NO_PROXY)"),
        Error::InvalidProxyUrl => unreachable("the proxy's address is not valid (see HTTPS_PROXY)"),
        Error::BodyExceedsLimit(_) => odd(format!("its answer is larger than {} MiB", BODY_CAP >> 20)),
        Error::Rustls(error) => untrusted(error.to_string()),
        Error::Tls(cause) => untrusted(cause.to_owned()),
        Error::Protocol(_) | Error::LargeResponseHeader(..) | Error::Http(_) => {
            odd("its answer is not HTTP".to_owned())
        }
        // Not even the variant is named: what is left cannot happen with this agent, and its text may hold an address.
        _ => odd("the request could not be made".to_owned()),
    }
}

fn of_io(error: &io::Error) -> Attempt {
    if is_unknown_host(error) {
        return of_error(Error::HostNotFound);
    }
    match error.kind() {
        // TLS faults arrive as invalid data; another attempt meets the same certificate.
        io::ErrorKind::InvalidData => untrusted(error.to_string()),
        io::ErrorKind::ConnectionRefused => {
            Attempt::Passing { cause: "the connection was refused".to_owned(), retry_after: None }
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => {
            Attempt::Passing { cause: "the connection was cut".to_owned(), retry_after: None }
        }
        kind => Attempt::Passing { cause: format!("the connection failed ({kind})"), retry_after: None },
    }
}

/// Whether the name could not be resolved. The standard library has no kind for it: on Unix only its message tells, on
/// Windows the code (11001 no such host, 11004 no address). A resolver that is down for a moment is not told apart
/// from a typing error, which is the more frequent of the two by far.
fn is_unknown_host(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(11_001 | 11_004)) || error.to_string().contains("failed to lookup address")
}

const fn untrusted(cause: String) -> Attempt {
    Attempt::Final(Failure::Untrusted(cause))
}
