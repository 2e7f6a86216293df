//! The initial state of each group of recordings, as far as the recordings show it.

use std::fmt::Write as _;
use std::time::Duration;

use clearml_sandbox::{Sandbox, TaskSeed};
use serde_json::{Value, json};

use crate::captures::Request;
use crate::clock::{self, Clock};

/// The seeded state that every server started with.
pub(crate) const SEEDED: &str = include_str!("../../seeded-state.json");
/// When the first recording was taken.
const NOW: i64 = 1_795_436_748_000_000;
/// The initial state of the recordings from this one on.
pub(crate) const SEEDED_AGAIN: &str = include_str!("../../seeded-state-2.json");
pub(crate) const SECOND_DAY: u32 = 420;
/// When they began: 2026-11-28T00:47:52.
pub(crate) const SECOND_NOW: i64 = 1_795_826_872_000_000;
/// The queue that existed then.
const QUEUES: &str = r#"{"queues": [{"id": "5316f6ee8f10468e982750d0b5a26c75", "name": "default"}]}"#;

/// Tasks that events were reported to, one after another. Each was emptied just before.
const EVENT_TASKS: &[&str] = &[
    "dfa7bf190fb844f8b277ad7ecab93ad7",
    "5e8c751c424942baa6f882e353b3014e",
    "6756076883ff4881b548eaec59473432",
    "97edd75d1437403c81e82fa761e20a06",
    "9a9af5b60f6c4a20992f8853f877e88f",
    "43e5b6e79c88446aaf94a143e9d79296",
    "e66528248dd54d768a0158a52ac7385c",
    "908f14bd993a43ac81b6d740f7de575f",
    "d23d6d1a750341ff8111d7d0b11eb06b",
    "252f1cd901244d27b6dd2d604d960583",
    "dffc53b4c88f416da759058f57726f5f",
    "ba5c69f689e14c2e8f33322379fe5352",
    "7d26b3cbbd754abf8487322c21b53328",
    "fb17718431864fd68bc52f40f4093c1e",
    "516c6de76b494f9b877ff750f6e81dc1",
    "d6c0b258485d4f8c92df4accdcf008f6",
    "ad9b3f1cc9d845f7a5860424bc26fe0c",
    "4c153d8f0e914f0499db849217dc9dd1",
    "c11807211ffa41b081b622b95ae6cd52",
    "0be3f82df7084d53a78b7e1ac3f14d17",
];

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Clock,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let sandbox = start(SEEDED, NOW);
        sandbox.load(&project("6f39bcb781ef4dd5a85393715480279c", "hidden_proj", &["hidden"]));
        Self { sandbox, clock: Clock::new(0, false) }
    }

    /// Creates the state before this recording. Returns the state of a new sandbox if the recording needs one.
    pub(crate) fn prepare(&mut self, number: u32) -> Option<String> {
        match number {
            // The token recorded in 02 lives for one second.
            17 => self.sandbox.advance_clock(Duration::from_secs(2)),
            185 => many_tasks(&self.sandbox),
            190 => tasks_by_diff(&self.sandbox),
            262 => tasks_for_events(&self.sandbox),
            347 => two_bests(&self.sandbox),
            350 => task_full_of_metrics(&self.sandbox),
            355 => _ = self.sandbox.add(TaskSeed::new("publishing", "t").id("b360cd5117b545179bfdfc80d69bd857")),
            358 => {
                self.sandbox = start(&earlier_state(), NOW);
                return Some(earlier_state());
            }
            SECOND_DAY => {
                self.sandbox = start(SEEDED_AGAIN, SECOND_NOW);
                self.sandbox.load(QUEUES);
                self.clock = Clock::new(clock::micros("2026-11-28T00:47:52.000Z").unwrap(), true);
                return Some(SEEDED_AGAIN.to_owned() + QUEUES);
            }
            888 => self.sandbox.page_cap(3),
            897 => self.sandbox.page_cap(500),
            _ => {}
        }
        None
    }
}

pub(crate) fn start(state: &str, now: i64) -> Sandbox {
    Sandbox::builder().state_json(state).now(now).lenient().start().unwrap()
}

fn project(id: &str, name: &str, system_tags: &[&str]) -> String {
    json!({"projects": [{
        "basename": name, "company": "d1bd92a3b039400cbafc60a7a5b1e52b", "id": id, "name": name,
        "system_tags": system_tags, "user": "__tests__",
    }]})
    .to_string()
}

/// 620 tasks; the ids at both ends and around the 500th are known from the answers.
fn many_tasks(sandbox: &Sandbox) {
    sandbox.load(&project("6e0734b687664ae08a8f0b46c19ea507", "many", &[]));
    let mut ids: Vec<String> = (0..620).map(|index| format!("{index:032x}")).collect();
    let mut know = |number: u32, place: &dyn Fn(usize) -> usize| {
        let known = recorded_ids(number);
        known.into_iter().enumerate().for_each(|(index, id)| ids[place(index)] = id);
    };
    know(185, &|newest_first| 619 - newest_first);
    know(188, &|newest_first| 119 - newest_first);
    know(189, &|oldest_first| oldest_first);
    for id in &ids {
        sandbox.add(TaskSeed::new("many", "t").id(id));
    }
}

fn recorded_ids(number: u32) -> Vec<String> {
    let captures = crate::captures::load();
    let capture = captures.into_iter().find(|capture| capture.number == number).unwrap();
    let Some(crate::captures::Body::Beginning(text)) = capture.response.map(|response| response.body) else {
        panic!("{number} is not cut");
    };
    let tasks = text.split_once("\"tasks\":").unwrap().1;
    tasks.split("\"id\":\"").skip(1).filter_map(|rest| rest.get(..32)).map(str::to_owned).collect()
}

fn tasks_by_diff(sandbox: &Sandbox) {
    sandbox.load(&project("2c6b66b98e954690b9f32affeaaa1076", "diffs", &[]));
    let seed = |name, id| TaskSeed::new("diffs", name).id(id).commit("5555555555555555555555555555555555555555");
    let big = format!("diff --git a/x b/x\n+{}\n", "é日x".repeat(1_000_000));
    sandbox.add(seed("empty", "a455e252464d4129b53defb48a310394"));
    sandbox.add(seed("missing", "b97843a86cee4fc6bffebdb7f379fbac").no_diff());
    sandbox.add(seed("nulldiff", "892a6667560d448a951a693754912489").no_diff());
    sandbox.add(seed("newline", "c1909a6479344f95a706a37f4df45420").diff("\n"));
    sandbox.add(seed("spaces", "2207876293384446a9125f6c8d01933d").diff("  \n \n"));
    sandbox.add(seed("bigdiff", "3ebff9f01f824335b809e3517861bffa").diff(&big));
    sandbox.add(seed("trailspace", "42f58a2feb074ecfbcccc0a19224fdf8"));
    let upper = "ABCDEF0000000000000000000000000000000000";
    sandbox.add(seed("uppersha", "34ca7fec64714ea79688b479869335da").commit(upper));
    sandbox.add(seed("shortsha", "95a8fc0b30ae4e81ae28bc6b261ac9d1").commit("5555555"));
}

fn tasks_for_events(sandbox: &Sandbox) {
    for id in EVENT_TASKS {
        sandbox.add(TaskSeed::new("events", "t").id(id).status("in_progress"));
    }
}

fn two_bests(sandbox: &Sandbox) {
    sandbox.load(&project("2e6bb3060a7e48c8a21b8cb18f05703d", "movers", &[]));
    for id in ["e7ae3bc28e2145a5b97d2cb27fbe0354", "7c765418a0b748078d01697a4416ba0a"] {
        sandbox.add(TaskSeed::new("movers", "t").id(id).tag("Best Performance"));
    }
}

/// 2000 pairs of metric and variant were reported, then one more.
fn task_full_of_metrics(sandbox: &Sandbox) {
    let id = "e1dac863e9664633a4a33756a0bde6b7";
    sandbox.add(TaskSeed::new("events", "t").id(id).status("in_progress"));
    let mut lines = String::new();
    for pair in 0..2000 {
        // Fifty variants per metric: no other number fits the recorded length of the answer.
        let (metric, variant) = (format!("m{}", pair / 50), format!("v{pair}"));
        let _ = writeln!(lines, "{}", event(id, 0, &metric, &variant, &json!(pair)));
    }
    report(sandbox, &lines);
    report(sandbox, &event(id, 0, "Performance Metrics", "mAP", &json!(0.9)).to_string());
}

/// A request with the sandbox's own credentials.
pub(crate) fn signed(sandbox: &Sandbox, path: &str, content_type: &str, body: &str) -> Request {
    use base64::Engine as _;
    let pair = format!("{}:{}", sandbox.access_key(), sandbox.secret_key());
    let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair));
    let headers = [("Authorization", basic.as_str()), ("Content-Type", content_type)];
    Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: body.to_owned(),
        cut: false,
    }
}

fn report(sandbox: &Sandbox, lines: &str) {
    let request = signed(sandbox, "/events.add_batch", "application/json-lines", lines);
    assert_eq!(crate::client::send(&sandbox.url(), &request).unwrap().status, 200);
}

fn event(task: &str, iter: i64, metric: &str, variant: &str, value: &Value) -> Value {
    let kind = "training_stats_scalar";
    json!({"type": kind, "task": task, "iter": iter, "metric": metric, "variant": variant, "value": value})
}

/// The same seeding, run earlier: the same tasks with other ids and times. Two of them were recorded.
pub(crate) fn earlier_state() -> String {
    SEEDED
        .replace("d4052f9873964475aac49372c608c1c3", "c00c4c469d2a4764b4040b5f43d43456")
        .replace("b78297f4e8f24fb08a568f4244b4b520", "5addf0a9347544dabf342e53b889f567")
        .replace("b385639d18854050adf3e3c1e1665b26", "9b00ee8c66bd42bca85e43b1f5a25580")
        .replace("at 2026-11-23 12:25:46 UTC", "at 2026-11-23 12:17:12 UTC")
}

/// Completes bodies that were recorded only in part, by the rule that the recorded part shows.
pub(crate) fn completed(number: u32, request: &Request) -> Result<Request, String> {
    if !request.cut {
        return Ok(request.clone());
    }
    if number == 279 {
        return long_title(request);
    }
    let sine = |iteration: i64| match iteration {
        777 if number <= 315 => -5.0,
        12_345 => 5.0,
        #[expect(clippy::cast_precision_loss, reason = "iterations are small")]
        _ => 0.5 + 0.4 * (iteration as f64 / 50.0).sin(),
    };
    let half = |_: i64| 0.5;
    let (iterations, value): (std::ops::Range<i64>, &dyn Fn(i64) -> f64) = match number {
        312 | 328 => (0..5000, &sine),
        313 => (5000..10_000, &sine),
        314 => (10_000..15_000, &sine),
        315 => (15_000..20_000, &sine),
        330 => (0..2001, &half),
        _ => return Err("the request is cut and nobody knows how it went on".to_owned()),
    };
    let recorded: Vec<Value> = request.body.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let task = recorded[0]["task"].as_str().unwrap();
    let made: Vec<Value> = iterations
        .map(|iteration| event(task, iteration, "Performance Metrics", "mAP", &json!(value(iteration))))
        .collect();
    if made.get(..recorded.len()) != Some(recorded.as_slice()) {
        return Err("the rule does not give what was recorded".to_owned());
    }
    let lines: Vec<String> = made.iter().map(Value::to_string).collect();
    let body = lines.join("\n");
    Ok(Request { body, ..request.clone() })
}

/// The title is as long as the task's metrics show it later.
fn long_title(request: &Request) -> Result<Request, String> {
    let captures = crate::captures::load();
    let metrics = captures.into_iter().find(|capture| capture.number == 281).and_then(|capture| capture.response);
    let Some(crate::captures::Body::Json(answer)) = metrics.map(|response| response.body) else {
        return Err("no metrics recorded".to_owned());
    };
    let metrics = answer["data"]["tasks"][0]["last_metrics"].as_object().into_iter().flatten();
    let entries = metrics.filter_map(|(_, variants)| variants.as_object()?.values().next());
    let longest = entries.max_by_key(|entry| entry["metric"].as_str().map(str::len)).unwrap();
    let text = |name: &str| longest[name].as_str().unwrap();
    let task = answer["data"]["tasks"][0]["id"].as_str().unwrap();
    let body = event(task, 0, text("metric"), text("variant"), &longest["value"]).to_string();
    Ok(Request { body, ..request.clone() })
}
