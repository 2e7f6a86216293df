//! Text from outside must not become code or markup, and secrets must not leak.

use std::fs;
use std::sync::{Arc, Mutex};

use clearml_sandbox::{At, Effect, Request, Sandbox, TaskSeed};
use serde_json::json;

use crate::support::{Gate, HEAD, Ran, TAG, pair};

/// Text that breaks out of terminals, logs, Markdown, HTML, Mermaid, workflow commands, output files, XML and JSON.
pub(crate) const TEXT: &str = "\u{202e}\u{3164}\u{2800}\u{fe0e}\u{34f}@everyone @clearml #1 GH-1 a/b#2 | ` ``` ~~~ </code></details><script>alert(1)</script> \
                       --> ![x](http://evil.example/x.png) [y](javascript:1) www.evil.example :tada: $x$ \" ' & ]]> %0A::error::pwned \
                       ##[error]pwned ##vso[task.complete] ##teamcity[x] end_0 EOF <!-- clearml-gate -->";

/// Control characters. Settings cannot contain them, ClearML can.
pub(crate) fn with_lines(text: &str) -> String {
    format!("{text}\u{1b}[31m\n::error::pwned\r\nverdict<<EOF\nimproved\nEOF\n```\n# pwned\n\u{0}\u{7}\u{85}\u{2028}")
}

struct Written {
    code: i32,
    console: String,
    markdown: String,
    files: Vec<(String, String)>,
}

/// Runs the gate with every report on.
fn everything(gate: Gate) -> Written {
    let path = |name: &str| gate.path().join(name).to_str().unwrap().to_owned();
    let (outputs, summary) = (path("outputs"), path("summary"));
    let gate = gate.set("GITHUB_ACTIONS", "true").set("GITHUB_OUTPUT", &outputs).set("GITHUB_STEP_SUMMARY", &summary);
    let gate = gate.args(&["--json", "report.json", "--markdown", "report.md", "--junit", "report.xml"]);
    let ran = gate.run();
    let names = ["outputs", "summary", "report.json", "report.md", "report.xml"];
    let read = |name: &str| fs::read_to_string(gate.path().join(name)).unwrap_or_default();
    let files = names.map(|name| (name.to_owned(), read(name))).to_vec();
    Written { code: ran.code, console: ran.out + &ran.err, markdown: read("report.md"), files }
}

/// Each place that gets text from ClearML, the settings or git.
fn hostile_runs() -> Vec<(i32, Sandbox, Gate)> {
    let project = TEXT;
    let sandbox = || {
        let sandbox = Sandbox::start();
        sandbox.project(project);
        sandbox
    };
    let gate = |sandbox: &Sandbox| {
        let gate = Gate::of(sandbox).set("CLEARML_PROJECT", project).set("CLEARML_TASK_NAME", TEXT);
        gate.set("CLEARML_SCALAR_TITLE", TEXT).set("CLEARML_SCALAR_SERIES", TEXT).set("CLEARML_BEST_TAGNAME", TEXT)
    };
    let task = |commit: &str, value: f64| {
        TaskSeed::new(project, TEXT).commit(commit).scalar(TEXT, TEXT, &[(0, 0.1), (1, value)])
    };
    let judged = sandbox();
    judged.add(task(&with_lines(TEXT), 0.9).tag(TEXT).tag(&TEXT.to_uppercase()));
    judged.add(task(HEAD, 0.5));
    let missing = sandbox();
    missing.add(TaskSeed::new(project, TEXT).commit(HEAD).scalar(&with_lines(TEXT), &with_lines(TEXT), &[(0, 1.0)]));
    let similar = sandbox();
    similar.add(TaskSeed::new(project, &with_lines(TEXT)).commit(HEAD));
    let spelled = sandbox();
    spelled.add(task(HEAD, 0.5));
    spelled.add(task("aa", 0.5).tag(&TEXT.to_uppercase()));
    let refused = sandbox();
    let message = json!({"meta": {"result_code": 400, "result_msg": with_lines(TEXT)}, "data": {}});
    refused.fault(
        At::Endpoint("tasks.get_all_ex"),
        Effect::Status { code: 400, headers: vec![], body: message.to_string() },
    );
    [(1, judged), (3, missing), (3, similar), (0, spelled), (4, refused)]
        .into_iter()
        .map(|(code, sandbox)| {
            let gate = gate(&sandbox);
            (code, sandbox, gate)
        })
        .collect()
}

#[test]
fn hostile_text_breaks_out_of_nothing() {
    for (code, _sandbox, gate) in hostile_runs() {
        let Written { code: ended, console, markdown, files } = everything(gate);
        assert_eq!(ended, code, "{console}");
        // The log has one command, which is the gate's.
        let commands: Vec<&str> = console.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        assert_eq!(commands.len(), 1, "{console}");
        assert!(commands[0].contains(" title=clearml-gate%3A "), "{console}");
        let blanks = ["\u{3164}", "\u{2800}", "\u{fe0e}", "\u{34f}"];
        let controls = ["\u{1b}", "\u{202e}", "##[", "##vso", "##teamcity", "\u{85}", "\u{2028}", "\u{0}"];
        for bad in controls.into_iter().chain(blanks) {
            assert!(!console.contains(bad), "{bad:?} in {console}");
            assert!(files.iter().all(|(_, text)| !text.contains(bad)), "{bad:?}");
        }
        // Markdown mentions nobody, loads nothing and runs nothing.
        for bad in [
            "@everyone",
            "@clearml",
            "<script",
            "![x]",
            "](javascript",
            "a/b#2",
            " #1",
            "GH-1",
            ":tada:",
            "</details><",
        ] {
            assert!(!markdown.contains(bad), "{bad:?} in {markdown}");
        }
        assert_eq!(markdown.matches("<details").count(), markdown.matches("</details").count());
        assert_eq!(markdown.matches("<!--").count(), markdown.matches("<!---->").count(), "{markdown}");
        // The runner reads each output name once.
        let (_, outputs) = &files[0];
        assert_eq!(names(outputs), clearml_gate::OUTPUTS, "{outputs}");
        // A snapshot has the whole JSON and XML of such a run (`reports::hostile_text`).
        serde_json::from_str::<serde_json::Value>(&files[2].1).unwrap();
    }
}

/// The names of the outputs, as the runner parses them.
fn names(outputs: &str) -> Vec<&str> {
    let (mut names, mut lines) = (Vec::new(), outputs.split('\n'));
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        names.push(name);
        assert!(lines.any(|line| line == delimiter), "{name} is not closed");
    }
    names
}

/// The secrets that the gate sends: the keys, the key pair as encoded for the log-in, and the token.
fn credentials(sandbox: &Sandbox) -> Vec<String> {
    let header = |request: &Request| request.header("authorization").map(str::to_owned);
    let sent = sandbox.requests().iter().filter_map(header).collect::<Vec<_>>();
    let sent = sent.iter().filter_map(|header| header.split(' ').next_back()).map(str::to_owned);
    sent.chain([sandbox.access_key().to_owned(), sandbox.secret_key().to_owned()]).collect()
}

/// From the third request on, the server refuses and repeats the request's secrets.
fn repeat_all_that_was_sent(sandbox: &Sandbox) {
    let sent = Arc::new(Mutex::new(vec![sandbox.access_key().to_owned(), sandbox.secret_key().to_owned()]));
    let heard = Arc::clone(&sent);
    sandbox.on_request(move |request, _| {
        heard.lock().unwrap().extend(request.header("authorization").map(str::to_owned));
    });
    let echo = Effect::mangle(move |answer| {
        answer["meta"]["result_code"] = json!(400);
        answer["meta"]["result_msg"] = json!(sent.lock().unwrap().join(" "));
    });
    sandbox.fault(At::Request(3), echo);
}

#[test]
fn no_secret_is_in_any_report_even_when_the_server_repeats_it() {
    let token = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";
    let endings: [(i32, &[(&str, &str)]); 5] = [
        (0, &[]),
        (1, &[("CLEARML_SCALAR_TARGET", "7")]),
        (3, &[("COMMIT_ID", "c0ffee0000c0ffee0000c0ffee0000c0ffee0000")]),
        (2, &[("CLEARML_SCALAR_THRESHOLD", "x"), ("CLEARML_API_HOST", "ftp://x")]),
        (4, &[]),
    ];
    for (code, settings) in endings {
        let (sandbox, ..) = pair(0.8, 0.9);
        if code == 4 {
            repeat_all_that_was_sent(&sandbox);
        }
        let gate = Gate::of(&sandbox).set("GITHUB_TOKEN", token);
        let gate = settings.iter().fold(gate, |gate, (name, value)| gate.set(name, value));
        let Written { code: ended, console, files, .. } = everything(gate);
        assert_eq!(ended, code, "{console}");
        assert!(code != 4 || console.contains("***"), "{console}");
        for secret in credentials(&sandbox).iter().map(String::as_str).chain([token]) {
            assert!(!console.contains(secret), "{console}");
            for (name, text) in &files {
                assert!(!text.contains(secret), "{name}");
            }
        }
    }
}

/// The gate reads the SDK's configuration only from the home directory. One in the checkout could send the keys
/// elsewhere.
#[test]
fn a_clearml_conf_in_the_checkout_is_not_read() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let elsewhere = Sandbox::start();
    let gate = Gate::of(&sandbox);
    let checkout = gate.path().join("checkout");
    fs::create_dir(&checkout).unwrap();
    let conf = format!("api {{ api_server: {}, credentials {{ access_key: a, secret_key: b }} }}", elsewhere.url());
    for name in ["clearml.conf", "trains.conf", ".clearml.conf"] {
        fs::write(checkout.join(name), &conf).unwrap();
    }
    let gate = gate.unset("CLEARML_API_HOST");
    let ran = Ran::of(&gate.command().current_dir(&checkout).output().unwrap());
    ran.expect(2, "").complains("CLEARML_API_HOST");
    let gate = gate.set("CLEARML_API_HOST", &sandbox.url());
    Ran::of(&gate.command().current_dir(&checkout).output().unwrap()).expect(0, "PASSED, improved");
    assert_eq!((sandbox.tagged(TAG), elsewhere.requests().len()), (vec![head], 0));
}
