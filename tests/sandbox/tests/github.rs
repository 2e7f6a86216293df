//! What the GitHub server promises: pages, comments, permissions, limits, look-ups, strictness.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use clearml_sandbox::{Access, Account, At, Effect, GitHub, Permissions, PullSeed, Repository};
use serde_json::{Value, json};

const NAME: &str = "acme/model";
const COMMENTS: &str = "/repos/acme/model/issues/7/comments";
const HEAD: &str = "5c0ffee5c0ffee5c0ffee5c0ffee5c0ffee5c0ff";

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

/// A client with a token, or without one if it is empty.
struct Client {
    url: String,
    authorization: String,
    version: Option<&'static str>,
}

impl Client {
    fn new(github: &GitHub, token: &str) -> Self {
        let authorization = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
        Self { url: github.url(), authorization, version: None }
    }

    fn send(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let address = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        let mut request = ureq::http::Request::builder().method(method).uri(address);
        if !self.authorization.is_empty() {
            request = request.header("Authorization", &self.authorization);
        }
        if let Some(version) = self.version {
            request = request.header("X-GitHub-Api-Version", version);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer = match body {
            Some(body) => agent.run(request.body(body.to_owned()).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        Answer { status: answer.status().as_u16(), headers, text: answer.body_mut().read_to_string().unwrap() }
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    fn write(&self, method: &str, path: &str, text: &str) -> Answer {
        self.send(method, path, Some(&json!({"body": text}).to_string()))
    }
}

fn with_pull(github: &GitHub) -> Repository {
    let repository = github.repository(NAME);
    repository.pull(PullSeed::new(7, HEAD));
    repository
}

/// A private repository with pull request 7, and a client that may write.
fn ready() -> (GitHub, Repository, Client) {
    let github = GitHub::start();
    let repository = with_pull(&github).private();
    let client = Client::new(&github, &github.token(Permissions::write()));
    (github, repository, client)
}

fn relation(link: &str, name: &str) -> Option<String> {
    let mut links = link.split(", ").filter_map(|one| one.split_once("; "));
    let wanted = format!("rel=\"{name}\"");
    links.find(|(_, relation)| *relation == wanted).map(|(url, _)| url.trim_matches(['<', '>']).to_owned())
}

#[test]
fn pages_over_250_comments() {
    let (_github, repository, client) = ready();
    let ids = repository.seed_comments(7, 250, "octocat", Account::User, |place| format!("comment {place}"));
    assert_eq!(client.get(COMMENTS).json().as_array().unwrap().len(), 30);
    let mut next = Some(format!("{COMMENTS}?per_page=100"));
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    while let Some(path) = next {
        let answer = client.get(&path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
        let page = answer.json().as_array().unwrap().clone();
        sizes.push(page.len());
        seen.extend(page.iter().map(|comment| comment["id"].as_u64().unwrap()));
        next = relation(answer.header("link").unwrap(), "next");
    }
    assert_eq!((sizes, &seen), (vec![100, 100, 50], &ids));
    assert!(ids.is_sorted() && ids[2] > u64::from(u32::MAX) && i32::try_from(ids[1]).is_err());
    let middle = client.get(&format!("{COMMENTS}?per_page=100&page=2"));
    let link = middle.header("link").unwrap();
    let pages = ["prev", "next", "first", "last"]
        .map(|name| relation(link, name).unwrap().rsplit_once('=').unwrap().1.to_owned());
    assert_eq!(pages, ["1", "3", "1", "3"]);
    assert!(relation(link, "next").unwrap().starts_with(&client.url));
    let last = client.get(&format!("{COMMENTS}?per_page=100&page=3"));
    assert_eq!(relation(last.header("link").unwrap(), "next"), None);
    let beyond = client.get(&format!("{COMMENTS}?per_page=100&page=4"));
    assert_eq!((beyond.status, beyond.json()), (200, json!([])));
}

#[test]
fn ten_thousand_comments_are_quick_and_one_page_has_no_link() {
    let (github, repository, client) = ready();
    repository.pull(PullSeed::new(8, HEAD));
    repository.seed_comments(7, 10_000, "octocat", Account::User, |_| "x".repeat(200));
    assert_eq!(repository.comments(7).len(), 10_000);
    let only = repository.seed_comment(8, "octocat", Account::User, "alone");
    let answer = client.get("/repos/acme/model/issues/8/comments?per_page=100");
    assert_eq!((answer.header("link"), &answer.json()[0]["id"]), (None, &json!(only)));
    assert_eq!(github.requests().len(), 1);
}

#[test]
fn a_comment_is_written_changed_and_deleted() {
    let (github, repository, client) = ready();
    let other = repository.seed_comment(7, "octocat", Account::User, "mine");
    let made = client.write("POST", COMMENTS, "grün \u{1F600}\r\n<!-- mark -->");
    let comment = made.json();
    assert_eq!((made.status, made.header("location")), (201, comment["url"].as_str()));
    assert_eq!(comment["body"], "grün \u{1F600}\r\n<!-- mark -->");
    assert_eq!((&comment["user"]["login"], &comment["user"]["type"]), (&json!("github-actions[bot]"), &json!("Bot")));
    assert_eq!(comment["performed_via_github_app"]["slug"], "github-actions");
    let id = comment["id"].as_u64().unwrap();
    let page = format!("{}/acme/model/pull/7#issuecomment-{id}", github.server_url());
    assert_eq!(comment["html_url"], page);
    assert_eq!(comment["issue_url"], format!("{}/repos/acme/model/issues/7", github.url()));
    let one = format!("/repos/acme/model/issues/comments/{id}");
    assert_eq!(client.get(&one).json(), comment);
    github.advance_clock(Duration::from_secs(90));
    let changed = client.write("PATCH", &one, "new");
    assert_eq!((changed.status, &changed.json()["body"]), (200, &json!("new")));
    assert_eq!(changed.json()["created_at"], comment["created_at"]);
    assert_ne!(changed.json()["updated_at"], comment["updated_at"]);
    let stored = repository.comments(7);
    let texts: Vec<_> = stored.iter().map(|own| (own.id, own.login.as_str(), own.body.as_str())).collect();
    assert_eq!(texts, [(other, "octocat", "mine"), (id, "github-actions[bot]", "new")]);
    let gone = client.send("DELETE", &one, None);
    assert_eq!((gone.status, gone.text.as_str(), gone.header("content-length")), (204, "", None));
    let again = ["PATCH", "DELETE"].map(|method| match method {
        "PATCH" => client.write(method, &one, "late"),
        _ => client.send(method, &one, None),
    });
    assert_eq!(
        again.map(|answer| (answer.status, answer.message())),
        [(404, "Not Found".into()), (404, "Not Found".into())]
    );
    let log: Vec<_> = github.requests().into_iter().map(|request| (request.endpoint, request.status)).collect();
    let expected = [("POST comments", 201), ("GET comment", 200), ("PATCH comment", 200), ("DELETE comment", 204)];
    assert_eq!(log[..4], expected.map(|(name, status)| (name.to_owned(), status)));
    assert_eq!(github.requests()[2].body, json!({"body": "new"}));
}

#[test]
fn tokens_and_who_they_are() {
    let github = GitHub::start();
    with_pull(&github);
    let run = github.token(Permissions::write());
    assert!(run.starts_with("ghs_") && run.len() > 500 && run.matches('.').count() == 2);
    let enterprise = GitHub::builder().prefix("/api/v3").start().unwrap();
    assert_eq!(enterprise.token(Permissions::write()).len(), 40);
    let personal = github.personal_token("mona", Permissions::write());
    assert!(personal.starts_with("ghp_") && personal.len() == 40);
    let made = Client::new(&github, &personal).write("POST", COMMENTS, "hello").json();
    assert_eq!((&made["user"]["login"], &made["user"]["type"]), (&json!("mona"), &json!("User")));
    assert_eq!(made["performed_via_github_app"], Value::Null);
    for scheme in ["token", "bearer"] {
        let client = Client { authorization: format!("{scheme} {run}"), ..Client::new(&github, "") };
        assert_eq!(client.get(COMMENTS).status, 200, "{scheme}");
    }
    github.revoke(&run);
    let revoked = Client::new(&github, &run).get(COMMENTS);
    let expected =
        json!({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"});
    assert_eq!((revoked.status, revoked.json()), (401, expected));
}

#[test]
fn permissions() {
    let (github, repository, _) = ready();
    repository.issue(3);
    let own = |issues, pull_requests| Client::new(&github, &github.token(Permissions { issues, pull_requests }));
    let issue = "/repos/acme/model/issues/3/comments";
    let (none, read, write) = (Access::None, Access::Read, Access::Write);
    for (client, path, can_read, can_write) in [
        (own(none, none), COMMENTS, 403, 403),
        (own(write, none), COMMENTS, 403, 403),
        (own(write, read), COMMENTS, 200, 403),
        (own(none, write), COMMENTS, 200, 201),
        (own(none, write), issue, 403, 403),
        (own(write, none), issue, 200, 201),
    ] {
        assert_eq!((client.get(path).status, client.write("POST", path, "x").status), (can_read, can_write), "{path}");
    }
    let refused = own(read, read).write("POST", COMMENTS, "x");
    assert_eq!(refused.message(), "Resource not accessible by integration");
    assert_eq!(refused.header("x-accepted-github-permissions"), Some("issues=write; pull_requests=write"));
    let personal = Client::new(&github, &github.personal_token("mona", Permissions::read()));
    let refused = personal.write("POST", COMMENTS, "x");
    assert_eq!(refused.message(), "Resource not accessible by personal access token");
    let nobody = Client::new(&github, "");
    assert_eq!([nobody.get(COMMENTS).status, nobody.write("POST", COMMENTS, "x").status], [404, 404]);
    let public = GitHub::start();
    with_pull(&public);
    let nobody = Client::new(&public, "");
    assert_eq!([nobody.get(COMMENTS).status, nobody.write("POST", COMMENTS, "x").status], [200, 401]);
    assert_eq!(Client::new(&public, &public.token(Permissions::none())).get(COMMENTS).status, 200);
}

#[test]
fn bodies_that_are_refused() {
    let (_github, repository, client) = ready();
    let longest = "\u{1F600}".repeat(65_536);
    let made = client.write("POST", COMMENTS, &longest);
    assert_eq!(made.status, 201);
    let one = format!("/repos/acme/model/issues/comments/{}", made.json()["id"]);
    for refused in
        [client.write("POST", COMMENTS, &format!("{longest}!")), client.write("PATCH", &one, &format!("{longest}!"))]
    {
        let error = json!([{"resource": "IssueComment", "code": "unprocessable", "field": "data",
            "message": "Body is too long (maximum is 65536 characters)"}]);
        assert_eq!((refused.status, refused.message().as_str()), (422, "Validation Failed"));
        assert_eq!(refused.json()["errors"], error);
    }
    assert_eq!(client.write("POST", COMMENTS, " \n").status, 422);
    assert_eq!(client.send("POST", COMMENTS, Some("{}")).message(), "Invalid request.\n\n\"body\" wasn't supplied.");
    repository.lock(7);
    let locked = client.write("POST", COMMENTS, "x");
    assert_eq!((locked.status, locked.message().as_str()), (403, "Unable to create comment because issue is locked."));
    assert_eq!(repository.comments(7).len(), 1);
}

#[test]
fn rate_limits() {
    let (github, repository, client) = ready();
    let before = client.get(COMMENTS);
    let number =
        |answer: &Answer, name: &str| answer.header(&format!("x-ratelimit-{name}")).unwrap().parse::<u64>().unwrap();
    assert_eq!(["limit", "remaining", "used"].map(|name| number(&before, name)), [1000, 999, 1]);
    github.fault(At::NthOf("POST comments", 1), github.primary_limit(Duration::from_mins(20)));
    github.fault(At::NthOf("POST comments", 2), GitHub::secondary_limit(403, Some(60)));
    github.fault(At::NthOf("POST comments", 3), GitHub::secondary_limit(429, None));
    let primary = client.write("POST", COMMENTS, "x");
    assert_eq!((primary.status, number(&primary, "remaining")), (403, 0));
    assert!(number(&primary, "reset") < number(&before, "reset"));
    assert_eq!(primary.headers.iter().filter(|(name, _)| name == "x-ratelimit-remaining").count(), 1);
    let secondary = client.write("POST", COMMENTS, "x");
    assert_eq!((secondary.status, secondary.header("retry-after")), (403, Some("60")));
    assert!(secondary.message().contains("secondary rate limit") && number(&secondary, "remaining") > 0);
    let other = client.write("POST", COMMENTS, "x");
    assert_eq!((other.status, other.header("retry-after")), (429, None));
    assert_eq!(client.write("POST", COMMENTS, "x").status, 201);
    assert_eq!(repository.comments(7).len(), 1);
}

#[test]
fn other_faults_and_hooks() {
    let (github, repository, client) = ready();
    let id = repository.seed_comment(7, "github-actions[bot]", Account::Bot, "old");
    github.fault(At::Endpoint("GET comments"), Effect::mangle(|answer| answer[0]["body"] = json!("mangled")));
    assert_eq!(client.get(COMMENTS).json()[0]["body"], "mangled");
    github.fault(At::Endpoint("GET comment"), Effect::status(502));
    let broken = client.get(&format!("/repos/acme/model/issues/comments/{id}"));
    assert_eq!(broken.status, 502);
    let inside = repository.clone();
    github.on_request(move |request| {
        if request.method == "PATCH" {
            assert!(inside.delete_comment(id));
        }
    });
    assert_eq!(client.write("PATCH", &format!("/repos/acme/model/issues/comments/{id}"), "new").status, 404);
    assert_eq!(repository.comments(7), []);
}

#[test]
fn an_enterprise_server_has_a_prefix() {
    let github = GitHub::builder().prefix("/api/v3").lenient().start().unwrap();
    let repository = with_pull(&github);
    assert!(github.url().ends_with("/api/v3") && !github.server_url().contains("/api"));
    repository.seed_comments(7, 3, "octocat", Account::User, |_| "x".to_owned());
    let client = Client::new(&github, &github.token(Permissions::write()));
    let first = client.get(&format!("{COMMENTS}?per_page=2"));
    let next = relation(first.header("link").unwrap(), "next").unwrap();
    assert!(next.starts_with(&format!("{}/repositories/{}/issues/7/comments?", github.url(), repository.id())));
    assert_eq!(client.get(&next).json().as_array().unwrap().len(), 1);
    assert!(first.json()[0]["url"].as_str().unwrap().starts_with(&github.url()));
    let outside = Client { url: github.server_url(), ..client };
    assert_eq!(outside.get(COMMENTS).status, 404);
}

#[test]
fn unknown_repositories_numbers_and_comments() {
    let (_github, repository, client) = ready();
    for path in [
        "/repos/acme/other/issues/7/comments",
        "/repos/acme/model/issues/8/comments",
        "/repos/acme/model/issues/comments/1",
        "/repos/acme/model/pulls/8",
    ] {
        let answer = client.get(path);
        assert_eq!(
            (answer.status, answer.message().as_str(), &answer.json()["status"]),
            (404, "Not Found", &json!("404"))
        );
    }
    repository.issue(8);
    let statuses = ["issues/8/comments", "pulls/8"].map(|rest| client.get(&format!("/repos/ACME/Model/{rest}")).status);
    assert_eq!(statuses, [200, 404]);
}

#[test]
fn pull_requests() {
    let (_github, repository, mut client) = ready();
    let seed = PullSeed::new(9, HEAD).base("release", "ba5e").fork("mona/model").label("model change").draft();
    repository.pull(seed.merge_commit("7e57"));
    repository.seed_comment(9, "octocat", Account::User, "x");
    let pull = client.get("/repos/acme/model/pulls/9").json();
    let fields = ["number", "state", "draft", "merged", "merge_commit_sha", "merged_at", "comments"]
        .map(|name| pull[name].clone());
    assert_eq!(json!(fields), json!([9, "open", true, false, "7e57", null, 1]));
    assert_eq!((&pull["head"]["sha"], &pull["head"]["repo"]["full_name"]), (&json!(HEAD), &json!("mona/model")));
    assert_eq!(
        (&pull["base"]["ref"], &pull["base"]["sha"], &pull["base"]["repo"]["full_name"]),
        (&json!("release"), &json!("ba5e"), &json!(NAME))
    );
    assert_eq!(pull["labels"][0]["name"], "model change");
    repository.pull(PullSeed::new(9, HEAD).merged("abc"));
    let merged = client.get("/repos/acme/model/pulls/9").json();
    assert_eq!(
        (&merged["state"], &merged["merged"], &merged["merge_commit_sha"]),
        (&json!("closed"), &json!(true), &json!("abc"))
    );
    client.version = Some("2026-03-10");
    assert_eq!(client.get("/repos/acme/model/pulls/9").json().get("merge_commit_sha"), None);
    client.version = Some("2020-01-01");
    assert_eq!(client.get("/repos/acme/model/pulls/9").status, 400);
}

#[test]
fn pull_requests_of_a_commit() {
    let (_github, repository, client) = ready();
    repository.pull(PullSeed::new(8, "8888").commit(HEAD));
    repository.pull(PullSeed::new(9, "9999").commit(HEAD).closed());
    repository.commit("direct");
    let of = |sha: &str| {
        let answer = client.get(&format!("/repos/acme/model/commits/{sha}/pulls"));
        assert_eq!(answer.status, 200, "{sha}");
        answer.json().as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((of(HEAD), of("9999"), of("direct")), (vec![7, 8], vec![], vec![]));
    repository.pull(PullSeed::new(7, HEAD).merged("squashed"));
    assert_eq!((of(HEAD), of("squashed")), (vec![7], vec![7]));
    assert_eq!(client.get("/repos/acme/model/commits/nowhere/pulls").status, 422);
}

#[test]
fn a_request_without_user_agent_is_refused() {
    let github = GitHub::start();
    let address = github.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {COMMENTS} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 403 ") && answer.contains("\r\n\r\nRequest forbidden by administrative rules.")
    );
}

#[test]
fn impossible_requests_fail_the_test_unless_acknowledged() {
    let (github, _, client) = ready();
    let answers = [
        (client.get("/repos/acme/model/nothing"), 404),
        (client.send("PUT", COMMENTS, Some("{}")), 404),
        (client.send("POST", COMMENTS, Some("{\"body\": ")), 400),
        (client.send("POST", COMMENTS, Some("\"text\"")), 422),
        (client.send("POST", COMMENTS, Some("{\"body\": \"x\", \"mark\": 1}")), 201),
        (client.get(&format!("{COMMENTS}?per_page=101")), 200),
        (client.get(&format!("{COMMENTS}?page=0")), 200),
        (client.get(&format!("{COMMENTS}?sort=created")), 200),
        (Client { authorization: "ghs_bare".to_owned(), ..Client::new(&github, "") }.get(COMMENTS), 401),
        (Client { authorization: "Digest x".to_owned(), ..Client::new(&github, "") }.get(COMMENTS), 401),
    ];
    for (answer, status) in &answers {
        assert_eq!(answer.status, *status, "{}", answer.text);
    }
    assert_eq!(answers[2].0.message(), "Problems parsing JSON");
    assert_eq!(github.acknowledge_impossible().len(), answers.len());
    client.get("/nothing");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(github))).is_err());
    let lenient = GitHub::builder().lenient().start().unwrap();
    assert_eq!(Client::new(&lenient, "").get("/nothing").status, 404);
}

#[test]
fn it_refuses_connections_after_it_stops() {
    let mut github = GitHub::start();
    let address = github.url().trim_start_matches("http://").to_owned();
    github.stop();
    assert!(TcpStream::connect(address).is_err());
}
