//! Every setting in one table: names, defaults and meanings for the help, the README and the error messages.

use std::fmt::Write as _;

/// One setting, whose name is an action input and an environment variable, and, shortened, a flag.
#[derive(Debug)]
pub struct Setting {
    /// The action input and environment variable.
    pub name: &'static str,
    /// What is taken when nothing is given; `None` when the setting must be given or is off.
    pub default: Option<&'static str>,
    /// Whether the gate cannot do without it.
    pub required: bool,
    /// Whether it is a credential: those have no flag and their values are never shown.
    pub secret: bool,
    /// A right value, for error messages.
    pub example: &'static str,
    /// What it means, in one or two sentences.
    pub meaning: &'static str,
}

impl Setting {
    /// The flag, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.strip_prefix("CLEARML_").unwrap_or(self.name).to_ascii_lowercase().replace('_', "-")
    }
}

const PLAIN: Setting = Setting { name: "", default: None, required: false, secret: false, example: "", meaning: "" };
const REQUIRED: Setting = Setting { required: true, ..PLAIN };

/// All settings, in the order in which the help shows them.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "CLEARML_API_ACCESS_KEY",
        secret: true,
        example: "the access key of a credential made in ClearML under Settings, Workspace",
        meaning: "Access key of the ClearML credential.",
        ..REQUIRED
    },
    Setting {
        name: "CLEARML_API_SECRET_KEY",
        secret: true,
        example: "the secret key that was shown when the credential was made",
        meaning: "Secret key of the ClearML credential.",
        ..REQUIRED
    },
    Setting {
        name: "CLEARML_API_HOST",
        example: "https://api.clear.ml",
        meaning: "The ClearML API server, with or without https://.",
        ..REQUIRED
    },
    Setting {
        name: "CLEARML_PROJECT",
        example: "vision/detector",
        meaning: "The project's exact name; the full path for a sub-project.",
        ..REQUIRED
    },
    Setting { name: "CLEARML_TASK_NAME", example: "train", meaning: "The task's exact name.", ..REQUIRED },
    Setting {
        name: "CLEARML_SCALAR_TITLE",
        example: "validation",
        meaning: "Title of the scalar that is compared. Required, unless CLEARML_METRICS is given.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_SERIES",
        example: "accuracy",
        meaning: "Series of the scalar that is compared. Required, unless CLEARML_METRICS is given.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_MIN_MAX",
        default: Some("MAX"),
        example: "MAX or MIN",
        meaning: "MAX when higher is better, MIN when lower is.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_THRESHOLD",
        default: Some("0"),
        example: "3 or 3%",
        meaning: "Loss allowed, in percent of the baseline.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_MARGIN",
        example: "0.005",
        meaning: "Loss allowed, in the scalar's own unit. Excludes a threshold.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_TARGET",
        example: "0.9",
        meaning: "A value to reach whatever the baseline is: at least (MAX) or at most (MIN).",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_SCALAR_VALUE",
        default: Some("best"),
        example: "best or last",
        meaning: "Which value of a run counts: its best one, or the last reported.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_METRICS",
        example: r#"[{"title": "validation", "series": "loss", "min_max": "MIN", "margin": 0.05}]"#,
        meaning: "Several metrics instead of the one above: a JSON list of objects with title and series and, each as \
                  above, min_max, threshold or margin, target and value; with \"warn\": true a metric only tells. All \
                  others must pass.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_BEST_TAGNAME",
        default: Some("Best Performance"),
        example: "Best Performance",
        meaning: "The tag that marks the best task, the baseline.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_NO_BASELINE",
        default: Some("pass"),
        example: "pass or fail",
        meaning: "What to do while no task carries the tag: pass (the candidate gets it) or fail (no verdict).",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_PROMOTE",
        default: Some("pass"),
        example: "pass, merge or never",
        meaning: "When the tag moves to the candidate: as soon as the check passes; when the pull request is merged, where \
                  it is judged again; or never.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_KEEP_BEST",
        default: Some("false"),
        example: "true or false",
        meaning: "true: a candidate that is worse within what is allowed passes but does not take the tag, so that small \
                  losses cannot add up.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_ACCEPT",
        default: Some("false"),
        example: "true or false",
        meaning: "true: a loss beyond what is allowed is taken on purpose; the check passes as accepted, and the tag \
                  moves.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_BASELINE_CHECK",
        default: Some("warn"),
        example: "warn, require or off",
        meaning: "The baseline should be clean, successful and part of the main branch: warn when it is not, require it \
                  (else no verdict), or do not look.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_CODE_PATHS",
        example: "src",
        meaning: "One path a line: where the code is. A run of another commit counts when git holds the same objects \
                  there. The whole tree when it is not given. Needs a checkout with history.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_RUNS",
        default: Some("1"),
        example: "3",
        meaning: "Judge the median of the newest so many clean runs of the same code, on both sides.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_WAIT",
        default: Some("0"),
        example: "90s, 30m or 2h",
        meaning: "How long to wait while a run of the commit is still queued or at work.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_ENFORCE",
        default: Some("true"),
        example: "true or false",
        meaning: "false: everything is reported and nothing is blocked; the exit code is 0 even when the check does not \
                  pass. For trying it out.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_COMMENT",
        default: Some("never"),
        example: "never, always or change",
        meaning: "Whether one comment on the pull request is kept up to date: never, always, or, with change, only \
                  when the verdict is not unchanged. On GitHub, with the permission pull-requests: write.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_WEB_HOST",
        example: "https://app.clear.ml",
        meaning: "The ClearML web app, for links. Derived from the API host when it is not given.",
        ..PLAIN
    },
    Setting {
        name: "CLEARML_API_HOST_VERIFY_CERT",
        default: Some("true"),
        example: "true, false or the path of a CA file",
        meaning: "Whether the server's certificate is verified: true, false, or a PEM file with the CA to trust.",
        ..PLAIN
    },
    Setting {
        name: "COMMIT_ID",
        example: "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d",
        meaning: "The commit to judge, at least 7 hex digits. Taken from the CI or the checkout when it is not given.",
        ..PLAIN
    },
];

/// The flags that write the report as a document.
const DOCUMENTS: [(&str, &str); 3] = [
    ("json", "The whole report as JSON, by docs/report.schema.json."),
    ("markdown", "The report as Markdown, as in a comment on a pull request."),
    ("junit", "The report as JUnit XML, a test case for each metric; GitLab, Jenkins, Azure and Buildkite show it."),
];

/// Whether `--name` is a flag that takes a value.
pub(crate) fn is_flag(arg: &str) -> bool {
    let is_setting = |name: &str| SETTINGS.iter().any(|setting| !setting.secret && setting.flag() == name);
    let is_document = |name: &str| DOCUMENTS.iter().any(|(flag, _)| *flag == name);
    arg.strip_prefix("--").is_some_and(|name| is_setting(name) || is_document(name))
}

/// The row of a setting; the names in the code and in the table are held together by a test.
pub(crate) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut out = String::from(
        "clearml-gate judges the ClearML run of one commit against the run that carries the tag of the best,\n\
         fails when the model got worse by more than is allowed, and moves the tag when it did not.\n\n\
         Usage: clearml-gate [--flag VALUE]...\n\n\
         Each setting is an environment variable and, but for the secrets, a flag. A flag beats the variable,\n\
         an empty variable is an unset one. Host and keys may also come from clearml.conf.\n\n",
    );
    for setting in SETTINGS {
        let _ = writeln!(out, "  {}", heading(setting));
        for line in wrap(setting.meaning, 88) {
            let _ = writeln!(out, "      {line}");
        }
    }
    out.push_str(
        "\nThe report as a document, into a file or, with -, to standard output, which then holds nothing else:\n\n",
    );
    for (flag, meaning) in DOCUMENTS {
        let _ = writeln!(out, "  --{flag} FILE");
        for line in wrap(meaning, 88) {
            let _ = writeln!(out, "      {line}");
        }
    }
    out.push_str(
        "\n  -V, --version\n  --help\n\n\
         Exit codes: 0 passed or nothing to gate, 1 degraded, 2 usage or settings, 3 no verdict, 4 ClearML refused or\n\
         the tag could not be moved, 5 ClearML unreachable (worth another run), 70 a bug.\n",
    );
    out
}

fn heading(setting: &Setting) -> String {
    let flag = if setting.secret { String::new() } else { format!(", --{}", setting.flag()) };
    let default = match (setting.default, setting.required) {
        (Some(default), _) => format!("  [default: {default}]"),
        (None, true) => "  [required]".to_owned(),
        (None, false) => String::new(),
    };
    format!("{}{flag}{default}", setting.name)
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_are_as_full_as_they_may_be() {
        assert_eq!(wrap("one two  three\nfour", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible word", 8), ["incomprehensible", "word"]);
        assert_eq!(wrap(" ", 8), [""; 0]);
    }
}
