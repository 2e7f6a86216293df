//! The HTTP client: time limits, retries, no redirects, a limit on what is read.
//!
//! Failed attempts and the pauses between them share one budget, and all requests share another (see `retry`). An unknown
//! host, an untrusted certificate and an unusable response end the request at once.

use std::cell::RefCell;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use ureq::http::{HeaderMap, Method};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Error, Timeout};

use crate::net::proxy::Proxy;
use crate::net::resolver::Addresses;
pub(crate) use crate::net::retry::Retry;
use crate::net::retry::{Budget, GaveUp, RetryPolicy};
use crate::net::tls::{self, TlsProblem, Trust};

/// A request. It does not implement `Debug`, because its headers hold credentials.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    /// JSON; empty for none.
    pub(crate) body: &'a [u8],
    pub(crate) retry: Retry,
}

/// A response of any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header's value; empty if it is missing or not ASCII.
    pub(crate) fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    /// Whether it is a page for people, as proxies and web apps send.
    pub(crate) fn is_web_page(&self) -> bool {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        self.header("content-type").contains("html") || start == Some(&b'<')
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Why there is no usable response.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    UnknownHost,
    /// No response after all attempts; a later run may succeed.
    Unreachable(Unreachable),
    Untrusted(TlsProblem),
    /// The server responds, but not as expected.
    Unexpected(Unexpected),
}

#[derive(Debug, Clone)]
pub(crate) struct Unreachable {
    pub(crate) cause: ConnectionProblem,
    /// The proxy, if it may be the cause.
    pub(crate) proxy: Option<Proxy>,
    pub(crate) gave_up: Option<GaveUp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectionProblem {
    NotConnectedWithin(Duration),
    NoResponseWithin(Duration),
    /// The time for all requests together is used up.
    TotalTime(Duration),
    NotConnected,
    Refused,
    Interrupted,
    Failed(io::ErrorKind),
    /// A status that means "try again later".
    Status(u16),
    UnknownProxyHost,
    BadProxyAddress,
    /// The proxy wants other credentials.
    ProxyCredentials,
    /// The proxy refused to connect to the server, with this status.
    ProxyRefused(u16),
    NotAProxy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unexpected {
    Redirect(u16),
    /// The response has more bytes than this.
    LargerThan(u64),
    NotHttp,
    /// Anything else. The HTTP library's text may hold an address, so it is dropped.
    NotSent,
}

/// A failed attempt.
enum AttemptError {
    /// Another attempt would fail too.
    Final(Failure),
    Transient {
        problem: Unreachable,
        retry_after: Option<Duration>,
    },
}

/// A connection to one server, kept alive between requests.
#[derive(Debug)]
pub(crate) struct Http {
    agent: RefCell<Agent>,
    addresses: Addresses,
    trust: Trust,
    proxy: Option<Proxy>,
    policy: RetryPolicy,
    budget: RefCell<Budget>,
}

type Response = ureq::http::Response<ureq::Body>;

impl Http {
    pub(crate) fn new(trust: &Trust, proxy: Option<Proxy>, policy: RetryPolicy) -> Self {
        let roots = match trust {
            Trust::Authorities(certificates) => RootCerts::Specific(certificates.clone()),
            Trust::System | Trust::NamedStore | Trust::Anyone => RootCerts::PlatformVerifier,
        };
        let addresses = Addresses::default();
        let agent = agent(trust, roots, proxy.as_ref(), policy.limits.connect, addresses.clone());
        let budget = RefCell::new(Budget::new(policy.limits));
        Self { agent: RefCell::new(agent), addresses, trust: trust.clone(), proxy, policy, budget }
    }

    /// Starts over with the full time budget.
    pub(crate) fn reset_budget(&self) {
        self.budget.replace(Budget::new(self.policy.limits));
    }

    /// Sends JSON and returns the response, whatever its status.
    pub(crate) fn post(&self, url: &str, authorization: &str, body: &[u8], retry: Retry) -> Result<Answer, Failure> {
        self.send(&Request { method: &Method::POST, url, headers: &[("Authorization", authorization)], body, retry })
    }

    /// Sends a request, again where the policy says so, and returns the response, whatever its status.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut failures = 0;
        loop {
            let started = Instant::now();
            match self.attempt(request) {
                Ok(answer) => {
                    self.budget.borrow_mut().charge_answer(started.elapsed());
                    let pause = self.policy.pause_after_rate_limit(request.retry, &answer);
                    if pause.is_none_or(|pause| self.wait_before_retry(pause).is_err()) {
                        return Ok(answer);
                    }
                }
                Err(AttemptError::Final(failure)) => {
                    self.budget.borrow_mut().charge_answer(started.elapsed());
                    return Err(failure);
                }
                Err(AttemptError::Transient { mut problem, retry_after }) => {
                    self.budget.borrow_mut().charge_failure(started.elapsed());
                    let Some(pause) = self.policy.pause_after_failure(request.retry, failures, retry_after) else {
                        return Err(Failure::Unreachable(problem));
                    };
                    if let Err(gave_up) = self.wait_before_retry(pause) {
                        problem.gave_up = Some(gave_up);
                        return Err(Failure::Unreachable(problem));
                    }
                    failures += 1;
                }
            }
        }
    }

    /// Sleeps before another attempt, unless the budget does not allow one.
    pub(crate) fn wait_before_retry(&self, pause: Duration) -> Result<(), GaveUp> {
        let pause = self.budget.borrow_mut().take_pause(pause)?;
        thread::sleep(pause);
        Ok(())
    }

    fn attempt(&self, request: &Request<'_>) -> Result<Answer, AttemptError> {
        let (limits, left) = (&self.policy.limits, self.budget.borrow().total());
        if left.is_zero() {
            return Err(unreachable(ConnectionProblem::TotalTime(limits.total)));
        }
        let limit = if request.retry == Retry::BestEffort { limits.brief } else { limits.request }.min(left);
        let mut sent = self.send_once(request, limit);
        if matches!(&sent, Err(Error::Rustls(error)) if self.lacks_roots(error)) {
            let (proxy, connect) = (self.proxy.as_ref(), limits.connect);
            self.agent.replace(agent(&self.trust, RootCerts::WebPki, proxy, connect, self.addresses.clone()));
            sent = self.send_once(request, limit);
        }
        match sent.map(|response| self.read(response)) {
            Ok(Ok(result)) => result,
            Ok(Err(error)) | Err(error) => {
                self.addresses.forget();
                Err(self.name_proxy(self.classify(error, limit)))
            }
        }
    }

    /// Whether the system has no certificate store at all, as in a bare container.
    fn lacks_roots(&self, error: &rustls::Error) -> bool {
        matches!(self.trust, Trust::System) && TlsProblem::from_tls(error) == TlsProblem::EmptyStore
    }

    fn send_once(&self, request: &Request<'_>, limit: Duration) -> Result<Response, Error> {
        let builder = ureq::http::Request::builder().method(request.method).uri(request.url);
        let builder = request.headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let agent = self.agent.borrow();
        // An empty body would still get a Content-Length, which servers do not expect in a GET.
        if request.body.is_empty() {
            run(&agent, builder.body(())?, limit)
        } else {
            run(&agent, builder.header("Content-Type", "application/json").body(request.body)?, limit)
        }
    }

    fn read(&self, response: Response) -> Result<Result<Answer, AttemptError>, Error> {
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        if head.status.is_redirection() {
            return Ok(Err(unexpected(Unexpected::Redirect(status))));
        }
        if self.policy.transient.contains(&status) {
            let retry_after = header(&head.headers, "retry-after").parse().ok().map(Duration::from_secs);
            return Ok(Err(AttemptError::Transient { problem: ConnectionProblem::Status(status).into(), retry_after }));
        }
        let body = body.into_with_config().limit(self.policy.limits.body).read_to_vec()?;
        Ok(Ok(Answer { status, headers: head.headers, body }))
    }

    fn classify(&self, error: Error, limit: Duration) -> AttemptError {
        match error {
            Error::HostNotFound => AttemptError::Final(Failure::UnknownHost),
            Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                transient(ConnectionProblem::NotConnectedWithin(self.policy.limits.connect))
            }
            Error::Timeout(_) => transient(ConnectionProblem::NoResponseWithin(limit)),
            Error::Io(error) => classify_io(&error),
            Error::ConnectionFailed => transient(ConnectionProblem::NotConnected),
            Error::ConnectProxyFailed(reason) => classify_proxy(&reason),
            Error::InvalidProxyUrl => unreachable(ConnectionProblem::BadProxyAddress),
            Error::BodyExceedsLimit(_) => unexpected(Unexpected::LargerThan(self.policy.limits.body)),
            Error::Rustls(error) => untrusted(TlsProblem::from_tls(&error)),
            Error::Tls(problem) => untrusted(TlsProblem::Other(problem.to_owned())),
            Error::Protocol(_) | Error::LargeResponseHeader(..) | Error::Http(_) => unexpected(Unexpected::NotHttp),
            _ => unexpected(Unexpected::NotSent),
        }
    }

    /// Adds the proxy to an error that it may have caused. The proxy looks up the server's name, so an unknown name is the
    /// proxy's own.
    fn name_proxy(&self, mut error: AttemptError) -> AttemptError {
        if self.proxy.is_some() && matches!(error, AttemptError::Final(Failure::UnknownHost)) {
            error = unreachable(ConnectionProblem::UnknownProxyHost);
        }
        if let AttemptError::Transient { problem, .. } | AttemptError::Final(Failure::Unreachable(problem)) = &mut error
        {
            problem.proxy.clone_from(&self.proxy);
        }
        error
    }
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

/// What a proxy's refusal to open a tunnel means. Only the status is read from its text.
fn classify_proxy(reason: &str) -> AttemptError {
    let status = reason.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 3);
    match status.and_then(|digits| digits.parse().ok()) {
        None => unreachable(ConnectionProblem::NotAProxy),
        Some(407) => unreachable(ConnectionProblem::ProxyCredentials),
        Some(status @ 502..=504) => transient(ConnectionProblem::ProxyRefused(status)),
        Some(status) => unreachable(ConnectionProblem::ProxyRefused(status)),
    }
}

fn classify_io(error: &io::Error) -> AttemptError {
    if is_unknown_host(error) {
        return AttemptError::Final(Failure::UnknownHost);
    }
    match error.kind() {
        // TLS errors arrive as invalid data; another attempt meets the same certificate.
        io::ErrorKind::InvalidData => untrusted(TlsProblem::from_io(error)),
        io::ErrorKind::ConnectionRefused => transient(ConnectionProblem::Refused),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => transient(ConnectionProblem::Interrupted),
        kind => transient(ConnectionProblem::Failed(kind)),
    }
}

/// Whether the name could not be resolved. The standard library has no kind for this: Unix has only the message, Windows
/// has codes (11001 no such host, 11004 no address). A resolver that is briefly down looks the same as a typo, which is far
/// more frequent.
fn is_unknown_host(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(11_001 | 11_004)) || error.to_string().contains("failed to lookup address")
}

impl From<ConnectionProblem> for Unreachable {
    fn from(cause: ConnectionProblem) -> Self {
        Self { cause, proxy: None, gave_up: None }
    }
}

fn transient(cause: ConnectionProblem) -> AttemptError {
    AttemptError::Transient { problem: cause.into(), retry_after: None }
}

fn unreachable(cause: ConnectionProblem) -> AttemptError {
    AttemptError::Final(Failure::Unreachable(cause.into()))
}

const fn untrusted(problem: TlsProblem) -> AttemptError {
    AttemptError::Final(Failure::Untrusted(problem))
}

const fn unexpected(problem: Unexpected) -> AttemptError {
    AttemptError::Final(Failure::Unexpected(problem))
}
