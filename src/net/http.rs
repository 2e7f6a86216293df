//! The one door out: time limits, retries, no redirects, a cap on what is read, and kinds of failure.
//!
//! A failed attempt and the pause after it cost patience, of which a run has one minute in all for what the verdict needs
//! and a quarter of that for what GitHub is asked and told. Answers that come, however slowly, have a limit of their own. A
//! host that does not resolve, a certificate that is not trusted and an answer that another attempt cannot change end at once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use ureq::http::{HeaderMap, Method};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Error, Timeout};

use crate::net::distrust::TlsProblem;
use crate::net::limits::Limits;
use crate::net::proxy::Proxy;
use crate::net::resolver::Addresses;
use crate::net::tls;
use crate::net::trust::Trust;

/// What GitHub is asked and told must not hold the job.
const HURRIED: Limits = Limits {
    total: Duration::from_mins(1),
    retry_budget: Duration::from_secs(15),
    request: Duration::from_secs(8),
    brief: Duration::from_secs(8),
    ..Limits::REAL
};
/// What a proxy or an overloaded server answers, and the same request may pass a moment later.
const RETRYABLE: &[u16] = &[429, 502, 503, 504, 509];
/// The same for GitHub: a rate limit is an answer, which who asked knows better what to do about, and a 500 passes there,
/// while at ClearML it is what a fault in the question is answered with.
const RETRYABLE_HURRIED: &[u16] = &[500, 502, 503, 504];

/// What is sent. The headers hold credentials, so it cannot be printed.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    /// JSON; empty for none.
    pub(crate) body: &'a [u8],
    pub(crate) retry: Retry,
}

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Whether it is a page for people, as proxies and web apps answer.
    pub(crate) fn is_web_page(&self) -> bool {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        self.content_type.contains("html") || start == Some(&b'<')
    }
}

/// A header's value; empty when it is missing or not ASCII.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a request whose answer was lost may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Sending it twice is the same as sending it once.
    Idempotent,
    /// The caller has to look at the state of things first.
    NotIdempotent,
    /// The answer is welcome and not needed: one attempt, and nobody waits long for it.
    BestEffort,
}

/// Why there is no answer that can be used.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The name does not resolve.
    UnknownHost,
    /// Nothing came back, however often it was tried; another run may fare better.
    Unreachable(String),
    /// The encrypted connection failed, most often for a certificate that is not trusted.
    Untrusted(TlsProblem),
    /// The other side is there, but answers nothing that can be understood.
    Odd(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("there is no host of that name"),
            Self::Unreachable(cause) | Self::Odd(cause) => f.write_str(cause),
            Self::Untrusted(cause) => cause.fmt(f),
        }
    }
}

/// A connection to one server, kept alive between requests.
#[derive(Debug)]
pub(crate) struct Http {
    agent: RefCell<Agent>,
    addresses: Addresses,
    trust: Trust,
    limits: Limits,
    retryable: &'static [u16],
    proxy: Option<Proxy>,
    retry_budget: Cell<Duration>,
    total: Cell<Duration>,
}

type Response = ureq::http::Response<ureq::Body>;

/// How one attempt ended.
enum Attempt {
    Answered(Answer, HeaderMap),
    /// Nothing another attempt could change.
    Final(Failure),
    /// May pass; the server's own word on how long to wait, if it gave one.
    Passing {
        cause: String,
        retry_after: Option<Duration>,
    },
}

impl Attempt {
    /// With the proxy named where it may be what failed. It looks up the server's name, so an unknown name is its own.
    fn by_way_of(self, proxy: Option<&Proxy>) -> Self {
        let Some(proxy) = proxy else { return self };
        match self {
            Self::Passing { cause, retry_after } => {
                Self::Passing { cause: format!("{cause}, by way of {proxy}"), retry_after }
            }
            Self::Final(Failure::UnknownHost) => {
                Self::Final(Failure::Unreachable(format!("there is no host of the name of {proxy}")))
            }
            Self::Final(Failure::Unreachable(cause)) => {
                Self::Final(Failure::Unreachable(format!("{cause}, by way of {proxy}")))
            }
            other => other,
        }
    }
}

impl Http {
    /// To a server that the verdict depends on.
    pub(crate) fn new(trust: &Trust, proxy: Option<Proxy>, limits: Limits) -> Self {
        Self::with(trust, proxy, limits, RETRYABLE)
    }

    /// To GitHub, which must not hold the job; statuses of rate limits come back as answers.
    pub(crate) fn hurried(trust: &Trust, proxy: Option<Proxy>) -> Self {
        Self::with(trust, proxy, HURRIED, RETRYABLE_HURRIED)
    }

    fn with(trust: &Trust, proxy: Option<Proxy>, limits: Limits, retryable: &'static [u16]) -> Self {
        let roots = match trust {
            Trust::Authorities(certificates) => RootCerts::Specific(certificates.clone()),
            Trust::System | Trust::Anyone => RootCerts::PlatformVerifier,
        };
        let addresses = Addresses::default();
        let agent = RefCell::new(agent(trust, roots, proxy.as_ref(), limits.connect, addresses.clone()));
        let (retry_budget, total) = (Cell::new(limits.retry_budget), Cell::new(limits.total));
        Self { agent, addresses, trust: trust.clone(), proxy, limits, retryable, retry_budget, total }
    }

    /// Begins anew with all the time there is, for who comes back after a wait.
    pub(crate) fn renew(&self) {
        self.retry_budget.set(self.limits.retry_budget);
        self.total.set(self.limits.total);
    }

    /// Sends JSON and returns whatever comes back, errors of the server included.
    pub(crate) fn post(&self, url: &str, authorization: &str, body: &[u8], retry: Retry) -> Result<Answer, Failure> {
        self.send(&Request { method: &Method::POST, url, headers: &[("Authorization", authorization)], body, retry })
            .map(|(answer, _)| answer)
    }

    /// Sends a request and returns whatever comes back with its headers, errors of the server included.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<(Answer, HeaderMap), Failure> {
        let mut pause = self.limits.first_pause;
        loop {
            let started = Instant::now();
            let attempt = self.attempt(request);
            spend(&self.total, started.elapsed());
            let (cause, retry_after) = match attempt {
                Attempt::Answered(answer, headers) => return Ok((answer, headers)),
                Attempt::Final(failure) => return Err(failure),
                Attempt::Passing { cause, retry_after } => (cause, retry_after),
            };
            spend(&self.retry_budget, started.elapsed());
            if request.retry != Retry::Idempotent {
                return Err(Failure::Unreachable(cause));
            }
            self.pause(retry_after.unwrap_or(pause))
                .map_err(|given_up| Failure::Unreachable(format!("{cause}; {given_up}")))?;
            pause = (pause * 2).min(self.limits.longest_pause);
        }
    }

    /// Waits before another attempt, or says why it is not worth it.
    pub(crate) fn pause(&self, duration: Duration) -> Result<(), String> {
        let left = self.retry_budget.get().min(self.total.get());
        if left.is_zero() {
            return Err(format!("given up after {} s of trying", self.limits.retry_budget.as_secs()));
        }
        if duration > left && duration > self.limits.longest_pause {
            return Err(format!("it asks to wait {} s, which is longer than this tool does", duration.as_secs()));
        }
        let duration = duration.min(left);
        thread::sleep(duration);
        spend(&self.retry_budget, duration);
        spend(&self.total, duration);
        Ok(())
    }

    fn attempt(&self, request: &Request<'_>) -> Attempt {
        let left = self.total.get();
        if left.is_zero() {
            let cause = format!("it takes too long: {} s in all", self.limits.total.as_secs());
            return Attempt::Final(Failure::Unreachable(cause));
        }
        let limit = if request.retry == Retry::BestEffort { self.limits.brief } else { self.limits.request }.min(left);
        let mut sent = self.send_once(request, limit);
        if matches!(&sent, Err(Error::Rustls(error)) if self.lacks_roots(error)) {
            let (proxy, connect) = (self.proxy.as_ref(), self.limits.connect);
            *self.agent.borrow_mut() = agent(&self.trust, RootCerts::WebPki, proxy, connect, self.addresses.clone());
            sent = self.send_once(request, limit);
        }
        match sent.map(|response| self.read(response)) {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(error)) | Err(error) => {
                self.addresses.forget();
                self.of_error(error, limit).by_way_of(self.proxy.as_ref())
            }
        }
    }

    /// Whether the platform has no certificate store at all (a bare container), so that the built-in roots must do.
    fn lacks_roots(&self, error: &rustls::Error) -> bool {
        // Whoever names a store wants no other.
        let is_named = || ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
        matches!(self.trust, Trust::System) && TlsProblem::from_tls(error) == TlsProblem::EmptyStore && !is_named()
    }

    fn send_once(&self, request: &Request<'_>, limit: Duration) -> Result<Response, Error> {
        let builder = ureq::http::Request::builder().method(request.method).uri(request.url);
        let builder = request.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let agent = self.agent.borrow();
        // An empty body would still be announced, which servers do not expect of a GET.
        if request.body.is_empty() {
            run(&agent, builder.body(())?, limit)
        } else {
            run(&agent, builder.header("Content-Type", "application/json").body(request.body)?, limit)
        }
    }

    fn read(&self, response: Response) -> Result<Attempt, Error> {
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        if head.status.is_redirection() {
            return Ok(Attempt::Final(Failure::Odd(format!(
                "it answered with a redirect ({status}), which is not followed because it could lead anywhere"
            ))));
        }
        if self.retryable.contains(&status) {
            let retry_after = header(&head.headers, "retry-after").parse().ok().map(Duration::from_secs);
            return Ok(Attempt::Passing { cause: format!("it answered with HTTP status {status}"), retry_after });
        }
        let body = body.into_with_config().limit(self.limits.body).read_to_vec()?;
        let content_type = header(&head.headers, "content-type").to_owned();
        Ok(Attempt::Answered(Answer { status, content_type, body }, head.headers))
    }

    /// Sorts an error and words it without anything that was sent.
    fn of_error(&self, error: Error, limit: Duration) -> Attempt {
        let retryable = |cause: String| Attempt::Passing { cause, retry_after: None };
        let unreachable = |cause: &str| Attempt::Final(Failure::Unreachable(cause.to_owned()));
        let odd = |cause: String| Attempt::Final(Failure::Odd(cause));
        match error {
            Error::HostNotFound => Attempt::Final(Failure::UnknownHost),
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                retryable(format!("no connection within {} s", self.limits.connect.as_secs()))
            }
            Error::Timeout(_) => retryable(format!("no complete answer within {} s", limit.as_secs())),
            Error::Io(error) => of_io(&error),
            Error::ConnectionFailed => retryable("no connection could be made".to_owned()),
            Error::ConnectProxyFailed(reason) => of_proxy(&reason),
            Error::InvalidProxyUrl => unreachable("the proxy's address is not valid (see HTTPS_PROXY)"),
            Error::BodyExceedsLimit(_) => odd(format!("its answer is larger than {} MiB", self.limits.body >> 20)),
            Error::Rustls(error) => untrusted(TlsProblem::from_tls(&error)),
            Error::Tls(cause) => untrusted(TlsProblem::Other(cause.to_owned())),
            Error::Protocol(_) | Error::LargeResponseHeader(..) | Error::Http(_) => {
                odd("its answer is not HTTP".to_owned())
            }
            // Not even the variant is named: what is left cannot happen with this agent, and its text may hold an address.
            _ => odd("the request could not be made".to_owned()),
        }
    }
}

/// Takes from a store of time.
fn spend(store: &Cell<Duration>, duration: Duration) {
    store.set(store.get().saturating_sub(duration));
}

fn run(agent: &Agent, request: ureq::http::Request<impl AsSendBody>, limit: Duration) -> Result<Response, Error> {
    agent.run(agent.configure_request(request).timeout_global(Some(limit)).build())
}

fn agent(trust: &Trust, roots: RootCerts, proxy: Option<&Proxy>, connect: Duration, addresses: Addresses) -> Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(tls::provider())
        .root_certs(roots)
        .disable_verification(matches!(trust, Trust::Anyone))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .proxy(proxy.map(Proxy::as_ureq).cloned())
        .user_agent(concat!("clearml-gate/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect))
        .build();
    Agent::with_parts(config, DefaultConnector::new(), addresses)
}

/// What a proxy's refusal to open a tunnel means. Only the status in it is read.
fn of_proxy(reason: &str) -> Attempt {
    let status = reason.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 3).unwrap_or_default();
    let cause = match status {
        "407" => "wrong or no credentials for the proxy (status 407); they belong into its address, as in \
                  http://user:password@host:port"
            .to_owned(),
        "" => "nothing that a proxy answers came back".to_owned(),
        status => format!("no tunnel to the server (status {status}; see NO_PROXY)"),
    };
    if matches!(status, "502" | "503" | "504") {
        Attempt::Passing { cause, retry_after: None }
    } else {
        Attempt::Final(Failure::Unreachable(cause))
    }
}

fn of_io(error: &io::Error) -> Attempt {
    if is_unknown_host(error) {
        return Attempt::Final(Failure::UnknownHost);
    }
    match error.kind() {
        // TLS faults arrive as invalid data; another attempt meets the same certificate.
        io::ErrorKind::InvalidData => untrusted(TlsProblem::from_io(error)),
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

const fn untrusted(cause: TlsProblem) -> Attempt {
    Attempt::Final(Failure::Untrusted(cause))
}
