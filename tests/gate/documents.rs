//! Every document of the repository: its links work, and something tries each snippet.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What tries a snippet.
enum By {
    /// A test: its file and name.
    Test(&'static str, &'static str),
    /// A script with this line.
    Script(&'static str, &'static str),
    /// Nothing can, for this reason.
    Nobody(&'static str),
}

/// Every fenced snippet that a reader may copy: its document, its first line, and what tries it.
const SNIPPETS: &[(&str, &str, By)] = &[
    ("README.md", "cargo run --example demo", By::Script(".github/scripts/start-sandbox.sh", "--example demo")),
    ("README.md", "name: Model gate", By::Test("tests/action/readme.rs", "a_better_model_passes_and_takes_the_tag")),
    ("README.md", "- run: cargo install --git", By::Nobody("it fetches from the internet what is tested here")),
    ("README.md", "gate=$(sh install.sh) &&", By::Test("tests/action/readme.rs", "the_installer_s_line_gates")),
    (
        "docs/github.md",
        "name: Model gate for forks",
        By::Test("tests/action/recipes.rs", "the_workflow_for_forks_in_the_docs_matches_the_recipe"),
    ),
    (
        "docs/github.md",
        "name: Model gate",
        By::Test("tests/action/recipes.rs", "the_workflow_in_the_docs_promotes_at_the_merge"),
    ),
    (
        "docs/github.md",
        "permissions:",
        By::Test("tests/gate/comment.rs", "after_a_fork_s_workflow_the_pull_request_is_looked_up"),
    ),
    ("docs/how-it-decides.md", "- uses: actions/checkout@v6", By::Test("tests/action/workflow.rs", "run")),
    (
        "docs/how-it-decides.md",
        "CLEARML_METRICS: |",
        By::Test("tests/action/readme.rs", "the_list_of_metrics_is_judged"),
    ),
    ("docs/verify.md", "gh attestation verify", By::Nobody("it asks GitHub about a release, and there is none yet")),
    (
        "docs/mutants.md",
        "cargo install cargo-mutants",
        By::Nobody("it breaks the code a thousand times, which takes hours"),
    ),
    ("docs/fuzzing.md", "fuzz/run.sh", By::Script(".ci/run", "fuzz/run.sh 10")),
    ("docs/performance.md", "benches/run.sh", By::Script(".ci/run", "benches/budgets.sh")),
    (
        "docs/recipes/README.md",
        "set -eu",
        By::Test("tests/action/elsewhere.rs", "the_two_files_are_fetched_by_their_hashes"),
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files in the root and in `docs`, and the templates.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs"), root().join(".github")];
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/")
}

/// The lines outside of fences, and the fenced blocks as language and text.
fn taken_apart(text: &str) -> (Vec<&str>, Vec<(&str, String)>) {
    let (mut prose, mut blocks, mut open) = (Vec::new(), Vec::new(), None);
    for line in text.lines() {
        open = match (open, line.trim_start().strip_prefix("```")) {
            (None, None) => {
                prose.push(line);
                None
            }
            (None, Some(language)) => Some((language.trim(), String::new())),
            (Some((language, block)), None) => Some((language, block + line + "\n")),
            (Some(block), Some(_)) => {
                blocks.push(block);
                None
            }
        };
    }
    assert!(open.is_none(), "a fence is not closed");
    (prose, blocks)
}

/// The targets of `[text](target)`.
fn links<'a>(prose: &[&'a str]) -> Vec<&'a str> {
    let of = |line: &'a str| line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    prose.iter().flat_map(|line| of(line)).collect()
}

/// The anchor that GitHub makes from a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

fn anchors(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap();
    let (prose, _) = taken_apart(&text);
    let headings = prose.iter().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// What is wrong with a link of a document. Links to other hosts are not checked.
fn fault(document: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, fragment) = link.split_once('#').map_or((link, None), |(file, fragment)| (file, Some(fragment)));
    let target = if file.is_empty() { document.to_owned() } else { document.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: {link} is not there", name(document)));
    }
    let known = fragment.is_none_or(|fragment| anchors(&target).contains(fragment));
    (!known).then(|| format!("{}: {link} names no heading", name(document)))
}

#[test]
fn links_inside_the_repository_lead_somewhere() {
    let mut faults = Vec::new();
    let mut count = 0;
    for document in documents() {
        // A report of the program links to the web app.
        if name(&document) == "docs/pr-comment.md" {
            continue;
        }
        let text = fs::read_to_string(&document).unwrap();
        let (prose, _) = taken_apart(&text);
        let links = links(&prose);
        count += links.len();
        faults.extend(links.iter().filter_map(|link| fault(&document, link)));
    }
    assert!(count > 30, "{count}");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let readme = root().join("README.md");
    assert!(fault(&readme, "docs/nothing.md").is_some());
    assert!(fault(&readme, "#no-such-heading").is_some());
    assert!(fault(&readme, "docs/exit-codes.md#no-such-heading").is_some());
    assert_eq!(fault(&readme, "#no-verdict"), None);
    assert_eq!(anchor(" It's `a` test, no? "), "its-a-test-no");
}

#[test]
fn every_snippet_is_tried_by_something_that_is_there() {
    let mut found = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        let (_, blocks) = taken_apart(&text);
        for (language, block) in blocks {
            if ["sh", "bash", "yaml"].contains(&language) {
                found.push((name(&document), block.lines().next().unwrap_or_default().trim().to_owned()));
            }
        }
    }
    let is_of = |(document, line, _): &(&str, &str, By), block: &(String, String)| {
        block.0 == *document && block.1.starts_with(line)
    };
    let unknown: Vec<_> = found.iter().filter(|block| !SNIPPETS.iter().any(|known| is_of(known, block))).collect();
    assert!(unknown.is_empty(), "nothing tries {unknown:#?}");
    for known in SNIPPETS {
        assert!(found.iter().any(|block| is_of(known, block)), "{} no longer has the snippet {:?}", known.0, known.1);
        let (file, wanted) = match known.2 {
            By::Test(file, test) => (file, format!("fn {test}(")),
            By::Script(file, line) => (file, line.to_owned()),
            By::Nobody(why) => {
                assert!(!why.is_empty());
                continue;
            }
        };
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(&wanted), "{file} does not have {wanted:?}, which tries {:?}", known.1);
    }
}
