//! Every setting, one row each. Flags, help, docs/settings.md and action.yml all follow from the rows.

use super::values::{BASELINE_CHECK, BOOLEAN, COMMENT, DIRECTION, NO_BASELINE, PICK, PROMOTE, ZERO};

/// A setting: an environment variable, an input of the action and, except for secrets, a flag.
#[derive(Debug)]
pub struct Setting {
    /// The name of the variable and of the input.
    pub name: &'static str,
    /// What applies when nothing is given.
    pub default: Option<&'static str>,
    /// Whether action.yml declares the default too. GitHub then passes it as if the workflow had given it.
    pub default_in_action: bool,
    /// The allowed values; empty when any text can be valid.
    pub values: &'static [&'static str],
    /// Whether the gate cannot run without it.
    pub required: bool,
    /// Whether it is a credential: it has no flag, and its value is never shown.
    pub secret: bool,
    /// A valid value for error messages, or several separated by commas and "or".
    pub example: Option<&'static str>,
    /// Where it is in the ClearML SDK's clearml.conf.
    pub conf: Option<&'static str>,
    /// What it means, for help and documentation.
    pub meaning: &'static str,
}

impl Setting {
    const OPTIONAL: Self = Self {
        name: "",
        default: None,
        default_in_action: false,
        values: &[],
        required: false,
        secret: false,
        example: None,
        conf: None,
        meaning: "",
    };

    /// The flag, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.strip_prefix("CLEARML_").unwrap_or(self.name).to_ascii_lowercase().replace('_', "-")
    }
}

macro_rules! settings {
    ($($name:ident { $($field:ident: $value:expr,)+ })+) => {
        $(pub(crate) static $name: Setting =
            Setting { name: stringify!($name), $($field: $value,)+ ..Setting::OPTIONAL };)+

        /// All settings, in the order in which help and documentation show them.
        pub static SETTINGS: &[&Setting] = &[$(&$name),+];
    };
}

settings! {
    CLEARML_API_ACCESS_KEY {
        required: true,
        secret: true,
        conf: Some("api.credentials.access_key"),
        meaning: "Access key of your ClearML API credentials.",
    }
    CLEARML_API_SECRET_KEY {
        required: true,
        secret: true,
        conf: Some("api.credentials.secret_key"),
        meaning: "Secret key of the same credentials.",
    }
    CLEARML_API_HOST {
        required: true,
        example: Some("https://api.clear.ml"),
        conf: Some("api.api_server"),
        meaning: "Address of the ClearML API server, with or without https://.",
    }
    CLEARML_PROJECT {
        required: true,
        example: Some("vision/detector"),
        meaning: "Exact name of the project. For a sub-project, its full path.",
    }
    CLEARML_TASK_NAME {
        required: true,
        example: Some("train"),
        meaning: "Exact name of the run, which ClearML calls a task.",
    }
    CLEARML_SCALAR_TITLE {
        example: Some("validation"),
        meaning: "Title of the metric to compare, which ClearML calls a scalar. Required unless CLEARML_METRICS is set.",
    }
    CLEARML_SCALAR_SERIES {
        example: Some("accuracy"),
        meaning: "Series of the same metric. Required unless CLEARML_METRICS is set.",
    }
    CLEARML_SCALAR_MIN_MAX {
        default: Some("MAX"),
        default_in_action: true,
        values: DIRECTION.words,
        meaning: "MAX if higher is better, MIN if lower is better.",
    }
    CLEARML_SCALAR_THRESHOLD {
        default: Some("0"),
        default_in_action: true,
        example: Some("3 or 3%"),
        meaning: "Allowed loss, in percent of the baseline: how much worse the candidate may be.",
    }
    CLEARML_SCALAR_MARGIN {
        example: Some("0.005"),
        meaning: "Allowed loss, in the unit of the metric. Use either this or a threshold.",
    }
    CLEARML_SCALAR_TARGET {
        example: Some("0.9"),
        meaning: "A value to reach, whatever the baseline is: at least this (MAX) or at most this (MIN).",
    }
    CLEARML_SCALAR_VALUE {
        default: Some("best"),
        values: PICK.words,
        meaning: "Which value of a run is compared: its best or its last one.",
    }
    CLEARML_SCALAR_ZERO {
        default: Some("suspect"),
        values: ZERO.words,
        meaning: "What a value of exactly 0 is: suspect (it may be NaN, which the ClearML SDK sends as 0, so there is no \
                  verdict) or valid (for an error rate or a count, which can be 0).",
    }
    CLEARML_METRICS {
        example: Some(r#"[{"title": "validation", "series": "loss", "min_max": "MIN", "margin": 0.05}]"#),
        meaning: "Several metrics instead of one, as a JSON list. Each has a title and a series, and can have min_max, \
                  threshold or margin, target, value and zero, as above. All must pass, except metrics with \"warn\": true, \
                  which are informational.",
    }
    CLEARML_BEST_TAGNAME {
        default: Some("Best Performance"),
        default_in_action: true,
        example: Some("Best Performance"),
        meaning: "The tag that marks the baseline.",
    }
    CLEARML_NO_BASELINE {
        default: Some("pass"),
        values: NO_BASELINE.words,
        meaning: "What to do if no run has the tag: pass (and tag the candidate) or fail (no verdict).",
    }
    CLEARML_PROMOTE {
        default: Some("pass"),
        values: PROMOTE.words,
        meaning: "When the tag moves to the candidate: pass (as soon as the check passes), merge (when the pull \
                  request is merged, if the check passes again) or never.",
    }
    CLEARML_KEEP_BEST {
        default: Some("false"),
        values: BOOLEAN.words,
        meaning: "If true, a candidate that is worse but within the allowed loss passes without getting the tag. Small \
                  losses then cannot add up.",
    }
    CLEARML_ACCEPT {
        default: Some("false"),
        values: BOOLEAN.words,
        meaning: "If true, accept a loss that is larger than allowed, or a missed target: the check passes and the tag moves. \
                  CLEARML_KEEP_BEST then has no effect.",
    }
    CLEARML_BASELINE_CHECK {
        default: Some("warn"),
        values: BASELINE_CHECK.words,
        meaning: "Whether the baseline must be clean, completed and part of the main branch: warn (report it if not), \
                  require (no verdict if not) or off (do not check).",
    }
    CLEARML_CODE_PATHS {
        example: Some("src"),
        meaning: "Paths that contain the code, one per line; by default everything. A run of another commit counts too \
                  if these paths have the same content. This needs a checkout with history.",
    }
    CLEARML_RUNS {
        default: Some("1"),
        example: Some("3"),
        meaning: "Compare the median of this many of the newest clean runs (1 to 100), for both candidate and baseline.",
    }
    CLEARML_WAIT {
        default: Some("0"),
        example: Some("90s, 30m or 2h"),
        meaning: "How long to wait if the commit has no run yet, too few have finished, a rerun could still pass, or ClearML \
                  cannot be reached.",
    }
    CLEARML_ENFORCE {
        default: Some("true"),
        values: BOOLEAN.words,
        meaning: "If false, report everything, but exit with code 0 even if the check fails or there is no verdict. \
                  Invalid settings still fail. For trying out the gate.",
    }
    CLEARML_COMMENT {
        default: Some("never"),
        values: COMMENT.words,
        meaning: "When to comment on the pull request: never, always, or change (only if the verdict is not \
                  unchanged). There is one comment, which is always updated. On GitHub this needs the permission pull-requests: write.",
    }
    CLEARML_WEB_HOST {
        example: Some("https://app.clear.ml"),
        conf: Some("api.web_server"),
        meaning: "Address of the ClearML web app, for links. By default it is derived from the API host.",
    }
    CLEARML_API_HOST_VERIFY_CERT {
        default: Some("true"),
        example: Some("true, false or the path of a CA file"),
        conf: Some("api.verify_certificate"),
        meaning: "Whether to verify the server's certificate: true, false, or a PEM file with the CA to trust.",
    }
    COMMIT_ID {
        example: Some("1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"),
        meaning: "The commit to judge: its full id, or at least 7 digits of it in a checkout that contains the commit. By \
                  default it comes from the CI or the checkout.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_explains_every_allowed_value() {
        for setting in SETTINGS.iter().filter(|setting| setting.values != BOOLEAN.words) {
            for value in setting.values {
                assert!(setting.meaning.contains(value), "{}: {value}", setting.name);
            }
        }
    }

    #[test]
    fn every_row_has_an_example_unless_its_values_are_listed_or_secret() {
        for setting in SETTINGS {
            assert_eq!(setting.example.is_none(), setting.secret || !setting.values.is_empty(), "{}", setting.name);
        }
    }
}
