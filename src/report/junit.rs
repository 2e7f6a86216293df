//! The report as JUnit XML, for the test views of CI systems: a test case for each metric. Pure.
//!
//! A metric that is only told never fails a run: where it is worse than allowed, or unknown, it is a skipped case, since
//! a passed one shows no text in most views. Without a verdict nothing passes.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::iter;

use super::json::kind;
use crate::gate::outcome::{Finding, Judged, MetricOutcome, NoVerdict, NotStarted, Outcome, Report, RunSummary};
use crate::model::compare::Verdict;
use crate::model::metric::Metric;
use crate::promote::Promotion;
use crate::settings::Settings;
use crate::text::plain::{line, plain};
use crate::text::timestamp;
use crate::wording::phrase::Phrase;
use crate::wording::{self, Cells};

/// The whole report; ends with a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    let settings = report.settings;
    let cases = match &report.outcome {
        Outcome::Judged(judged) => judged_cases(settings, judged),
        Outcome::NoVerdict(why) => undecided_cases(settings, why),
    };
    let suite = Suite {
        class: format!("{}.{}", plain(settings.project.as_str()), plain(settings.task_name.as_str())),
        properties: properties(report),
        timestamp: judged_at(&report.outcome),
        cases: with_names_of_their_own(cases),
        warnings: report.warnings.iter().map(|warning| wording::warning(warning, settings).plain()).collect(),
    };
    suite.document()
}

/// The same for a run that never asked ClearML.
pub(crate) fn not_started(why: NotStarted<'_>) -> String {
    let (name, outcome) = match why {
        NotStarted::Nothing(reason) => ("gate", CaseOutcome::Skipped { message: line(reason) }),
        NotStarted::Faults(_) => ("settings", CaseOutcome::Error { kind: "settings", message: line(&why.reason()) }),
    };
    let faults = match why {
        NotStarted::Nothing(_) => &[],
        NotStarted::Faults(faults) => faults,
    };
    let faults = faults.iter().map(|fault| line(&fault.to_string()));
    let body = iter::once(line(&why.reason())).chain(faults).collect();
    let suite = Suite {
        class: TOOL.to_owned(),
        properties: vec![("verdict", why.result().to_owned())],
        timestamp: None,
        cases: vec![Case { name: name.to_owned(), outcome, body }],
        warnings: Vec::new(),
    };
    suite.document()
}

const TOOL: &str = env!("CARGO_PKG_NAME");

/// All cases with what they have in common.
struct Suite {
    class: String,
    properties: Vec<(&'static str, String)>,
    timestamp: Option<String>,
    cases: Vec<Case>,
    /// What does not belong to one case.
    warnings: Vec<String>,
}

/// One test case; its texts are harmless already.
struct Case {
    name: String,
    outcome: CaseOutcome,
    /// The whole story, line by line: some views show a message alone, some this alone.
    body: Vec<String>,
}

enum CaseOutcome {
    Passed,
    Skipped { message: String },
    Failure { message: String },
    Error { kind: &'static str, message: String },
}

fn judged_cases(settings: &Settings, judged: &Judged<'_>) -> Vec<Case> {
    let mut cases: Vec<Case> = judged.findings.iter().map(|finding| judged_case(judged, finding)).collect();
    if let (true, Promotion::Failed { error, .. }) = (judged.verdict.passed(), &judged.promotion) {
        let kind = if error.is_unreachable() { "unreachable" } else { "refused" };
        let body: Vec<String> = wording::promotion(settings, &judged.promotion).iter().map(Phrase::plain).collect();
        let message = body.first().cloned().unwrap_or_default();
        cases.push(Case { name: "tag".to_owned(), outcome: CaseOutcome::Error { kind, message }, body });
    }
    cases
}

fn judged_case(judged: &Judged<'_>, finding: &Finding<'_>) -> Case {
    let cells = wording::cells(finding);
    let message = in_one_line(&cells);
    let mut body = rows(&cells, judged);
    let outcome = match (&finding.outcome, finding.metric.is_required()) {
        (MetricOutcome::Judged(judgement), _) if judgement.passed() => CaseOutcome::Passed,
        (MetricOutcome::Judged(_), true) if judged.verdict == Verdict::Accepted => {
            body.push("accepted   CLEARML_ACCEPT is true".to_owned());
            CaseOutcome::Passed
        }
        (MetricOutcome::Judged(_), true) => CaseOutcome::Failure { message },
        (MetricOutcome::Unknown(..), true) => CaseOutcome::Error { kind: "no_score", message },
        (_, false) => CaseOutcome::Skipped { message },
    };
    Case { name: wording::metric_name(finding.metric).plain(), outcome, body }
}

/// The judgement with its numbers; what there is not is left out.
fn in_one_line(cells: &Cells) -> String {
    let limit = limit(cells);
    let parts = [
        ("candidate", &cells.candidate),
        ("baseline", &cells.baseline),
        ("change", &cells.change),
        ("limit", &limit),
        ("target", &cells.target),
    ];
    let told = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> = told.map(|(label, value)| format!("{label} {value}")).collect();
    format!("{}: {}", cells.verdict, parts.join(", "))
}

fn limit(cells: &Cells) -> String {
    if cells.limit.is_empty() { String::new() } else { format!("{} ({})", cells.limit, cells.tolerance) }
}

fn rows(cells: &Cells, judged: &Judged<'_>) -> Vec<String> {
    let of =
        |value: &str, run: &RunSummary| format!("{value}  ({})", wording::origin(run).plain()).trim_start().to_owned();
    let page = |run: &RunSummary| Phrase::default().page(run).plain();
    let baseline = judged.baseline.as_ref();
    let rows = [
        ("verdict", Some(cells.verdict.clone())),
        ("candidate", Some(of(&cells.candidate, &judged.candidate))),
        ("baseline", baseline.map(|run| of(&cells.baseline, run))),
        ("change", Some(cells.change.clone())),
        ("limit", Some(limit(cells))),
        ("target", Some(cells.target.clone())),
        ("candidate", Some(page(&judged.candidate))),
        ("baseline", baseline.map(page)),
    ];
    let told = rows.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?)));
    told.map(|(label, value)| format!("{label:<10} {value}")).collect()
}

fn undecided_cases(settings: &Settings, why: &NoVerdict<'_>) -> Vec<Case> {
    let explanation = wording::explain(settings, why);
    let message = format!("no verdict: {}", explanation.what.plain());
    let details = explanation.details.iter().map(Phrase::plain);
    let body: Vec<String> = iter::once(message.clone()).chain(details).collect();
    let case = |metric: &Metric| Case {
        name: wording::metric_name(metric).plain(),
        outcome: if metric.is_required() {
            CaseOutcome::Error { kind: kind(why), message: message.clone() }
        } else {
            CaseOutcome::Skipped { message: message.clone() }
        },
        body: body.clone(),
    };
    settings.metrics.iter().map(case).collect()
}

/// Of cases with one name some CI systems show only the first, and two metrics can have one: `a / b` and `c`, `a` and
/// `b / c`.
fn with_names_of_their_own(cases: Vec<Case>) -> Vec<Case> {
    let mut taken = HashSet::new();
    let number = |(n, mut case): (usize, Case)| {
        while !taken.insert(case.name.clone()) {
            let _ = write!(case.name, " #{}", n + 1);
        }
        case
    };
    cases.into_iter().enumerate().map(number).collect()
}

fn properties(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let page = |run: &RunSummary| Phrase::default().page(run).plain();
    let (candidate, baseline) = match &report.outcome {
        Outcome::Judged(judged) => (Some(page(&judged.candidate)), judged.baseline.as_ref().map(page)),
        Outcome::NoVerdict(_) => (None, None),
    };
    let all = [
        ("verdict", Some(report.outcome.result().to_owned())),
        ("reason", Some(wording::reason(report).plain())),
        ("commit", Some(report.settings.commit.as_str().to_owned())),
        ("candidate", candidate),
        ("baseline", baseline),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The server's clock when it was asked, in the form that has no zone and means UTC.
fn judged_at(outcome: &Outcome<'_>) -> Option<String> {
    let Outcome::Judged(Judged { candidate: RunSummary { when, age: Some(age), .. }, .. }) = outcome else {
        return None;
    };
    let micros = when.saturating_add(u64::try_from(age.as_micros()).ok()?);
    let text = timestamp::format(micros);
    // A server with a wrong clock may be in a year of five digits, which the schema does not know.
    text.get(..19).filter(|_| matches!(text.as_bytes().get(19), Some(b'.' | b'Z'))).map(str::to_owned)
}

impl Suite {
    fn document(&self) -> String {
        let count = |which: fn(&CaseOutcome) -> bool| self.cases.iter().filter(|case| which(&case.outcome)).count();
        let mut counts = vec![
            ("tests", self.cases.len().to_string()),
            ("failures", count(|outcome| matches!(outcome, CaseOutcome::Failure { .. })).to_string()),
            ("errors", count(|outcome| matches!(outcome, CaseOutcome::Error { .. })).to_string()),
            ("time", NO_TIME.to_owned()),
        ];
        let suites = Element::new("testsuites").attribute("name", TOOL).attributes(counts.clone());
        counts.push(("skipped", count(|outcome| matches!(outcome, CaseOutcome::Skipped { .. })).to_string()));
        counts.extend(self.timestamp.clone().map(|timestamp| ("timestamp", timestamp)));
        let property =
            |(name, value): &(&str, String)| Element::new("property").attribute("name", name).attribute("value", value);
        let mut suite = Element::new("testsuite")
            .attribute("name", TOOL)
            .attributes(counts)
            .child(self.properties.iter().map(property).fold(Element::new("properties"), Element::child));
        suite = self.cases.iter().map(|case| case.element(&self.class)).fold(suite, Element::child);
        if !self.warnings.is_empty() {
            suite = suite.child(Element::new("system-out").text(&self.warnings));
        }
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        suites.child(suite).write(&mut out, 0);
        out
    }
}

/// What a judgement takes is not measured, and some readers want a number.
const NO_TIME: &str = "0";

impl Case {
    fn element(&self, class: &str) -> Element {
        let case = Element::new("testcase").attribute("classname", class).attribute("name", &self.name);
        let outcome = |name, message: &str| Element::new(name).attribute("message", message);
        let child = match &self.outcome {
            CaseOutcome::Passed => Element::new("system-out"),
            CaseOutcome::Skipped { message } => outcome("skipped", message),
            CaseOutcome::Failure { message } => outcome("failure", message).attribute("type", "degraded"),
            CaseOutcome::Error { kind, message } => outcome("error", message).attribute("type", kind),
        };
        case.attribute("time", NO_TIME).child(child.text(&self.body))
    }
}

/// An element with either text or children.
struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    const fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    fn attribute(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, value.to_owned()));
        self
    }

    fn attributes(mut self, attributes: Vec<(&'static str, String)>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    fn text(mut self, lines: &[String]) -> Self {
        // CI systems take [[ATTACHMENT|path]] in a text for a file to publish.
        self.text = lines.join("\n").replace("[[", "[\\u{5b}");
        self
    }

    fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let name = self.name;
        let _ = write!(out, "{indent}<{name}");
        for (attribute, value) in &self.attributes {
            let _ = write!(out, " {attribute}=\"{}\"", escaped(value));
        }
        if !self.children.is_empty() {
            out.push_str(">\n");
            for child in &self.children {
                child.write(out, depth + 1);
            }
            let _ = writeln!(out, "{indent}</{name}>");
        } else if self.text.is_empty() {
            out.push_str("/>\n");
        } else {
            let _ = writeln!(out, ">{}</{name}>", escaped(&self.text));
        }
    }
}

/// The text within an element or an attribute. What XML cannot hold has been made visible before.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
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
    use crate::report::testing::endings::{
        judged, no_score, one_metric, settings, with_promotion, with_verdict, without_verdict,
    };
    use crate::report::testing::refusal;
    use crate::settings::Fault;
    use proptest::prelude::*;
    use roxmltree::{Document, Node};
    use serde_json::json;

    /// The elements of that name, in their order.
    fn all<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
        document.descendants().filter(|node| node.has_tag_name(name)).collect()
    }

    fn count(node: Node<'_, '_>, name: &str) -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    }

    /// The outcome of each case: its name, the element within it and its text.
    fn outcomes(text: &str) -> Vec<(String, String, String)> {
        let document = Document::parse(text).unwrap();
        let outcome = |case: Node<'_, '_>| {
            let inner = case.first_element_child().unwrap();
            let texts = [case.attribute("name"), Some(inner.tag_name().name()), inner.text()];
            let [name, kind, said] = texts.map(|text| text.unwrap_or_default().to_owned());
            (name, kind, said)
        };
        all(&document, "testcase").into_iter().map(outcome).collect()
    }

    fn kinds(text: &str) -> Vec<String> {
        outcomes(text).into_iter().map(|(_, kind, _)| kind).collect()
    }

    #[test]
    fn counts_and_exit_code_agree() {
        for report in with_verdict().iter().chain(&without_verdict()) {
            let text = render(report);
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
            assert_eq!(report.exit() == Exit::Passed, failures + errors == 0, "{text}");
            assert_eq!(report.exit() == Exit::Degraded, failures > 0, "{text}");
            let is_judged = matches!(report.outcome, Outcome::Judged(_));
            assert!(is_judged || errors > 0 && all(&document, "system-out").len() == 1, "{text}");
        }
    }

    #[test]
    fn a_degraded_metric_fails_with_its_numbers() {
        let text = render(&judged(one_metric(), Some(&[0.8]), &[0.79]));
        let document = Document::parse(&text).unwrap();
        let (case, failure) = (all(&document, "testcase")[0], all(&document, "failure")[0]);
        assert_eq!(case.attribute("classname"), Some("vision/detector.train"));
        assert_eq!(case.attribute("name"), Some("validation / accuracy"));
        let message =
            "degraded: candidate 0.79, baseline 0.8, change -0.01 (-1.25 %), limit at least 0.8 (threshold 0 %)";
        assert_eq!(failure.attribute("message"), Some(message));
        assert_eq!(failure.attribute("type"), Some("degraded"));
        let text = failure.text().unwrap();
        assert!(text.contains("candidate  0.79  (commit a94a8fe5ccb1, 60 minutes ago)\n"), "{text}");
        let suite = all(&document, "testsuite")[0];
        assert_eq!(suite.attribute("timestamp"), Some("2026-11-23T13:25:46"));
    }

    #[test]
    fn what_is_only_told_never_fails() {
        let told = json!([{"title": "a", "series": "b"}, {"title": "told", "series": "c", "warn": true}]);
        let settings = settings(&told, &[]);
        let of = |baseline: &[f64], candidate: &[f64]| kinds(&render(&judged(settings, Some(baseline), candidate)));
        assert_eq!(of(&[0.8, 0.3], &[0.9, 0.4]), ["system-out", "system-out"]);
        assert_eq!(of(&[0.8, 0.3], &[0.9, 0.2]), ["system-out", "skipped"]);
        assert_eq!(of(&[0.8, f64::NAN], &[0.7, 0.2]), ["failure", "skipped"]);
        assert_eq!(kinds(&render(&no_score(settings, Side::Candidate, Vec::new()))), ["error", "skipped"]);
    }

    #[test]
    fn an_accepted_loss_passes_and_says_so() {
        let settings = settings(&json!([{"title": "a", "series": "b"}]), &[("CLEARML_ACCEPT", "true")]);
        let outcomes = outcomes(&render(&judged(settings, Some(&[0.8]), &[0.7])));
        assert!(
            matches!(&outcomes[..], [(_, kind, text)] if kind == "system-out" && text.ends_with("CLEARML_ACCEPT is true"))
        );
    }

    #[test]
    fn a_tag_that_could_not_be_moved_is_an_error_of_its_own() {
        let failed = || Promotion::Failed { error: refusal("no"), candidate_may_have_tag: true };
        let text = render(&with_promotion(judged(one_metric(), Some(&[0.8]), &[0.9]), failed()));
        let outcomes = outcomes(&text);
        assert_eq!(kinds(&text), ["system-out", "error"]);
        assert_eq!(outcomes[1].0, "tag");
        assert!(outcomes[1].2.contains("could not be moved"), "{text}");
        let kept = Promotion::NotMoved(NotMovedReason::NotPassed);
        assert_eq!(kinds(&render(&with_promotion(judged(one_metric(), Some(&[0.8]), &[0.7]), kept))), ["failure"]);
    }

    #[test]
    fn a_run_that_never_asked_has_one_case() {
        let fault = Fault { subject: "CLEARML_PROJECT".to_owned(), problem: "is not set".to_owned(), example: None };
        let text = not_started(NotStarted::Faults(&[fault]));
        assert_eq!(kinds(&text), ["error"]);
        assert!(text.contains(">1 setting to mend\nCLEARML_PROJECT: is not set<"), "{text}");
        let text = not_started(NotStarted::Nothing("the pull request was closed"));
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
    fn no_two_cases_have_one_name() {
        let long = "x".repeat(300);
        let metrics = json!([
            {"title": "a / b", "series": "c"},
            {"title": "a", "series": "b / c"},
            {"title": "a / b", "series": "c #2"},
            {"title": &long, "series": "1"},
            {"title": long + "x", "series": "1"},
        ]);
        let report = judged(settings(&metrics, &[]), None, &[1.0; 5]);
        let names: Vec<String> = outcomes(&render(&report)).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names[..3], ["a / b / c", "a / b / c #2", "a / b / c #2 #3"]);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 5);
    }

    #[test]
    fn no_text_names_a_file_to_publish() {
        let mut report = judged(one_metric(), None, &[1.0]);
        report.warnings.push(Warning::TagSpelledDifferently("[[ATTACHMENT|/etc/passwd]]".to_owned()));
        let text = render(&report);
        assert!(text.contains("ATTACHMENT") && !text.contains("[["), "{text}");
    }

    proptest! {
        #[test]
        fn names_are_read_back_as_they_are_shown(title in "[^\\p{Cc}\u{fffd}]{0,20}x", project in "[^\\p{Cc}\u{fffd}]{0,20}x") {
            let settings = settings(&json!([{"title": &title, "series": "s"}]), &[("CLEARML_PROJECT", &project)]);
            let text = render(&judged(settings, Some(&[0.8]), &[0.7]));
            let document = Document::parse(&text).unwrap();
            let case = all(&document, "testcase")[0];
            let (name, class) = (format!("{} / s", plain(&title)), format!("{}.train", plain(&project)));
            prop_assert_eq!(case.attribute("name"), Some(name.as_str()));
            prop_assert_eq!(case.attribute("classname"), Some(class.as_str()));
        }

        #[test]
        fn any_text_is_read_back_as_it_is_shown(lines in prop::collection::vec(any::<String>(), 1..4), value in any::<String>()) {
            let (value, lines) = (plain(&value), lines.iter().map(|text| line(text)).collect::<Vec<_>>());
            let mut text = String::new();
            Element::new("e").attribute("a", &value).text(&lines).write(&mut text, 0);
            let document = Document::parse(&text).unwrap();
            let read = document.root_element();
            prop_assert_eq!(read.attribute("a"), Some(value.as_str()));
            prop_assert_eq!(read.text().unwrap_or_default(), lines.join("\n").replace("[[", "[\\u{5b}"));
        }

        #[test]
        fn whatever_comes_through_is_xml(text in "\\PC*|(?s).*", c in any::<char>()) {
            let text = format!("<e a=\"{0}\">{0}</e>", escaped(&(text + &c.to_string())));
            prop_assert!(Document::parse(&text).is_ok());
        }
    }
}
