//! GitHub's REST API as the gate uses it: one comment on a pull request, and which pull requests end in a commit. Gitea
//! and Forgejo answer alike.
//!
//! | file | what it does |
//! |---|---|
//! | `comment` | creates the comment once, then keeps it up to date |
//! | `error` | what can go wrong, worded for one line of warning |
//!
//! It names commits and pull requests and never makes a model pass: what it cannot tell is no verdict, or a warning. The
//! token goes nowhere but to the origin of the API.

mod comment;
mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;

use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::Uri;

pub(crate) use comment::PullRequest;
pub(crate) use error::Error;

use crate::ci::{CiContext, Forge, FoundCommit, Trigger};
use crate::environment::Environment;
use crate::model::commit::Commit;
use crate::net::http::{Answer, HeaderMap, Http, Method, Request, Retry, header};
use crate::net::proxy::Proxy;
use crate::net::secret::Secret;
use crate::net::trust::Trust;
use crate::net::url::Host;

const VERSION: &str = "2022-11-28";
/// How many entries a page has; the API gives no more.
const PAGE: usize = 100;
/// A list that is longer, or takes longer, is not looked through.
const MOST_PAGES: usize = 100;
const LONGEST_SEARCH: Duration = Duration::from_secs(30);
/// A rate limit that is over sooner is waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

type Result<T> = std::result::Result<T, Error>;

/// A client of the API with the token of this run.
#[derive(Debug)]
pub(crate) struct GitHub {
    http: Http,
    api: Host,
    token: Secret,
}

impl GitHub {
    /// For this forge, with `GITHUB_TOKEN`; asks nothing yet.
    pub(crate) fn new(forge: &Forge, environment: &Environment) -> Result<Self> {
        let api = Host::parse(&forge.api).map_err(|_| Error::BadAddress)?;
        let token = environment.get("GITHUB_TOKEN").and_then(Secret::new).ok_or(Error::NoToken)?;
        if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::UnusableToken);
        }
        let proxy = Proxy::to(&api, environment).map_err(Error::BadProxy)?;
        Ok(Self { http: Http::hurried(&Trust::System, proxy), api, token })
    }

    /// The open pull requests whose head is this commit.
    ///
    /// The list of pull requests is asked, the latest changed first, and not `commits/{sha}/pulls`: in the repository
    /// that a pull request goes to, that one knows nothing of a commit which only a fork has.
    pub(crate) fn pulls_of(&self, repository: &str, commit: &Commit) -> Result<Vec<u64>> {
        let api = &self.api;
        let first = format!("{api}/repos/{repository}/pulls?state=open&sort=updated&direction=desc&per_page={PAGE}");
        let found = self.search(first, |pulls| {
            let numbers: Vec<u64> = pulls.iter().filter_map(|pull| headed(pull, commit)).collect();
            (!numbers.is_empty()).then_some(numbers)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The head of a pull request.
    pub(crate) fn head_of(&self, repository: &str, number: u64) -> Result<Commit> {
        let (_, pull) = self.ask(&Method::GET, &format!("{}/repos/{repository}/pulls/{number}", self.api), &[])?;
        let sha = pull.pointer("/head/sha").and_then(Value::as_str).unwrap_or_default();
        Commit::parse(sha).map_err(|_| self.odd("it names no head of the pull request"))
    }

    /// The pull requests that a commit belongs to or came out of, merged or not, as far as they go to this branch. One
    /// short attempt, for which nobody waits long.
    pub(crate) fn pulls_with(&self, repository: &str, commit: &Commit, base: &str) -> Result<Vec<Pull>> {
        let url = format!("{}/repos/{repository}/commits/{commit}/pulls?per_page={PAGE}", self.api);
        let (answer, headers) = self.send_once(&Method::GET, &url, &[], Retry::BestEffort)?;
        if let Some(limited) = error::limited(&answer, &headers) {
            return Err(Error::Limited(limited));
        }
        let pulls = self.said(&answer)?;
        let pulls = pulls.as_array().ok_or_else(|| self.odd("its answer is no list"))?;
        Ok(pulls.iter().filter_map(|pull| Pull::to(base, pull)).collect())
    }

    /// Looks through a list, page by page, until something is found.
    fn search<T>(&self, first: String, look: impl Fn(&[Value]) -> Option<T>) -> Result<Option<T>> {
        let started = Instant::now();
        let mut url = first;
        for _ in 0..MOST_PAGES {
            let (headers, page) = self.ask(&Method::GET, &url, &[])?;
            let entries = page.as_array().ok_or_else(|| self.odd("its answer is no list"))?;
            if let Some(found) = look(entries) {
                return Ok(Some(found));
            }
            let Some(next) = next(header(&headers, "link")) else { return Ok(None) };
            if !has_same_origin(next, self.api.as_str()) {
                return Err(self.odd("its list goes on at another address, which does not get the token"));
            }
            next.clone_into(&mut url);
            if started.elapsed() > LONGEST_SEARCH {
                break;
            }
        }
        Err(Error::TooMany)
    }

    /// Sends a request and returns the headers and the JSON of an answer that says yes.
    fn ask(&self, method: &Method, url: &str, body: &[u8]) -> Result<(HeaderMap, Value)> {
        let (answer, headers) = self.send(method, url, body)?;
        Ok((headers, self.said(&answer)?))
    }

    /// The JSON of an answer that says yes.
    fn said(&self, answer: &Answer) -> Result<Value> {
        match serde_json::from_slice(&answer.body) {
            Ok(value) if matches!(answer.status, 200 | 201) => Ok(value),
            Ok(value) => Err(self.refused(answer.status, &value)),
            Err(_) if answer.is_web_page() => Err(self.odd("it answered with a web page, not with JSON")),
            Err(_) => Err(self.odd("its answer is not JSON")),
        }
    }

    fn send_once(&self, method: &Method, url: &str, body: &[u8], retry: Retry) -> Result<(Answer, HeaderMap)> {
        let authorization = format!("Bearer {}", self.token.expose());
        let headers = &[
            ("Authorization", authorization.as_str()),
            ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", VERSION),
        ];
        self.http.send(&Request { method, url, headers, body, retry }).map_err(|failure| self.failed(failure))
    }

    /// Sends a request, again after a rate limit that is over soon.
    fn send(&self, method: &Method, url: &str, body: &[u8]) -> Result<(Answer, HeaderMap)> {
        let retry = if *method == Method::GET { Retry::Idempotent } else { Retry::NotIdempotent };
        loop {
            let (answer, headers) = self.send_once(method, url, body, retry)?;
            let Some(limited) = error::limited(&answer, &headers) else { return Ok((answer, headers)) };
            let wait = limited.wait.filter(|wait| *wait <= LONGEST_WAIT);
            // Without a wait an answer that asks for none would be asked for ever.
            if wait.is_none_or(|wait| self.http.pause(wait.max(Duration::from_secs(1))).is_err()) {
                return Err(Error::Limited(limited));
            }
        }
    }
}

/// The occasion with the commit that a merge queue does not tell: the head of the pull request that is queued.
///
/// # Errors
/// A phrase about `COMMIT_ID` that says why it could not be found out.
pub(crate) fn with_queued_head(
    context: CiContext,
    environment: &Environment,
) -> std::result::Result<CiContext, String> {
    let Trigger::MergeGroup { pull_request } = context.trigger else { return Ok(context) };
    let head = match &context.forge {
        Some(forge) => {
            GitHub::new(forge, environment).and_then(|github| github.head_of(&forge.repository, pull_request))
        }
        None => return Ok(context),
    };
    let commit = head.map_err(|error| {
        format!(
            "is not set, and GitHub does not tell the head of pull request {pull_request}, which is queued: {error}"
        )
    })?;
    Ok(CiContext {
        trigger: Trigger::Commit(FoundCommit { commit, source: "the head of the queued pull request" }),
        ..context
    })
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pull {
    /// Its number.
    pub(crate) number: u64,
    /// Its head.
    pub(crate) head: Commit,
    /// Whether it was merged.
    pub(crate) merged: bool,
}

impl Pull {
    /// Reads a pull request that goes to this branch.
    fn to(base: &str, pull: &Value) -> Option<Self> {
        let text = |pointer| pull.pointer(pointer).and_then(Value::as_str);
        Some(Self {
            number: pull.get("number")?.as_u64()?,
            head: Commit::parse(text("/head/sha")?).ok()?,
            merged: text("/merged_at").is_some(),
        })
        .filter(|_| text("/base/ref") == Some(base))
    }
}

/// The number of an open pull request whose head is this commit.
fn headed(pull: &Value, commit: &Commit) -> Option<u64> {
    let text = |pointer| pull.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_head = Commit::parse(text("/head/sha")).is_ok_and(|head| commit.matches(&head));
    (is_head && text("/state") == "open").then(|| pull.get("number")?.as_u64())?
}

/// The address of the next page out of a `Link` header.
fn next(link: &str) -> Option<&str> {
    let mut links = link.split('<').filter_map(|link| link.split_once('>'));
    links.find(|(_, relation)| relation.contains("rel=\"next\"")).map(|(address, _)| address)
}

/// Whether two addresses have scheme, host and port in common. They are read as they are when something is sent there.
fn has_same_origin(one: &str, other: &str) -> bool {
    let origin = |text| {
        let uri = Uri::from_str(text).ok()?;
        Some((uri.scheme()?.clone(), uri.authority()?.clone()))
    };
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HEAD: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

    #[test]
    fn the_next_page_is_the_one_that_is_called_so() {
        let middle =
            r#"<https://x/?page=1>; rel="prev", <https://x/?page=3>; rel="next", <https://x/?page=9>; rel="last""#;
        assert_eq!(next(middle), Some("https://x/?page=3"));
        for none in ["", "<", ">", r#"<https://x/?page=1>; rel="prev""#, r#"rel="next""#, "<a>"] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    #[test]
    fn the_token_stays_at_the_origin_of_the_api() {
        let api = "https://ghe.example.org/api/v3";
        assert!(has_same_origin("https://GHE.example.org/api/v3/repositories/1/issues/7/comments?page=2", api));
        assert!(has_same_origin("http://127.0.0.1:80/a", "http://127.0.0.1:80"));
        for elsewhere in [
            "http://ghe.example.org/api/v3",
            "https://ghe.example.org:8443/api/v3",
            "https://ghe.example.org.evil.example/",
            "https://ghe.example.org@evil.example/",
            "https://evil.example/?https://ghe.example.org/api/v3",
            "//ghe.example.org/api/v3",
            "/api/v3",
            "a b",
            "",
        ] {
            assert!(!has_same_origin(elsewhere, api), "{elsewhere}");
        }
    }

    #[test]
    fn only_open_pull_requests_with_this_very_head_count() {
        let commit = Commit::parse(HEAD).unwrap();
        let pull = |state: &str, sha: &str| json!({"number": 7, "state": state, "head": {"sha": sha}});
        assert_eq!(headed(&pull("open", HEAD), &commit), Some(7));
        for other in [pull("closed", HEAD), pull("open", &"b".repeat(40)), json!({}), json!("x"), Value::Null] {
            assert_eq!(headed(&other, &commit), None, "{other}");
        }
    }

    #[test]
    fn address_and_token_are_read_with_care() {
        let api = "https://api.github.com";
        let at = |api: &str| Forge { repository: "acme/model".to_owned(), api: api.to_owned() };
        let of = |pairs: &[(&str, &str)]| GitHub::new(&at(api), &pairs.iter().copied().collect());
        let long = format!("ghs_15368_{}.{}.{}", "a".repeat(36), "b".repeat(300), "c".repeat(160));
        let github = of(&[("GITHUB_TOKEN", &format!("{long}\n"))]).unwrap();
        assert_eq!((github.api.as_str(), github.token.expose()), (api, long.as_str()));
        assert!(!format!("{github:?}").contains(&long));
        let error = |pairs: &[_]| of(pairs).unwrap_err().to_string();
        assert!(error(&[]).starts_with("GITHUB_TOKEN is not set:"));
        for bad in ["a b", "a\u{e9}", "a\nb", "a\u{1b}[2J"] {
            assert!(error(&[("GITHUB_TOKEN", bad)]).starts_with("GITHUB_TOKEN is not set right"), "{bad:?}");
        }
        let token = [("GITHUB_TOKEN", long.as_str())].into_iter().collect();
        let address = GitHub::new(&at("https://user:hunter2@x"), &token).unwrap_err().to_string();
        assert!(address.starts_with("GITHUB_API_URL") && !address.contains("hunter2"), "{address}");
    }
}
