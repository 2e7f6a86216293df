//! The report as JUnit XML, for the test views of CI systems: one test case for each metric. Pure.
//!
//! An informational metric never fails: if it is degraded or unknown, its case is skipped rather than passed, because most
//! views show no text for a passed case. Without a verdict no case passes.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::iter;

use super::text;
use crate::gate::outcome::{
    Finding, Judged, MetricOutcome, NoVerdict, NotStarted, Outcome, Report, RunResult, RunSummary, error_code,
};
use crate::model::compare::Verdict;
use crate::promote::Promotion;
use crate::settings::Settings;
use crate::text::{sanitize, timestamp};
use crate::wording;
use crate::wording::phrase::{self, Phrase};

const TOOL: &str = env!("CARGO_PKG_NAME");
/// The duration is not measured, but some parsers require a number.
const NO_TIME: &str = "0";

/// Ends with a line break.
pub(crate) fn render(ended: &RunResult<'_>) -> String {
    match ended {
        RunResult::Gated(report) => report_suite(ended, report),
        RunResult::NotStarted(why) => not_started(ended, *why),
    }
    .document()
}

fn report_suite(ended: &RunResult<'_>, report: &Report<'_>) -> Suite {
    let settings = report.settings;
    let link = |run: &RunSummary| phrase::run(run).plain();
    let mut properties = vec![
        ("verdict", ended.verdict().to_owned()),
        ("reason", wording::reason(ended)),
        ("commit", settings.commit.as_str().to_owned()),
    ];
    let cases = match &report.outcome {
        Outcome::Judged(judged) => {
            properties.push(("candidate", link(&judged.candidate)));
            properties.extend(judged.baseline.iter().map(|baseline| ("baseline", link(baseline))));
            judged_cases(settings, judged)
        }
        Outcome::NoVerdict(why) => unjudged_cases(settings, why),
    };
    Suite {
        class: format!("{}.{}", sanitize::name(settings.project.as_str()), sanitize::name(settings.task_name.as_str())),
        properties,
        timestamp: ended.judged().and_then(judged_at),
        cases: with_unique_names(cases),
        warnings: report.warnings.iter().map(|warning| wording::warning(warning, settings).plain()).collect(),
    }
}

fn not_started(ended: &RunResult<'_>, why: NotStarted<'_>) -> Suite {
    let message = wording::reason(ended);
    let (name, kind, faults) = match why {
        NotStarted::NothingToGate(_) => ("gate", CaseKind::Skipped, [].as_slice()),
        NotStarted::InvalidSettings(faults) => ("settings", CaseKind::Error("invalid_settings"), faults),
    };
    let faults = faults.iter().map(|fault| sanitize::sentence(&fault.to_string()));
    let body = iter::once(message.clone()).chain(faults).collect();
    Suite {
        class: TOOL.to_owned(),
        properties: vec![("verdict", ended.verdict().to_owned())],
        timestamp: None,
        cases: vec![Case { name: name.to_owned(), kind, message, body }],
        warnings: Vec::new(),
    }
}

struct Suite {
    class: String,
    properties: Vec<(&'static str, String)>,
    timestamp: Option<String>,
    cases: Vec<Case>,
    /// Text that belongs to no single case.
    warnings: Vec<String>,
}

/// One test case. Its texts are sanitized.
struct Case {
    name: String,
    kind: CaseKind,
    message: String,
    /// Everything about the case, line by line: some views show only the message, some only this.
    body: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseKind {
    Passed,
    Skipped,
    Failure,
    /// With its type.
    Error(&'static str),
}

fn judged_cases(settings: &Settings, judged: &Judged<'_>) -> Vec<Case> {
    let mut cases: Vec<Case> = judged.findings.iter().map(|finding| judged_case(settings, judged, finding)).collect();
    if let (true, Promotion::Failed { error, .. }) = (judged.verdict.passed(), &judged.promotion) {
        let body: Vec<String> = wording::promotion(settings, &judged.promotion).iter().map(Phrase::plain).collect();
        let message = body.first().cloned().unwrap_or_default();
        cases.push(Case { name: "tag".to_owned(), kind: CaseKind::Error(error_code(error)), message, body });
    }
    cases
}

fn judged_case(settings: &Settings, judged: &Judged<'_>, finding: &Finding<'_>) -> Case {
    let cells = wording::cells(finding);
    let is_required = finding.metric.is_required();
    let message = format!("{}: {}", cells.verdict, cells.numbers());
    let (kind, note) = match &finding.outcome {
        MetricOutcome::Judged(judgement) if judgement.passed() => (CaseKind::Passed, None),
        MetricOutcome::Judged(_) if is_required && judged.verdict == Verdict::Accepted => {
            (CaseKind::Passed, Some(wording::ACCEPTED))
        }
        MetricOutcome::Judged(_) if is_required => (CaseKind::Failure, None),
        MetricOutcome::Unknown(..) if is_required => (CaseKind::Error("unusable_metric"), None),
        _ => (CaseKind::Skipped, None),
    };
    let rows = text::metric_rows(settings, judged, finding);
    let body = iter::once(message.clone()).chain(rows).chain(note.map(str::to_owned)).collect();
    Case { name: wording::metric_name(finding.metric).plain(), kind, message, body }
}

fn unjudged_cases(settings: &Settings, why: &NoVerdict<'_>) -> Vec<Case> {
    let message = format!("no verdict: {}", wording::no_verdict_summary(settings, why).plain());
    let details = wording::details(settings, why).into_iter().map(|detail| detail.plain());
    let body: Vec<String> = iter::once(message.clone()).chain(details).collect();
    let metrics = settings.metrics.iter();
    metrics
        .map(|metric| Case {
            name: wording::metric_name(metric).plain(),
            kind: if metric.is_required() { CaseKind::Error(why.code()) } else { CaseKind::Skipped },
            message: message.clone(),
            body: body.clone(),
        })
        .collect()
}

/// Some CI systems show only the first of several cases with the same name, and two metrics can have the same name:
/// `a / b` and `c`, `a` and `b / c`.
fn with_unique_names(mut cases: Vec<Case>) -> Vec<Case> {
    let mut taken = HashSet::new();
    for (n, case) in cases.iter_mut().enumerate() {
        while !taken.insert(case.name.clone()) {
            let _ = write!(case.name, " #{}", n + 1);
        }
    }
    cases
}

/// The server's clock when it was asked, in the form without a time zone, which means UTC.
fn judged_at(judged: &Judged<'_>) -> Option<String> {
    let micros = judged.candidate.when.saturating_add(u64::try_from(judged.candidate.age?.as_micros()).ok()?);
    let text = timestamp::format(micros);
    // A server with a wrong clock may be in a year of five digits, which the schema does not allow.
    text.get(..19).filter(|_| matches!(text.as_bytes().get(19), Some(b'.' | b'Z'))).map(str::to_owned)
}

impl Suite {
    fn document(&self) -> String {
        let count = |matches: fn(CaseKind) -> bool| self.cases.iter().filter(|case| matches(case.kind)).count();
        let counts = format!(
            "name=\"{TOOL}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{NO_TIME}\"",
            self.cases.len(),
            count(|kind| kind == CaseKind::Failure),
            count(|kind| matches!(kind, CaseKind::Error(_))),
        );
        let skipped = count(|kind| kind == CaseKind::Skipped);
        let timestamp = self.timestamp.as_deref().map_or_else(String::new, |time| format!(" timestamp=\"{time}\""));
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  \
             <testsuite {counts} skipped=\"{skipped}\"{timestamp}>\n    <properties>\n"
        );
        for (name, value) in &self.properties {
            let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escaped(value));
        }
        out.push_str("    </properties>\n");
        for case in &self.cases {
            case.write(&self.class, &mut out);
        }
        if !self.warnings.is_empty() {
            let _ = writeln!(out, "    <system-out>{}</system-out>", element_text(&self.warnings));
        }
        out + "  </testsuite>\n</testsuites>\n"
    }
}

impl Case {
    fn write(&self, class: &str, out: &mut String) {
        let Self { name, kind, message, body } = self;
        let message = escaped(message);
        let (element, attributes) = match kind {
            CaseKind::Passed => ("system-out", String::new()),
            CaseKind::Skipped => ("skipped", format!(" message=\"{message}\"")),
            CaseKind::Failure => ("failure", format!(" message=\"{message}\" type=\"degraded\"")),
            CaseKind::Error(code) => ("error", format!(" message=\"{message}\" type=\"{code}\"")),
        };
        let _ = writeln!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{NO_TIME}\">\n      \
             <{element}{attributes}>{}</{element}>\n    </testcase>",
            escaped(class),
            escaped(name),
            element_text(body)
        );
    }
}

/// The text of an element. CI systems would publish the file in `[[ATTACHMENT|path]]`.
fn element_text(lines: &[String]) -> String {
    escaped(&lines.join("\n").replace("[[", "[\\u{5b}"))
}

/// Escapes text in an element or an attribute.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            // XML does not allow these, not even escaped. Sanitizing has already made them visible.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::gate::outcome::{Side, Warning};
    use crate::promote::NotMovedReason;
    use crate::report::testing::outcomes::{
        judged, no_score, one_metric, settings, with_promotion, with_verdict, without_verdict,
    };
    use crate::report::testing::refusal;
    use crate::settings::Fault;
    use proptest::prelude::*;
    use roxmltree::{Document, Node};
    use serde_json::json;

    fn rendered(report: Report<'_>) -> String {
        render(&RunResult::Gated(report))
    }

    /// The elements of that name, in order.
    fn all<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.has_tag_name(name)).collect()
    }

    fn count(node: Node<'_, '_>, name: &str) -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    }

    /// The name of each case, the element in it, and the text of that element.
    fn outcomes(text: &str) -> Vec<(String, String, String)> {
        let document = Document::parse(text).unwrap();
        let outcome = |case: Node<'_, '_>| {
            let inner = case.first_element_child().unwrap();
            let texts = [case.attribute("name"), Some(inner.tag_name().name()), inner.text()];
            let [name, kind, text] = texts.map(|text| text.unwrap_or_default().to_owned());
            (name, kind, text)
        };
        all(&document, "testcase").into_iter().map(outcome).collect()
    }

    fn kinds(text: &str) -> Vec<String> {
        outcomes(text).into_iter().map(|(_, kind, _)| kind).collect()
    }

    #[test]
    fn counts_and_exit_code_agree() {
        for report in with_verdict().into_iter().chain(without_verdict()) {
            let (exit, is_judged) = (report.exit(), matches!(report.outcome, Outcome::Judged(_)));
            let text = rendered(report);
            let document = Document::parse(&text).unwrap();
            for name in ["testsuites", "testsuite"] {
                let suite = all(&document, name)[0];
                assert_eq!(count(suite, "tests"), all(&document, "testcase").len(), "{text}");
                assert_eq!(count(suite, "failures"), all(&document, "failure").len(), "{text}");
                assert_eq!(count(suite, "errors"), all(&document, "error").len(), "{text}");
            }
            let suite = all(&document, "testsuite")[0];
            assert_eq!(count(suite, "skipped"), all(&document, "skipped").len(), "{text}");
            let (failures, errors) = (count(suite, "failures"), count(suite, "errors"));
            assert_eq!(exit == Exit::Passed, failures + errors == 0, "{text}");
            assert_eq!(exit == Exit::Degraded, failures > 0, "{text}");
            assert!(is_judged || errors > 0 && all(&document, "system-out").len() == 1, "{text}");
        }
    }

    #[test]
    fn a_degraded_metric_fails_with_its_numbers() {
        let text = rendered(judged(one_metric(), Some(&[0.8]), &[0.79]));
        let document = Document::parse(&text).unwrap();
        let (case, failure) = (all(&document, "testcase")[0], all(&document, "failure")[0]);
        assert_eq!(case.attribute("classname"), Some("vision/detector.train"));
        assert_eq!(case.attribute("name"), Some("validation / accuracy"));
        let message = "degraded: 0.8 → 0.79, expected: at least 0.8 (threshold 0%)";
        assert_eq!(failure.attribute("message"), Some(message));
        assert_eq!(failure.attribute("type"), Some("degraded"));
        let text = failure.text().unwrap();
        assert!(text.contains("candidate  0.79  (commit a94a8fe5ccb1, 60 minutes ago)\n"), "{text}");
        let suite = all(&document, "testsuite")[0];
        assert_eq!(suite.attribute("timestamp"), Some("2026-11-23T13:25:46"));
    }

    #[test]
    fn an_informational_metric_never_fails() {
        let metrics = json!([{"title": "a", "series": "b"}, {"title": "info", "series": "c", "warn": true}]);
        let settings = settings(&metrics, &[]);
        let of = |baseline: &[f64], candidate: &[f64]| kinds(&rendered(judged(settings, Some(baseline), candidate)));
        assert_eq!(of(&[0.8, 0.3], &[0.9, 0.4]), ["system-out", "system-out"]);
        assert_eq!(of(&[0.8, 0.3], &[0.9, 0.2]), ["system-out", "skipped"]);
        assert_eq!(of(&[0.8, f64::NAN], &[0.7, 0.2]), ["failure", "skipped"]);
        assert_eq!(kinds(&rendered(no_score(settings, Side::Candidate, Vec::new()))), ["error", "skipped"]);
    }

    #[test]
    fn an_accepted_loss_passes_and_says_so() {
        let settings = settings(&json!([{"title": "a", "series": "b"}]), &[("CLEARML_ACCEPT", "true")]);
        let outcomes = outcomes(&rendered(judged(settings, Some(&[0.8]), &[0.7])));
        assert!(
            matches!(&outcomes[..], [(_, kind, text)] if kind == "system-out" && text.ends_with("CLEARML_ACCEPT is true"))
        );
    }

    #[test]
    fn a_tag_that_could_not_be_moved_is_an_error_of_its_own() {
        let failed = || Promotion::Failed { error: refusal("no"), candidate_may_have_tag: true };
        let text = rendered(with_promotion(judged(one_metric(), Some(&[0.8]), &[0.9]), failed()));
        let outcomes = outcomes(&text);
        assert_eq!(kinds(&text), ["system-out", "error"]);
        assert_eq!(outcomes[1].0, "tag");
        assert!(outcomes[1].2.contains("could not be moved"), "{text}");
        let kept = Promotion::NotMoved(NotMovedReason::NotPassed);
        assert_eq!(kinds(&rendered(with_promotion(judged(one_metric(), Some(&[0.8]), &[0.7]), kept))), ["failure"]);
    }

    #[test]
    fn a_run_that_did_not_start_has_one_case() {
        let fault = Fault { subject: "CLEARML_PROJECT".to_owned(), problem: "is not set".to_owned(), example: None };
        let text = render(&RunResult::NotStarted(NotStarted::InvalidSettings(&[fault])));
        assert_eq!(kinds(&text), ["error"]);
        assert!(text.contains(">1 invalid or missing setting\nCLEARML_PROJECT: is not set<"), "{text}");
        let text = render(&RunResult::NotStarted(NotStarted::NothingToGate("the pull request was closed")));
        assert_eq!(
            outcomes(&text),
            [("gate", "skipped", "the pull request was closed")].map(|(a, b, c)| (
                a.to_owned(),
                b.to_owned(),
                c.to_owned()
            ))
        );
    }

    #[test]
    fn gives_each_case_a_name_of_its_own() {
        let long = "x".repeat(300);
        let metrics = json!([
            {"title": "a / b", "series": "c"},
            {"title": "a", "series": "b / c"},
            {"title": "a / b", "series": "c #2"},
            {"title": &long, "series": "1"},
            {"title": long + "x", "series": "1"},
        ]);
        let report = judged(settings(&metrics, &[]), None, &[1.0; 5]);
        let names: Vec<String> = outcomes(&rendered(report)).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names[..3], ["a / b / c", "a / b / c #2", "a / b / c #2 #3"]);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 5);
    }

    #[test]
    fn no_text_attaches_a_file() {
        let mut report = judged(one_metric(), None, &[1.0]);
        report.warnings.push(Warning::TagSpelledDifferently("[[ATTACHMENT|/etc/passwd]]".to_owned()));
        let text = rendered(report);
        assert!(text.contains("ATTACHMENT") && !text.contains("[["), "{text}");
    }

    proptest! {
        #[test]
        fn names_read_back_sanitized(title in "[^\\p{Cc}\u{fffd}]{0,20}x", project in "[^\\p{Cc}\u{fffd}]{0,20}x") {
            let settings = settings(&json!([{"title": &title, "series": "s"}]), &[("CLEARML_PROJECT", &project)]);
            let text = rendered(judged(settings, Some(&[0.8]), &[0.7]));
            let document = Document::parse(&text).unwrap();
            let case = all(&document, "testcase")[0];
            let (name, class) = (format!("{} / s", sanitize::name(&title)), format!("{}.train", sanitize::name(&project)));
            prop_assert_eq!(case.attribute("name"), Some(name.as_str()));
            prop_assert_eq!(case.attribute("classname"), Some(class.as_str()));
        }

        #[test]
        fn any_text_reads_back_sanitized(lines in prop::collection::vec(any::<String>(), 1..4), value in any::<String>()) {
            let (name, body) = (sanitize::name(&value), lines.iter().map(|text| sanitize::sentence(text)).collect::<Vec<_>>());
            let case = Case { name: name.clone(), kind: CaseKind::Failure, message: name.clone(), body: body.clone() };
            let mut text = String::new();
            case.write("class", &mut text);
            let document = Document::parse(&text).unwrap();
            let failure = all(&document, "failure")[0];
            prop_assert_eq!(document.root_element().attribute("name"), Some(name.as_str()));
            prop_assert_eq!(failure.attribute("message"), Some(name.as_str()));
            prop_assert_eq!(failure.text().unwrap_or_default(), body.join("\n").replace("[[", "[\\u{5b}"));
        }

        #[test]
        fn any_text_makes_valid_xml(text in "\\PC*|(?s).*", c in any::<char>()) {
            let text = format!("<e a=\"{0}\">{0}</e>", escaped(&(text + &c.to_string())));
            prop_assert!(Document::parse(&text).is_ok());
        }
    }
}
