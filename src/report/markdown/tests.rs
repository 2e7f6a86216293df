//! A parser for GitHub's Markdown reads the reports: whatever the names are, the document has the same elements.

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use expect_test::expect_file;
use proptest::prelude::*;

use super::super::testing::{
    self, COMMIT, curves, finding, informational, judged, metric, refusal, settings, summary, unknown,
};
use super::*;
use crate::gate::outcome::{Finding, JudgedVia, SameCodeUnknown, Side};
use crate::git::GitError;
use crate::github;
use crate::model::commit::Commit;
use crate::model::compare::{Criteria, Direction, Tolerance};
use crate::model::metric::Metric;
use crate::model::run::ScoreFault;
use crate::model::select::NearMisses;
use crate::promote::Promotion;
use crate::text::sanitize;

/// The characters that GitHub allows in a comment.
const COMMENT: usize = 65_536;
const ENDLESS: usize = usize::MAX;

/// Texts that break out of careless reports, ping people or load images.
const HOSTILE: [&str; 30] = [
    "a|b",
    "`` ` ```",
    "```mermaid",
    "~~~",
    "<script>alert(1)</script>",
    "</code></details></summary>",
    "-->",
    "<!--",
    "--><img src=x>",
    "![i](https://evil.example/x.png)",
    "[l](javascript:x)",
    "@everyone @org/team",
    "me@evil.example",
    "mailto:me@evil.example",
    "https://evil.example/x?y#z",
    "www.evil.example",
    "ftp://evil.example",
    "#1 GH-1 o/r#1",
    "fixes #1",
    "$x$ $$y$$ $`z`$",
    ":tada:",
    "a[^1]",
    "[^1]: note",
    "# - > 1. * + =",
    "a\n\n# b\r\n- c\u{2028}d",
    "::error::x",
    "%0A%%{init: {}}%%",
    "\u{1b}[31m\u{202e}x",
    "\\",
    " x  y ",
];

fn parsed<T>(markdown: &str, read: impl for<'a> FnOnce(&'a AstNode<'a>) -> T) -> T {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.table = true;
    extension.autolink = true;
    extension.strikethrough = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    read(parse_document(&Arena::new(), markdown, &options))
}

/// Every element of the document, with the sizes of the tables, but without text, which the parser splits.
fn shape(markdown: &str) -> Vec<String> {
    parsed(markdown, |root| {
        let mut parts: Vec<String> = root.descendants().map(|node| part(&node.data.borrow().value)).collect();
        parts.retain(|part| !part.is_empty());
        parts
    })
}

fn part(value: &NodeValue) -> String {
    match value {
        NodeValue::Text(_) => String::new(),
        NodeValue::HtmlInline(tag) if tag == "<wbr>" => String::new(),
        NodeValue::HtmlInline(tag) => tag.clone(),
        NodeValue::HtmlBlock(block) => block.literal.clone(),
        NodeValue::CodeBlock(block) => format!("{} {}", block.info, block.literal),
        NodeValue::Link(link) => format!("link {}", link.url),
        NodeValue::Table(table) => format!("table {} {}", table.num_columns, table.num_rows),
        NodeValue::Heading(heading) => format!("heading {}", heading.level),
        other => other.xml_node_name().to_owned(),
    }
}

/// The text of the code elements.
fn names(markdown: &str) -> Vec<String> {
    parsed(markdown, |root| {
        let mut names = Vec::new();
        let mut open = false;
        for node in root.descendants() {
            match &node.data.borrow().value {
                NodeValue::HtmlInline(tag) if tag == "<code>" => {
                    open = true;
                    names.push(String::new());
                }
                NodeValue::HtmlInline(tag) if tag == "</code>" => open = false,
                NodeValue::Text(text) if open => names.last_mut().unwrap().push_str(text),
                _ => {}
            }
        }
        names
    })
}

/// Reports of every kind in which all text from outside is `text`.
fn reports(text: &str) -> Vec<String> {
    let all = vec![metric(text, "a"), metric("b", text), informational(text, "c")];
    let settings = settings(all, text);
    let [a, b, c] = settings.metrics.iter().collect::<Vec<_>>()[..] else { panic!() };
    let findings = || {
        let drawn = Finding { curves: Some(curves((20, 0.8), (20, 0.9))), ..finding(a, Some(0.8), 0.9) };
        vec![drawn, finding(b, Some(0.8), 0.1), unknown(c)]
    };
    let mut reports = vec![judged(&settings, findings(), Some(text)), judged(&settings, findings(), Some(text))];
    if let Outcome::Judged(judged) = &mut reports[0].outcome {
        judged.promotion = Promotion::Failed { error: refusal(text), candidate_may_have_tag: true };
    }
    let texts = || vec![text.to_owned(); 3];
    let faults = vec![(a, ScoreFault::Missing), (c, ScoreFault::NotANumber)];
    let known = vec![(text.to_owned(), text.to_owned())];
    let reasons = [
        NoVerdict::ProjectNotFound { similar: texts() },
        NoVerdict::TaskNotFound { similar: Vec::new() },
        NoVerdict::NoRunOfCommit {
            newest_clean: Some(RunSummary { link: None, ..summary(text, text) }),
            same_code_unknown: None,
            pull_request_unknown: Some(github::Error::Refused { status: 400, message: text.to_owned() }),
        },
        NoVerdict::NoRunOfCommit {
            newest_clean: Some(summary(text, text)),
            same_code_unknown: Some(SameCodeUnknown::GitError(GitError::Failed(text.to_owned()))),
            pull_request_unknown: None,
        },
        NoVerdict::NoEligibleRun {
            near: NearMisses { dirty: 1, ..NearMisses::default() },
            judged_via: JudgedVia::PullRequest(7),
            ran: vec![Commit::parse(COMMIT).unwrap()],
            same_code_unknown: None,
        },
        NoVerdict::UnusableMetric { side: Side::Baseline, run: summary(text, text), faults, known },
        NoVerdict::NoBaseline,
        NoVerdict::Failed(refusal(text)),
    ];
    reports.extend(reasons.map(|why| Report {
        settings: &settings,
        outcome: Outcome::NoVerdict(why),
        warnings: vec![],
    }));
    let fault = Fault { subject: text.to_owned(), problem: text.to_owned(), example: Some("3%") };
    reports
        .iter()
        .map(|report| render(report, ENDLESS))
        .chain([not_started(NotStarted::InvalidSettings(&[fault]), ENDLESS)])
        .collect()
}

#[track_caller]
fn harmless(text: &str) {
    for (hostile, plain_one) in reports(text).iter().zip(reports("x")) {
        assert_eq!(shape(hostile), shape(&plain_one), "{text:?}\n{hostile}");
        assert_eq!(hostile.lines().count(), plain_one.lines().count(), "{hostile}");
        assert_eq!(names(hostile).len(), names(&plain_one).len(), "{hostile}");
    }
}

#[test]
fn hostile_text_has_no_effect() {
    HOSTILE.into_iter().for_each(harmless);
    harmless(&HOSTILE.concat());
    harmless(&"x".repeat(10_000));
}

#[test]
fn shows_hostile_text_unchanged() {
    for text in HOSTILE {
        let metrics = vec![metric(text, "series")];
        let settings = settings(metrics, text);
        let [metric] = settings.metrics.iter().collect::<Vec<_>>()[..] else { panic!() };
        let shown = names(&render(&judged(&settings, vec![finding(metric, None, 1.0)], Some(text)), ENDLESS));
        assert_eq!(shown[0], sanitize::name(metric.title.as_str()));
        assert!(shown.contains(&sanitize::name(text)), "{text:?} in {shown:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_has_no_effect(text in prop_oneof![any::<String>(), "[ -~]{0,40}", "[`|<>@#&;:./w\\\\\\[\\]()!$~_*\n-]{0,30}"]) {
        harmless(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_report_fits_its_room(
        count in 1..=200_usize,
        length in prop_oneof![1..50_usize, Just(2_000_usize)],
        letter in prop_oneof![Just("x"), Just("@"), Just("é"), Just("\u{1f600}")],
        room in prop_oneof![Just(COMMENT), 0..COMMENT, 0..300_usize],
        worse in 0..200_usize,
    ) {
        let long = letter.repeat(length);
        let metrics = (0..count).map(|n| metric(&format!("{n}{long}"), &long)).collect();
        let settings = settings(metrics, &long);
        let values = settings.metrics.iter().enumerate();
        let findings = values.map(|(n, metric)| finding(metric, Some(1.0), if n < worse { 0.0 } else { 2.0 })).collect();
        let text = render(&judged(&settings, findings, Some(&long)), room);
        prop_assert!(text.len() <= room);
        if room >= 300 {
            let first = if worse > 0 { "### ❌ FAILED, degraded" } else { "### ✅ PASSED, improved" };
            prop_assert!(text.starts_with(first), "{}", text);
            prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            prop_assert_eq!(text.matches("<code>").count(), text.matches("</code>").count());
        }
        let fault = || Fault { subject: long.clone(), problem: long.clone(), example: None };
        let faults: Vec<_> = (0..count).map(|_| fault()).collect();
        prop_assert!(not_started(NotStarted::InvalidSettings(&faults), room).len() <= room);
    }
}

#[test]
fn says_what_it_leaves_out_to_fit() {
    let metrics = (0..200).map(|n| metric(&format!("metric {n}"), "accuracy")).collect();
    let settings = settings(metrics, "vision/detector");
    let findings = || {
        let values = settings.metrics.iter().enumerate();
        let finding = |(n, metric)| Finding {
            curves: (n < 6).then(|| curves((20, 0.8), (20, 0.9))),
            ..finding(metric, Some(1.0), if n % 50 == 49 { 0.5 } else { 2.0 })
        };
        values.map(finding).collect()
    };
    let report = judged(&settings, findings(), None);
    let whole = render(&report, ENDLESS);
    assert!(whole.contains("<summary>188 more metrics that do not fail</summary>"));
    assert!(whole.contains("<summary>Curves of 6 metrics</summary>"));
    let without_charts = render(&report, whole.len() - 1);
    assert!(!without_charts.contains("mermaid") && without_charts.contains("How this was checked"));
    let without_details = render(&report, without_charts.len() - 1);
    assert!(!without_details.contains("How this was checked") && without_details.contains("metric 10<"));
    let only_failing = render(&report, without_details.len() - 1);
    assert!(
        only_failing.contains("\n196 more metrics are not shown because the report is too long; none of them fails.\n")
    );
    assert!(only_failing.contains("metric 49<") && !only_failing.contains("metric 10<"), "{only_failing}");
    let fewer = render(&report, only_failing.len() - 1);
    assert!(
        fewer.contains("\n197 more metrics are not shown because the report is too long; 1 of them fails.\n"),
        "{fewer}"
    );
}

#[test]
fn a_marker_identifies_one_gate() {
    let of = |title: &str, text: &str| marker(&settings(vec![metric(title, "s")], text));
    assert_eq!(of("t", "p"), of("t", "p"));
    assert_ne!(of("t", "p"), of("u", "p"));
    assert_ne!(of("t", "p"), of("t", "q"));
    let marker = of("--><script>", "x|");
    let digits = marker.strip_prefix("<!-- clearml-gate 1 ").and_then(|rest| rest.strip_suffix(" -->")).unwrap();
    assert!(digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{marker}");
}

#[test]
fn lists_invalid_settings() {
    let fault = |subject: &str| Fault {
        subject: subject.to_owned(),
        problem: "is not set".to_owned(),
        example: Some("vision/detector"),
    };
    let of = |faults: &[Fault], room| not_started(NotStarted::InvalidSettings(faults), room);
    let text = of(&[fault("CLEARML_PROJECT"), fault("CLEARML_TASK_NAME")], ENDLESS);
    assert!(
        text.starts_with(
            "### ⚠️ NO VERDICT: 2 invalid or missing settings\n\n- **<code>CLEARML&#95;PROJECT</code>**: "
        ),
        "{text}"
    );
    assert!(of(&[fault("A")], ENDLESS).starts_with("### ⚠️ NO VERDICT: 1 invalid or missing setting\n"));
    let cut = of(&[fault("A"), fault("B")], 200);
    assert!(cut.len() <= 200 && cut.ends_with("- and 1 more\n"), "{cut}");
}

#[test]
fn nothing_to_gate_is_one_line() {
    let text = not_started(NotStarted::NothingToGate("a branch or tag was deleted"), ENDLESS);
    assert_eq!(text, "### ✅ NOTHING TO GATE: a branch or tag was deleted\n");
}

/// The metrics of the example in docs: one fails, one is worse within the allowed loss, one is informational.
fn example_metrics() -> Vec<Metric> {
    let min = |metric: Metric, margin| {
        let tolerance = Tolerance::absolute(margin).unwrap();
        Metric { criteria: Criteria { direction: Direction::Min, tolerance, target: None }, ..metric }
    };
    vec![
        metric("validation", "accuracy"),
        min(metric("validation", "loss"), 0.02),
        min(informational("latency", "p95 ms"), 1.0),
    ]
}

/// `docs/picture.sh` turns the example into a picture.
#[test]
fn the_example_in_docs_is_current() {
    let mut settings = settings(example_metrics(), "vision/detector");
    settings.task_name = testing::name("train");
    settings.tag = crate::model::name::Tag::parse("Best Performance").unwrap();
    settings.in_force = vec![
        ("CLEARML_API_HOST", "https://api.example.org".to_owned()),
        ("CLEARML_PROJECT", "vision/detector".to_owned()),
        ("CLEARML_TASK_NAME", "train".to_owned()),
        ("COMMIT_ID", COMMIT.to_owned()),
    ];
    let [accuracy, loss, latency] = settings.metrics.iter().collect::<Vec<_>>()[..] else { panic!() };
    let findings = vec![
        Finding { curves: Some(curves((60, 0.85), (60, 0.79))), ..finding(accuracy, Some(0.85), 0.79) },
        finding(loss, Some(0.41), 0.42),
        finding(latency, Some(18.0), 18.5),
    ];
    let text = render(&judged(&settings, findings, None), COMMENT);
    let version = format!("clearml-gate {}\n", env!("CARGO_PKG_VERSION"));
    let text = text.replace(&version, "clearml-gate\n");
    let note = "<!-- An example for docs/picture.sh, written by a test in src/report/markdown/tests.rs. -->\n\n";
    expect_file!["../../../docs/pr-comment.md"].assert_eq(&format!("{note}{text}"));
}
