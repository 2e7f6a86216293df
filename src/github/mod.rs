//! GitHub's REST API as far as the gate uses it: one comment on a pull request, and the pull requests of a commit. Gitea
//! and Forgejo have the same API.
//!
//! | file | responsibility |
//! |---|---|
//! | `comment` | creates the comment once, then keeps it up to date |
//! | `error` | what can go wrong |
//!
//! GitHub names commits and pull requests, but never makes a model pass: an error here is no verdict, or a warning. The token
//! is sent only to the origin of the API.

mod comment;
mod error;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;

use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::http::Uri;

pub(crate) use comment::PullRequest;
pub(crate) use error::{Error, RateLimit, Unexpected};

use crate::ci::{CiContext, CommitSource, Forge, FoundCommit, NoCommit, Trigger};
use crate::environment::Environment;
use crate::model::commit::Commit;
use crate::net::http::{Answer, Http, Method, Request, Retry};
use crate::net::limits::Limits;
use crate::net::proxy::Proxy;
use crate::net::retry::RetryPolicy;
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;

const API_VERSION: &str = "2022-11-28";
/// Entries per page; the API allows no more.
const PAGE: usize = 100;
/// A search ends after this many pages, or after this long.
const MOST_PAGES: usize = 100;
const LONGEST_SEARCH: Duration = Duration::from_secs(30);

/// GitHub must not hold up the job. Unlike ClearML, it sends 500 for errors that pass.
const POLICY: RetryPolicy = RetryPolicy {
    limits: Limits {
        total: Duration::from_mins(1),
        retry_budget: Duration::from_secs(15),
        request: Duration::from_secs(8),
        brief: Duration::from_secs(8),
        ..Limits::REAL
    },
    transient: &[500, 502, 503, 504],
    rate_limit: |answer| RateLimit::from_answer(answer)?.wait,
};

type Result<T> = std::result::Result<T, Error>;

/// A client of the API that uses this job's token.
#[derive(Debug)]
pub(crate) struct GitHub {
    http: Http,
    api: Host,
    token: Secret,
}

impl GitHub {
    /// A client for this forge, with `GITHUB_TOKEN`. Sends nothing yet.
    pub(crate) fn new(forge: &Forge, environment: &Environment) -> Result<Self> {
        let api = Host::parse(&forge.api).map_err(|_| Error::BadAddress)?;
        let token = environment.get("GITHUB_TOKEN").and_then(Secret::new).ok_or(Error::NoToken)?;
        if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::UnusableToken);
        }
        let proxy = Proxy::find(&api, environment).map_err(Error::BadProxy)?;
        Ok(Self { http: Http::new(&Trust::system(environment), proxy, POLICY), api, token })
    }

    /// The open pull requests whose head is this commit.
    ///
    /// This reads the list of pull requests, the most recently changed first. The endpoint `commits/{sha}/pulls` does not
    /// help: in the target repository it does not know a commit that exists only in a fork.
    pub(crate) fn pulls_with_head(&self, repository: &str, commit: &Commit) -> Result<Vec<u64>> {
        let api = &self.api;
        let first = format!("{api}/repos/{repository}/pulls?state=open&sort=updated&direction=desc&per_page={PAGE}");
        let found = self.search(first, |pulls| {
            let numbers: Vec<u64> = pulls.iter().filter_map(|pull| open_with_head(pull, commit)).collect();
            (!numbers.is_empty()).then_some(numbers)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// The head of a pull request.
    pub(crate) fn head_of(&self, repository: &str, number: u64) -> Result<Commit> {
        let url = format!("{}/repos/{repository}/pulls/{number}", self.api);
        let pull = self.json(&self.send(&Method::GET, &url, &[], Retry::Idempotent)?)?;
        let sha = pull.pointer("/head/sha").and_then(Value::as_str).unwrap_or_default();
        Commit::parse(sha).map_err(|_| self.unexpected(Unexpected::NoHead))
    }

    /// The pull requests into this branch that contain a commit or were merged as it. One attempt with a short time limit.
    pub(crate) fn pulls_with(&self, repository: &str, commit: &Commit, base: &str) -> Result<Vec<Pull>> {
        let url = format!("{}/repos/{repository}/commits/{commit}/pulls?per_page={PAGE}", self.api);
        let pulls = self.json(&self.send(&Method::GET, &url, &[], Retry::BestEffort)?)?;
        let pulls = pulls.as_array().ok_or_else(|| self.unexpected(Unexpected::NotAList))?;
        Ok(pulls.iter().filter_map(|pull| Pull::into_branch(base, pull)).collect())
    }

    /// Reads a list page by page until `find` finds something.
    fn search<T>(&self, first: String, find: impl Fn(&[Value]) -> Option<T>) -> Result<Option<T>> {
        let started = Instant::now();
        let mut url = first;
        for _ in 0..MOST_PAGES {
            let answer = self.send(&Method::GET, &url, &[], Retry::Idempotent)?;
            let page = self.json(&answer)?;
            let entries = page.as_array().ok_or_else(|| self.unexpected(Unexpected::NotAList))?;
            if let Some(found) = find(entries) {
                return Ok(Some(found));
            }
            let Some(next) = next_page(answer.header("link")) else { return Ok(None) };
            if !has_same_origin(next, self.api.as_str()) {
                return Err(self.unexpected(Unexpected::NextPageElsewhere));
            }
            next.clone_into(&mut url);
            if started.elapsed() > LONGEST_SEARCH {
                break;
            }
        }
        Err(Error::ListTooLong)
    }

    fn send(&self, method: &Method, url: &str, body: &[u8], retry: Retry) -> Result<Answer> {
        let authorization = format!("Bearer {}", self.token.expose());
        let headers = &[
            ("Authorization", authorization.as_str()),
            ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", API_VERSION),
        ];
        let answer = self
            .http
            .send(&Request { method, url, headers, body, retry })
            .map_err(|failure| Error::Failed { host: self.api.to_string(), failure })?;
        match RateLimit::from_answer(&answer) {
            Some(limit) => Err(Error::RateLimited(limit)),
            None => Ok(answer),
        }
    }

    /// The JSON of a successful response.
    fn json(&self, answer: &Answer) -> Result<Value> {
        match serde_json::from_slice(&answer.body) {
            Ok(value) if matches!(answer.status, 200 | 201) => Ok(value),
            Ok(value) => Err(self.refused(answer.status, &value)),
            Err(_) if answer.is_web_page() => Err(self.unexpected(Unexpected::WebPage)),
            Err(_) => Err(self.unexpected(Unexpected::NotJson)),
        }
    }
}

/// Adds the commit that a merge queue's event does not contain: the head of the queued pull request.
pub(crate) fn with_queued_head(
    context: CiContext,
    environment: &Environment,
) -> std::result::Result<CiContext, NoCommit> {
    let (&Trigger::MergeGroup { pull_request }, Some(forge)) = (&context.trigger, &context.forge) else {
        return Ok(context);
    };
    let head = GitHub::new(forge, environment).and_then(|github| github.head_of(&forge.repository, pull_request));
    let commit = head.map_err(|error| NoCommit::UnknownQueuedHead { pull_request, error: error.to_string() })?;
    let trigger = Trigger::Commit(FoundCommit { commit, source: CommitSource::MergeQueue });
    Ok(CiContext { trigger, ..context })
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) head: Commit,
    pub(crate) merged: bool,
}

impl Pull {
    /// Reads a pull request; `None` if it does not go into this branch.
    fn into_branch(base: &str, pull: &Value) -> Option<Self> {
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
fn open_with_head(pull: &Value, commit: &Commit) -> Option<u64> {
    let text = |pointer| pull.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let is_head = Commit::parse(text("/head/sha")).is_ok_and(|head| commit.matches(&head));
    (is_head && text("/state") == "open").then(|| pull.get("number")?.as_u64())?
}

/// The address of the next page in a `Link` header.
fn next_page(link: &str) -> Option<&str> {
    let mut links = link.split('<').filter_map(|link| link.split_once('>'));
    links.find(|(_, relation)| relation.contains("rel=\"next\"")).map(|(address, _)| address)
}

/// Whether two addresses have the same scheme, host and port. The HTTP client parses them in the same way.
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
    fn finds_the_next_page_by_its_relation() {
        let middle =
            r#"<https://x/?page=1>; rel="prev", <https://x/?page=3>; rel="next", <https://x/?page=9>; rel="last""#;
        assert_eq!(next_page(middle), Some("https://x/?page=3"));
        for none in ["", "<", ">", r#"<https://x/?page=1>; rel="prev""#, r#"rel="next""#, "<a>"] {
            assert_eq!(next_page(none), None, "{none}");
        }
    }

    #[test]
    fn compares_scheme_host_and_port_of_an_address() {
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
    fn accepts_only_an_open_pull_request_with_exactly_this_head() {
        let commit = Commit::parse(HEAD).unwrap();
        let pull = |state: &str, sha: &str| json!({"number": 7, "state": state, "head": {"sha": sha}});
        assert_eq!(open_with_head(&pull("open", HEAD), &commit), Some(7));
        for other in [pull("closed", HEAD), pull("open", &"b".repeat(40)), json!({}), json!("x"), Value::Null] {
            assert_eq!(open_with_head(&other, &commit), None, "{other}");
        }
    }

    #[test]
    fn rejects_an_invalid_address_or_token_without_repeating_it() {
        let api = "https://api.github.com";
        let forge = |api: &str| Forge { repository: "acme/model".to_owned(), api: api.to_owned() };
        let github = |pairs: &[(&str, &str)]| GitHub::new(&forge(api), &pairs.iter().copied().collect());
        let long = format!("ghs_15368_{}.{}.{}", "a".repeat(36), "b".repeat(300), "c".repeat(160));
        let client = github(&[("GITHUB_TOKEN", &format!("{long}\n"))]).unwrap();
        assert_eq!((client.api.as_str(), client.token.expose()), (api, long.as_str()));
        assert!(!format!("{client:?}").contains(&long));
        let error = |pairs: &[_]| github(pairs).unwrap_err().to_string();
        assert!(error(&[]).starts_with("GITHUB_TOKEN is not set:"));
        for bad in ["a b", "a\u{e9}", "a\nb", "a\u{1b}[2J"] {
            assert!(error(&[("GITHUB_TOKEN", bad)]).starts_with("GITHUB_TOKEN is invalid"), "{bad:?}");
        }
        let token = [("GITHUB_TOKEN", long.as_str())].into_iter().collect();
        let address = GitHub::new(&forge("https://user:hunter2@x"), &token).unwrap_err().to_string();
        assert!(address.starts_with("GITHUB_API_URL") && !address.contains("hunter2"), "{address}");
    }
}
