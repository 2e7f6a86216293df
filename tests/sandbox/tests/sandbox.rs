//! What the sandbox promises in addition to the recordings: faults, the log, hooks, strictness, older servers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use base64::Engine as _;
use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use serde_json::{Value, json};

/// What came back before the connection closed, whatever it is.
fn raw(sandbox: &Sandbox, endpoint: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    write_request(&mut stream, sandbox, endpoint, &body.to_string(), "Connection: close\r\n");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn write_request(stream: &mut TcpStream, sandbox: &Sandbox, endpoint: &str, body: &str, headers: &str) {
    let pair = format!("{}:{}", sandbox.access_key(), sandbox.secret_key());
    let basic = base64::prelude::BASE64_STANDARD.encode(pair);
    let length = body.len();
    let head = format!(
        "POST /{endpoint} HTTP/1.1\r\nAuthorization: Basic {basic}\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

fn call(sandbox: &Sandbox, endpoint: &str, parameters: &Value) -> Value {
    serde_json::from_str(body(&raw(sandbox, endpoint, parameters))).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn with_task() -> (Sandbox, String) {
    let sandbox = Sandbox::start();
    let id =
        sandbox.add(TaskSeed::new("p", "t").commit("abc").tag("old").scalar("loss", "train", &[(0, 0.5), (1, 0.25)]));
    (sandbox, id)
}

fn tag(id: &str, tag: &str) -> Value {
    json!({"ids": [id], "add_tags": [tag]})
}

const TAGS: &str = "tasks.update_tags";

#[test]
fn faults_that_are_not_applied() {
    let (sandbox, id) = with_task();
    sandbox.fault(At::NthOf(TAGS, 1), Effect::CutBefore);
    sandbox.fault(
        At::NthOf(TAGS, 2),
        Effect::Status { code: 503, headers: vec![("Retry-After".into(), "7".into())], body: "busy".into() },
    );
    sandbox.fault(At::NthOf(TAGS, 3), Effect::Body { content_type: "text/html".into(), body: "<p>".into() });
    sandbox.fault(At::NthOf(TAGS, 4), Effect::Redirect("http://elsewhere/".into()));
    sandbox.fault(At::NthOf(TAGS, 5), Effect::Huge(100_000));
    assert_eq!(raw(&sandbox, TAGS, &tag(&id, "a")), "");
    let busy = raw(&sandbox, TAGS, &tag(&id, "a"));
    assert!(status(&busy) == "503" && busy.contains("Retry-After: 7\r\n") && body(&busy) == "busy");
    let html = raw(&sandbox, TAGS, &tag(&id, "a"));
    assert!(status(&html) == "200" && html.contains("Content-Type: text/html\r\n") && body(&html) == "<p>");
    assert!(raw(&sandbox, TAGS, &tag(&id, "a")).contains("Location: http://elsewhere/\r\n"));
    assert_eq!(body(&raw(&sandbox, TAGS, &tag(&id, "a"))).len(), 100_000);
    assert_eq!(sandbox.tags(&id), ["old"]);
    assert_eq!(call(&sandbox, TAGS, &tag(&id, "a"))["data"]["updated"], 1);
    assert_eq!(sandbox.tagged("a"), [id]);
    let statuses: Vec<u16> = sandbox.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [0, 503, 200, 302, 200, 200]);
}

#[test]
fn faults_that_are_applied() {
    let (sandbox, id) = with_task();
    sandbox.fault(At::Request(1), Effect::CutAfter);
    sandbox.fault(At::Request(2), Effect::CutInBody);
    sandbox.fault(At::Request(3), Effect::Truncated);
    sandbox.fault(At::Request(4), Effect::Drip { every: Duration::ZERO });
    sandbox.fault(At::Request(5), Effect::mangle(|answer| answer["data"]["updated"] = json!("many")));
    assert_eq!(raw(&sandbox, TAGS, &tag(&id, "1")), "");
    let cut = raw(&sandbox, TAGS, &tag(&id, "2"));
    assert!(!cut.contains(&format!("Content-Length: {}\r\n", body(&cut).len())) && body(&cut).starts_with("{\"data"));
    let truncated = raw(&sandbox, TAGS, &tag(&id, "3"));
    assert!(truncated.contains(&format!("Content-Length: {}\r\n", body(&truncated).len())));
    assert!(serde_json::from_str::<Value>(body(&truncated)).is_err());
    assert_eq!(call(&sandbox, TAGS, &tag(&id, "4"))["data"]["updated"], 1);
    assert_eq!(call(&sandbox, TAGS, &tag(&id, "5"))["data"]["updated"], "many");
    assert_eq!(sandbox.tags(&id), ["old", "1", "2", "3", "4", "5"]);
}

#[test]
fn faults_stack_and_clear() {
    let (sandbox, id) = with_task();
    sandbox.fault(At::Always, Effect::Delay(Duration::from_millis(60)));
    sandbox.fault(At::Endpoint(TAGS), Effect::Delay(Duration::from_millis(60)));
    sandbox.fault(At::Endpoint(TAGS), Effect::status(500));
    let before = Instant::now();
    assert_eq!(status(&raw(&sandbox, TAGS, &tag(&id, "a"))), "500");
    assert!(before.elapsed() >= Duration::from_millis(120));
    sandbox.clear_faults();
    assert_eq!(status(&raw(&sandbox, TAGS, &tag(&id, "a"))), "200");
}

#[test]
fn the_log_numbers_connections_and_can_be_cleared() {
    let (sandbox, id) = with_task();
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    for _ in 0..2 {
        write_request(&mut stream, &sandbox, TAGS, &tag(&id, "a").to_string(), "X-Clearml-Trx: me\r\n");
        let mut answer = [0; 4096];
        assert!(stream.read(&mut answer).unwrap() > 0);
    }
    sandbox.fault(At::Request(1), Effect::status(418));
    raw(&sandbox, TAGS, &tag(&id, "a"));
    let log = sandbox.requests();
    let seen: Vec<_> = log.iter().map(|request| (request.n, request.connection, request.status)).collect();
    assert_eq!(seen, [(1, 1, 200), (2, 1, 200), (3, 2, 200)]);
    let first = &log[0];
    assert_eq!(
        (first.endpoint.as_str(), first.path.as_str(), first.header("x-clearml-trx")),
        (TAGS, "/tasks.update_tags", Some("me"))
    );
    assert_eq!(first.body, tag(&id, "a"));
    assert!(first.request_bytes > first.body.to_string().len() && first.response_bytes > 300);
    sandbox.clear_log();
    assert_eq!(status(&raw(&sandbox, TAGS, &tag(&id, "a"))), "418", "counting restarts");
    assert_eq!(sandbox.requests().len(), 1);
}

#[test]
fn a_hook_changes_the_state_before_the_answer() {
    let (sandbox, id) = with_task();
    sandbox.on_request(move |request, workspace| {
        if request.n == 2 {
            workspace.edit(&id, |task| task["tags"] = json!(["someone else's"]));
        }
    });
    let project = sandbox.project("p");
    let tags = |_| {
        let answer = call(&sandbox, "tasks.get_all_ex", &json!({"project": [project], "only_fields": ["tags"]}));
        answer["data"]["tasks"][0]["tags"].clone()
    };
    assert_eq!([1, 2].map(tags), [json!(["old"]), json!(["someone else's"])]);
}

#[test]
fn impossible_requests_fail_the_test_unless_acknowledged() {
    let bad = [
        ("tasks.get_all_ex", json!({"project": []})),
        ("tasks.get_all_ex", json!({"only_fields": ["id"]})),
        ("tasks.get_all_ex", json!({"project": ["x"], "order_by": "-last_update"})),
        ("tasks.get_all_ex", json!({"project": ["x"], "script.version_num": "x"})),
        ("tasks.get_all_ex", json!({"project": ["x"], "_all_": {"fields": ["name"], "pattern": ""}})),
        ("tasks.get_all_ex", json!({"project": ["x"], "filters": {"script.diff": {}}})),
        ("projects.get_all_ex", json!({"names": "x"})),
        (TAGS, json!({"ids": ["x"], "add": ["T"]})),
    ];
    for (endpoint, parameters) in bad {
        let sandbox = Sandbox::start();
        raw(&sandbox, endpoint, &parameters);
        assert!(!sandbox.acknowledge_impossible().is_empty(), "{endpoint} {parameters}");
    }
    let sandbox = Sandbox::start();
    raw(&sandbox, "tasks.get_all_ex", &json!({}));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(sandbox))).is_err());
    let lenient = Sandbox::builder().lenient().start().unwrap();
    raw(&lenient, "tasks.get_all_ex", &json!({}));
}

#[test]
fn older_servers_lack_what_came_later() {
    let old = Sandbox::builder().api_version("2.22").server_version("1.8.0").start().unwrap();
    let id = old.add(TaskSeed::new("p", "t").tag("old").scalar("a", "b", &[(3, 0.5)]));
    assert_eq!(call(&old, TAGS, &tag(&id, "x"))["meta"]["result_code"], 404);
    let project = old.project("p");
    let ignored = json!({"project": [project], "filters": {"tags": {"any": {"include": ["none has it"]}}}});
    let answer = call(&old, "tasks.get_all_ex", &ignored);
    assert_eq!(old.acknowledge_impossible().len(), 1);
    let metrics = answer["data"]["tasks"][0]["last_metrics"].as_object().unwrap();
    let entry = metrics.values().next().unwrap().as_object().unwrap().values().next().unwrap();
    let expected = json!({"metric": "a", "variant": "b", "value": 0.5, "min_value": 0.5, "max_value": 0.5});
    assert_eq!(entry, &expected);
    assert_eq!(call(&old, "tasks.update", &json!({"task": id, "tags": ["new"]}))["data"]["updated"], 1);
    assert_eq!(old.tags(&id), ["new"]);
}

#[test]
fn seeds_fill_metrics_and_events() {
    let sandbox = Sandbox::start();
    let seed = TaskSeed::new("a/b", "t").id("me").scalar("loss", "train", &[(0, 0.9), (1, 0.1), (2, 0.3)]);
    let seed = seed.single_value("best", 7.0).events_only("late", "x", &[(0, 1.0)]).last_metrics_only(
        "gone",
        "y",
        &[(0, 2.0)],
    );
    let id = sandbox.add(seed);
    let metrics = &sandbox.task(&id)["last_metrics"];
    let names: Vec<_> = metrics.as_object().unwrap().values().flat_map(|of| of.as_object().unwrap().values()).collect();
    let mut pairs: Vec<_> = names.iter().map(|of| (of["metric"].as_str().unwrap(), of["max_value"].as_f64())).collect();
    pairs.sort_by(|left, right| left.0.cmp(right.0));
    assert_eq!(pairs, [("Summary", Some(7.0)), ("gone", Some(2.0)), ("loss", Some(0.9))]);
    let histogram = call(&sandbox, "events.scalar_metrics_iter_histogram", &json!({"task": id}));
    let titles: Vec<_> = histogram["data"].as_object().unwrap().keys().collect();
    assert_eq!(titles, ["late", "loss"]);
    let raw = json!({"task": id, "metric": {"metric": "loss", "variants": ["train"]}, "batch_size": 2});
    let first = call(&sandbox, "events.scalar_metrics_iter_raw", &raw);
    assert_eq!(first["data"]["variants"]["train"], json!({"iter": [0, 1], "y": [0.9, 0.1]}));
    let next = json!({"task": id, "scroll_id": first["data"]["scroll_id"]});
    let next = call(&sandbox, "events.scalar_metrics_iter_raw", &next);
    assert_eq!(next["data"]["variants"]["train"], json!({"iter": [2], "y": [0.3]}));
}

#[test]
fn hidden_projects_and_parents() {
    let sandbox = Sandbox::start();
    sandbox.hidden_project("a/b/.pipelines");
    let names = |parameters: Value| {
        let answer = call(&sandbox, "projects.get_all_ex", &parameters);
        let projects = answer["data"]["projects"].as_array().unwrap().clone();
        projects.iter().map(|project| project["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(json!({})).len(), 2);
    assert_eq!(names(json!({"search_hidden": true, "name": "^a/b/\\.pipelines$"})), ["a/b/.pipelines"]);
}

#[test]
fn hostile_bytes_do_not_stop_it() {
    let sandbox = Sandbox::builder().lenient().start().unwrap();
    let id = sandbox.add(TaskSeed::new("p", "t").status("created"));
    for bytes in
        [&b"\x00\xff\xfe\r\n\r\n"[..], b"GET", b"POST /tasks.get_all HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
        stream.write_all(bytes).unwrap();
    }
    let nasty =
        [json!(null), json!(1), json!("\u{0}\u{1F600}\\"), json!([[{}]]), json!({"a": {"$gt": ""}}), json!([null])];
    let names =
        ["id", "name", "tags", "only_fields", "order_by", "page", "scroll_id", "_any_", "filters", "script", "task"];
    for endpoint in
        ["tasks.get_all_ex", "tasks.get_all", "projects.get_all_ex", "tasks.edit", "tasks.update_tags", "auth.login"]
    {
        for (name, value) in names.iter().flat_map(|name| nasty.iter().map(move |value| (name, value))) {
            let mut parameters = json!({"task": id, "ids": [id], "add_tags": ["x"]});
            parameters[*name] = value.clone();
            let answer = raw(&sandbox, endpoint, &parameters);
            assert!(matches!(status(&answer), "200" | "400" | "500"), "{endpoint} {parameters}: {answer}");
        }
    }
    assert_eq!(status(&raw(&sandbox, "debug.ping", &json!({}))), "200");
}

#[test]
fn it_refuses_connections_after_it_stops() {
    let mut sandbox = Sandbox::start();
    let address = sandbox.url().trim_start_matches("http://").to_owned();
    sandbox.stop();
    assert!(TcpStream::connect(address).is_err());
}
