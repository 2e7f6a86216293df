//! The flags as they were typed: every one optional, nothing resolved yet.

use argh::FromArgs;

/// judges one commit by its run in the experiment tracker and moves the tag of the best
#[derive(FromArgs, Debug, Default)]
pub(crate) struct Flags {
    /// print the version
    #[argh(switch, short = 'V')]
    pub(crate) version: bool,

    /// see the settings table
    #[argh(option)]
    commit_id: Option<String>,
    /// see the settings table
    #[argh(option)]
    api_host: Option<String>,
    /// see the settings table
    #[argh(option)]
    project: Option<String>,
    /// see the settings table
    #[argh(option)]
    task_name: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_title: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_series: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_min_max: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_threshold: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_margin: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_target: Option<String>,
    /// see the settings table
    #[argh(option)]
    scalar_value: Option<String>,
    /// see the settings table
    #[argh(option)]
    metrics: Option<String>,
    /// see the settings table
    #[argh(option)]
    best_tagname: Option<String>,
    /// see the settings table
    #[argh(option)]
    no_baseline: Option<String>,
    /// see the settings table
    #[argh(option)]
    promote: Option<String>,
    /// see the settings table
    #[argh(option)]
    keep_best: Option<String>,
    /// see the settings table
    #[argh(option)]
    accept: Option<String>,
    /// see the settings table
    #[argh(option)]
    baseline_check: Option<String>,
    /// see the settings table
    #[argh(option)]
    code_paths: Option<String>,
    /// see the settings table
    #[argh(option)]
    runs: Option<String>,
    /// see the settings table
    #[argh(option)]
    wait: Option<String>,
    /// see the settings table
    #[argh(option)]
    enforce: Option<String>,
    /// see the settings table
    #[argh(option)]
    comment: Option<String>,
    /// see the settings table
    #[argh(option)]
    web_host: Option<String>,
    /// see the settings table
    #[argh(option)]
    api_host_verify_cert: Option<String>,

    /// see the reports table
    #[argh(option)]
    pub(crate) json: Option<String>,
    /// see the reports table
    #[argh(option)]
    pub(crate) markdown: Option<String>,
    /// see the reports table
    #[argh(option)]
    pub(crate) junit: Option<String>,
}

impl Flags {
    /// The value given for a flag (its name without dashes); an empty one counts as not given.
    pub(crate) fn get(&self, flag: &str) -> Option<&str> {
        let value = match flag {
            "commit-id" => &self.commit_id,
            "api-host" => &self.api_host,
            "project" => &self.project,
            "task-name" => &self.task_name,
            "scalar-title" => &self.scalar_title,
            "scalar-series" => &self.scalar_series,
            "scalar-min-max" => &self.scalar_min_max,
            "scalar-threshold" => &self.scalar_threshold,
            "scalar-margin" => &self.scalar_margin,
            "scalar-target" => &self.scalar_target,
            "scalar-value" => &self.scalar_value,
            "metrics" => &self.metrics,
            "best-tagname" => &self.best_tagname,
            "no-baseline" => &self.no_baseline,
            "promote" => &self.promote,
            "keep-best" => &self.keep_best,
            "accept" => &self.accept,
            "baseline-check" => &self.baseline_check,
            "code-paths" => &self.code_paths,
            "runs" => &self.runs,
            "wait" => &self.wait,
            "enforce" => &self.enforce,
            "comment" => &self.comment,
            "web-host" => &self.web_host,
            "api-host-verify-cert" => &self.api_host_verify_cert,
            _ => &None,
        };
        value.as_deref().filter(|value| !value.is_empty())
    }
}
