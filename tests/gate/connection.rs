//! What the report says if ClearML cannot be reached, refuses, or is another server.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use clearml_gate::Limits;
use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use serde_json::{Value, json};

use crate::support::{Gate, HEAD, PROJECT, SERIES, TAG, TASK, TITLE, as_answered, pair};

#[test]
fn wrong_keys_are_refused_by_name() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let ran = Gate::of(&sandbox).set("CLEARML_API_ACCESS_KEY", "nobody").run().expect(4, "NO VERDICT: ClearML at");
    ran.says("rejected the request to log in: Unauthorized")
        .says("Check CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY");
    assert_eq!(sandbox.requests().len(), 1);
}

#[test]
fn a_mistyped_host_ends_at_once() {
    let sandbox = Sandbox::start();
    let started = Instant::now();
    let ran = Gate::of(&sandbox).set("CLEARML_API_HOST", "http://api.clear.ml.invalid").run();
    ran.expect(5, "NO VERDICT: could not reach http://api.clear.ml.invalid")
        .says("to log in: the host name could not be resolved")
        .says("for typos");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_unreachable_host_ends_after_a_minute_without_a_storm() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let attempts = thread::spawn(move || {
        // Every connection ends without a response. The gate decides how often to try.
        let mut attempts = 0;
        for stream in listener.incoming() {
            if read_request(stream.unwrap()).starts_with("GET /stop") {
                break;
            }
            attempts += 1;
        }
        attempts
    });
    // A tenth of the time. The pauses are shorter too, so the number of attempts is the same.
    assert_eq!(Limits::REAL.retry_budget, Duration::from_mins(1));
    let limits = Limits::REAL.divided_by(10);
    let started = Instant::now();
    let ran = Gate::of(&Sandbox::start()).set("CLEARML_API_HOST", &format!("http://{address}")).run_within(limits);
    let elapsed = started.elapsed();
    TcpStream::connect(address).unwrap().write_all(b"GET /stop").unwrap();
    ran.expect(5, "NO VERDICT: could not reach").says("gave up after 6 s of retries").says("Then check again");
    assert!((Duration::from_secs(5)..Duration::from_secs(15)).contains(&elapsed), "{elapsed:?}");
    let attempts = attempts.join().unwrap();
    assert!((8..=20).contains(&attempts), "{attempts}");
}

fn read_request(mut stream: TcpStream) -> String {
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).unwrap_or(0);
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[test]
fn a_web_page_instead_of_an_api_is_recognized() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let body = "<!doctype html><title>ClearML</title>".to_owned();
    sandbox.fault(At::Always, Effect::Body { content_type: "text/html".to_owned(), body });
    Gate::of(&sandbox).run().expect(4, "NO VERDICT:").says("it is a web page (status 200)").says("not the web app");
}

#[test]
fn redirects_are_not_followed() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let elsewhere = Sandbox::start();
    sandbox.fault(At::Always, Effect::Redirect(format!("{}/auth.login", elsewhere.url())));
    Gate::of(&sandbox).run().expect(4, "NO VERDICT:").says("redirect (302)");
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn an_invalid_answer_gives_no_verdict() {
    let effects: [fn() -> Effect; 4] = [
        || Effect::Truncated,
        || Effect::json("{\"meta\":{\"result_code\":200},\"data\":[]}"),
        || Effect::json(String::new()),
        || Effect::Huge(40 << 20),
    ];
    for request in 1..=4 {
        for effect in effects {
            let (sandbox, base, _) = pair(0.8, 0.9);
            sandbox.fault(At::Request(request), effect());
            Gate::of(&sandbox).run().expect(4, "NO VERDICT:").says("sent an unexpected response");
            assert_eq!(sandbox.tagged(TAG), [base]);
        }
    }
}

#[test]
fn retries_after_a_temporary_fault() {
    let passing: [fn() -> Effect; 5] = [
        || Effect::CutBefore,
        || Effect::CutInBody,
        || status(503, &[]),
        || status(429, &[("Retry-After", "1")]),
        || status(502, &[]),
    ];
    for effect in passing {
        let (sandbox, _, head) = pair(0.8, 0.9);
        for request in [1, 3, 5] {
            sandbox.fault(At::Request(request), effect());
        }
        Gate::of(&sandbox).run_within(Limits::REAL.divided_by(10)).expect(0, "PASSED, improved");
        assert_eq!(sandbox.tagged(TAG), [head]);
    }
}

fn status(code: u16, headers: &[(&str, &str)]) -> Effect {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Effect::Status { code, headers, body: "<html>busy</html>".to_owned() }
}

#[test]
fn does_not_wait_if_the_server_asks_for_too_long() {
    let (sandbox, ..) = pair(0.8, 0.9);
    sandbox.fault(At::Always, status(429, &[("Retry-After", "3600")]));
    let started = Instant::now();
    Gate::of(&sandbox).run().expect(5, "NO VERDICT:").says("asks to wait 3600 s");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_expired_token_is_renewed_once() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let refusal = r#"{"meta":{"result_code":401,"result_subcode":30,"result_msg":"Invalid token: reason=Signature has expired"},"data":{}}"#;
    sandbox.fault(At::Request(3), Effect::Status { code: 401, headers: vec![], body: refusal.to_owned() });
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
    assert_eq!(sandbox.requests().iter().filter(|request| request.endpoint == "auth.login").count(), 2);
}

#[test]
fn a_server_error_is_not_repeated() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let refusal = r#"{"meta":{"result_code":500,"result_subcode":0,"result_msg":"General data error"},"data":{}}"#;
    sandbox.fault(At::Request(3), Effect::Status { code: 500, headers: vec![], body: refusal.to_owned() });
    Gate::of(&sandbox).run().expect(4, "NO VERDICT: ClearML at").says("General data error (status 500, code 0)");
    assert_eq!(sandbox.requests().len(), 3);
}

#[test]
fn a_server_that_ignores_filters_cannot_mislead() {
    let sandbox = Sandbox::start();
    for (project, name) in [("other", TASK), (PROJECT, "other")] {
        sandbox.add(TaskSeed::new(project, name).commit(HEAD).scalar(TITLE, SERIES, &[(0, 0.99)]).tag(TAG));
    }
    let all: Vec<Value> = sandbox.state()["tasks"].as_array().unwrap().iter().cloned().map(as_answered).collect();
    let body = json!({"meta": {"result_code": 200}, "data": {"tasks": all}}).to_string();
    sandbox.fault(At::Request(3), Effect::json(body));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: this project has no task named \"train\"");
}

#[test]
fn a_closed_pipe_changes_nothing() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox);
    let mut child =
        gate.command().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(sandbox.tagged(TAG), [head]);
}
