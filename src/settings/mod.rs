//! Settings: flags, environment, clearml.conf and defaults, in this order. All that is wrong is found at once.

pub(crate) mod clearml_conf;
pub(crate) mod flags;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
pub(crate) mod metrics;
pub(crate) mod problem;
pub(crate) mod table;
pub(crate) mod values;

use std::time::Duration;

use crate::ci::{CiContext, NoCommit};
use crate::clearml::Server;
use crate::environment::Environment;
use crate::git::CodePaths;
use crate::model::commit::Commit;
use crate::model::metric::Metrics;
use crate::model::name::{Name, Tag};
use crate::net::proxy::Proxy;
use crate::net::tls::Trust;
use crate::net::url::Host;
use clearml_conf::ClearmlConf;
use flags::Flags;
use problem::Problem;
use table::Setting;
pub(crate) use values::{BaselineCheck, Comment, NoBaseline, Promote};

/// Everything the gate needs to know before it contacts ClearML.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    /// The commit to judge.
    pub(crate) commit: Commit,
    /// Where the commit comes from, in words.
    pub(crate) commit_source: &'static str,
    pub(crate) project: Name,
    pub(crate) task_name: Name,
    /// The tag of the best run.
    pub(crate) tag: Tag,
    pub(crate) metrics: Metrics,
    pub(crate) no_baseline: NoBaseline,
    pub(crate) promote: Promote,
    /// Whether a tolerated candidate leaves the tag where it is.
    pub(crate) keep_best: bool,
    pub(crate) baseline_check: BaselineCheck,
    /// Two commits with the same content at these paths contain the same code.
    pub(crate) code_paths: CodePaths,
    /// How many runs are compared by their median, for candidate and baseline alike; at least 1.
    pub(crate) runs: usize,
    /// Whether a loss that is larger than allowed is accepted.
    pub(crate) accept: bool,
    /// How long to wait for a run of the commit that is queued or running.
    pub(crate) wait: Duration,
    /// Whether a failed check fails the job.
    pub(crate) enforce: bool,
    pub(crate) comment: Comment,
    /// Every setting except secrets, with the value that applies, for the report.
    pub(crate) in_force: Vec<(&'static str, String)>,
}

impl Settings {
    /// Whether the metrics come from `CLEARML_METRICS`.
    pub(crate) fn uses_list(&self) -> bool {
        self.in_force.iter().any(|(name, _)| *name == table::CLEARML_METRICS.name)
    }
}

/// One thing that is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The setting, variable or file.
    pub(crate) subject: String,
    /// What is wrong with it; never repeats a secret.
    pub(crate) problem: String,
    /// A valid value, where one helps.
    pub(crate) example: Option<&'static str>,
}

/// Resolves the settings.
///
/// # Errors
/// Everything that is wrong, in the order of the settings table.
pub(crate) fn resolve(
    flags: &Flags,
    environment: &Environment,
    context: &Result<CiContext, NoCommit>,
) -> Result<Settings, Vec<Fault>> {
    let mut source = Source { flags, environment, conf: None, faults: Vec::new() };
    let access_key = source.required(&table::CLEARML_API_ACCESS_KEY, values::secret);
    let secret_key = source.required(&table::CLEARML_API_SECRET_KEY, values::secret);
    let api = source.required(&table::CLEARML_API_HOST, values::api_host);
    let project = source.required(&table::CLEARML_PROJECT, Name::parse);
    let task_name = source.required(&table::CLEARML_TASK_NAME, Name::parse);
    let metrics = metrics::metrics(&mut source);
    let tag = source.required(&table::CLEARML_BEST_TAGNAME, Tag::parse);
    let no_baseline = source.required(&table::CLEARML_NO_BASELINE, |text| values::NO_BASELINE.read(text));
    let promote = source.required(&table::CLEARML_PROMOTE, |text| values::PROMOTE.read(text));
    let keep_best = source.required(&table::CLEARML_KEEP_BEST, values::boolean);
    let accept = source.required(&table::CLEARML_ACCEPT, values::boolean);
    let baseline_check = source.required(&table::CLEARML_BASELINE_CHECK, |text| values::BASELINE_CHECK.read(text));
    let code_paths = source.optional(&table::CLEARML_CODE_PATHS, CodePaths::parse).unwrap_or_default();
    let runs = source.required(&table::CLEARML_RUNS, values::runs);
    let wait = source.required(&table::CLEARML_WAIT, values::duration);
    let enforce = source.required(&table::CLEARML_ENFORCE, values::boolean);
    let comment = source.required(&table::CLEARML_COMMENT, |text| values::COMMENT.read(text));
    let web = match source.text(&table::CLEARML_WEB_HOST) {
        Some(_) => source.optional(&table::CLEARML_WEB_HOST, Host::parse),
        None => api.as_ref().and_then(crate::clearml::links::web_host),
    };
    let trust = source.required(&table::CLEARML_API_HOST_VERIFY_CERT, |text| Trust::read(text, environment));
    let proxy = api.as_ref().and_then(|api| source.proxy(api));
    let found = source.keep(&table::COMMIT_ID, context.as_ref().map_err(NoCommit::clone).and_then(CiContext::commit));
    let in_force = source.in_force(&[
        (&table::CLEARML_API_HOST, api.as_ref().map(Host::to_string)),
        (&table::CLEARML_WEB_HOST, web.as_ref().map(Host::to_string)),
        (&table::COMMIT_ID, found.map(|found| found.commit.to_string())),
    ]);
    let faults = source.faults;
    let complete = || {
        Some(Settings {
            server: Server { api: api?, web, access_key: access_key?, secret_key: secret_key?, trust: trust?, proxy },
            commit: found?.commit.clone(),
            commit_source: found?.source.as_str(),
            project: project?,
            task_name: task_name?,
            tag: tag?,
            metrics: metrics?,
            no_baseline: no_baseline?,
            promote: promote?,
            keep_best: keep_best?,
            accept: accept?,
            baseline_check: baseline_check?,
            code_paths,
            runs: runs?,
            wait: wait?,
            enforce: enforce?,
            comment: comment?,
            in_force,
        })
    };
    if faults.is_empty() { complete().ok_or(faults) } else { Err(faults) }
}

/// Looks settings up, and collects what is wrong with them.
struct Source<'a> {
    flags: &'a Flags,
    environment: &'a Environment,
    /// Read only if it is needed, so that a broken file cannot stop a CI that does not need it.
    conf: Option<ClearmlConf>,
    faults: Vec<Fault>,
}

impl Source<'_> {
    fn conf(&mut self) -> &ClearmlConf {
        if self.conf.is_none() {
            let read = clearml_conf::load(self.environment).unwrap_or_else(|error| {
                let (subject, problem) = ("clearml.conf".to_owned(), error.to_string());
                self.faults.push(Fault { subject, problem, example: None });
                ClearmlConf::default()
            });
            self.conf = Some(read);
        }
        self.conf.get_or_insert_default()
    }

    /// The flag, otherwise the variable.
    fn given(&self, setting: &Setting) -> Option<String> {
        self.flags.get(&setting.flag()).or_else(|| self.environment.get(setting.name)).map(str::to_owned)
    }

    /// What was given, otherwise clearml.conf, otherwise the default. This is the order of the SDK.
    fn text(&mut self, setting: &Setting) -> Option<String> {
        let given = self.given(setting);
        let text = given.or_else(|| setting.conf.and_then(|path| self.conf().get(path).map(str::to_owned)));
        text.or_else(|| setting.default.map(str::to_owned))
    }

    fn differs_from_its_default(&self, setting: &Setting) -> bool {
        let is_default = |given: &str| setting.default.is_some_and(|text| given.trim().eq_ignore_ascii_case(text));
        self.given(setting).is_some_and(|given| !is_default(&given))
    }

    fn fault(&mut self, setting: &Setting, problem: &impl ToString) {
        let (subject, problem) = (setting.name.to_owned(), problem.to_string());
        self.faults.push(Fault { subject, problem, example: setting.example });
    }

    /// Keeps the value, or what is wrong.
    fn keep<T, E: ToString>(&mut self, setting: &Setting, read: Result<T, E>) -> Option<T> {
        read.map_err(|problem| self.fault(setting, &problem)).ok()
    }

    fn optional<T, E: ToString>(&mut self, setting: &Setting, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(setting)?;
        self.keep(setting, read(&text))
    }

    fn required<T, E: ToString>(&mut self, setting: &Setting, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        if self.text(setting).is_none() {
            let include = setting.conf.and_then(|_| self.conf().unread_includes.first().cloned());
            let maybe_from_fork =
                setting.name == table::CLEARML_API_ACCESS_KEY.name && self.environment.get("CI").is_some();
            self.fault(setting, &Problem::NotSet { is_secret: setting.secret, maybe_from_fork, include });
        }
        self.optional(setting, read)
    }

    fn proxy(&mut self, server: &Host) -> Option<Proxy> {
        Proxy::find(server, self.environment).unwrap_or_else(|bad| {
            let (subject, problem) = (bad.variable.to_owned(), bad.problem.to_string());
            self.faults.push(Fault { subject, problem, example: Some("http://proxy.example.org:3128") });
            None
        })
    }

    /// Every setting that has a value and is not a secret. `resolved` are those that can come from elsewhere.
    fn in_force(&mut self, resolved: &[(&Setting, Option<String>)]) -> Vec<(&'static str, String)> {
        let has_list = self.text(&table::CLEARML_METRICS).is_some();
        let mut in_force = Vec::new();
        for setting in table::SETTINGS.iter().filter(|setting| !setting.secret) {
            let value = match resolved.iter().find(|(own, _)| own.name == setting.name) {
                Some((_, value)) => value.clone(),
                None if has_list && metrics::is_replaced_by_the_list(setting) => None,
                None => self.text(setting).map(|text| metrics::on_one_line(setting, text)),
            };
            in_force.extend(value.map(|value| (setting.name, value)));
        }
        in_force
    }
}
