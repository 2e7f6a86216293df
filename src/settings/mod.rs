//! Settings: flags over environment over clearml.conf over defaults, with every fault found at once.

pub(crate) mod clearml_conf;
pub(crate) mod flags;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod metrics;
pub(crate) mod table;
mod values;

use std::fmt;
use std::time::Duration;

use crate::ci::{CiContext, FoundCommit};
use crate::clearml::Server;
use crate::environment::Environment;
use crate::git::CodePaths;
use crate::model::commit::Commit;
use crate::model::metric::Metrics;
use crate::model::name::{Name, Tag};
use crate::net::proxy::Proxy;
use crate::net::secret::Secret;
use crate::net::tls::Trust;
use crate::net::url::Host;
use crate::text::sanitize;
use clearml_conf::ClearmlConf;
use flags::Flags;
pub(crate) use values::{BaselineCheck, Comment, NoBaseline, Promote};

/// Everything the gate has to know before it asks ClearML anything.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where ClearML is and who asks.
    pub(crate) server: Server,
    /// The commit to judge.
    pub(crate) commit: Commit,
    /// Where it was found, in words.
    pub(crate) commit_source: &'static str,
    /// The project that holds the runs.
    pub(crate) project: Name,
    /// The exact name of the runs.
    pub(crate) task_name: Name,
    /// The tag of the best run.
    pub(crate) tag: Tag,
    /// What is compared, and how.
    pub(crate) metrics: Metrics,
    /// What to do while no task carries the tag.
    pub(crate) no_baseline: NoBaseline,
    /// When the tag moves.
    pub(crate) promote: Promote,
    /// Whether a tolerated candidate leaves the tag where it is.
    pub(crate) keep_best: bool,
    /// What to do about a baseline that is not clean, did not complete or is not part of the main branch.
    pub(crate) baseline_check: BaselineCheck,
    /// Where the code is, for telling whether two commits hold the same.
    pub(crate) code_paths: CodePaths,
    /// How many runs are judged by their median, on both sides; at least 1.
    pub(crate) runs: usize,
    /// Whether a loss beyond what is allowed is taken on purpose.
    pub(crate) accept: bool,
    /// How long to wait while a run of the commit is queued or at work.
    pub(crate) wait: Duration,
    /// Whether a check that does not pass fails the job.
    pub(crate) enforce: bool,
    /// When the pull request gets a comment.
    pub(crate) comment: Comment,
    /// Every setting but the secrets as it is in force, for the report.
    pub(crate) in_force: Vec<(&'static str, String)>,
}

/// One thing that is wrong with the settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The setting or file at fault.
    pub(crate) subject: String,
    /// What is wrong with it; never repeats a secret.
    pub(crate) problem: String,
    /// A right value, where there is one.
    pub(crate) example: Option<&'static str>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)?;
        self.example.map_or(Ok(()), |example| write!(f, ". Example: {example}"))
    }
}

/// Resolves the settings.
///
/// # Errors
/// Every fault, in the order of the settings table.
pub(crate) fn resolve(
    flags: &Flags,
    environment: &Environment,
    context: &Result<CiContext, String>,
) -> Result<Settings, Vec<Fault>> {
    let mut source = Source::new(flags, environment);
    let access_key = source.secret("CLEARML_API_ACCESS_KEY", |conf| conf.access_key.as_deref());
    let secret_key = source.secret("CLEARML_API_SECRET_KEY", |conf| conf.secret_key.as_deref());
    let api = source.or_conf("CLEARML_API_HOST", |conf| conf.api_server.as_deref(), values::api_host);
    let project = source.required("CLEARML_PROJECT", Name::parse);
    let task_name = source.required("CLEARML_TASK_NAME", Name::parse);
    let metrics = metrics::metrics(&mut source);
    let tag = source.required("CLEARML_BEST_TAGNAME", Tag::parse);
    let no_baseline = source.required("CLEARML_NO_BASELINE", values::no_baseline);
    let promote = source.required("CLEARML_PROMOTE", values::promote);
    let keep_best = source.required("CLEARML_KEEP_BEST", values::boolean);
    let accept = source.required("CLEARML_ACCEPT", values::boolean);
    let baseline_check = source.required("CLEARML_BASELINE_CHECK", values::baseline_check);
    let code_paths = source
        .optional("CLEARML_CODE_PATHS", |text| CodePaths::parse(text).map_err(|error| error.to_string()))
        .unwrap_or_default();
    let runs = source.required("CLEARML_RUNS", values::runs);
    let wait = source.required("CLEARML_WAIT", values::duration);
    let enforce = source.required("CLEARML_ENFORCE", values::boolean);
    let comment = source.required("CLEARML_COMMENT", values::comment);
    let web = web(&mut source, api.as_ref());
    let trust = source.or_conf(
        "CLEARML_API_HOST_VERIFY_CERT",
        |conf| conf.verify_certificate.as_deref(),
        |text| Trust::read(text, environment).map_err(|problem| problem.to_string()),
    );
    let proxy = api.as_ref().and_then(|api| source.proxy(api));
    let found = found(&mut source, context);
    let in_force = source.in_force(&[
        ("CLEARML_API_HOST", api.as_ref().map(Host::to_string)),
        ("CLEARML_WEB_HOST", web.as_ref().map(Host::to_string)),
        ("COMMIT_ID", found.map(|found| found.commit.to_string())),
    ]);
    let faults = source.faults;
    let complete = || {
        Some(Settings {
            server: Server { api: api?, web, access_key: access_key?, secret_key: secret_key?, trust: trust?, proxy },
            commit: found?.commit.clone(),
            commit_source: found?.source,
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

fn web(source: &mut Source<'_>, api: Option<&Host>) -> Option<Host> {
    let given = source.text("CLEARML_WEB_HOST").or_else(|| source.conf().web_server.clone());
    match given {
        Some(text) => source.keep("CLEARML_WEB_HOST", Host::parse(&text).map_err(|problem| problem.to_string())),
        None => api.and_then(crate::clearml::links::web_host),
    }
}

fn found<'o>(source: &mut Source<'_>, context: &'o Result<CiContext, String>) -> Option<&'o FoundCommit> {
    match context.as_ref().map_err(String::clone).and_then(CiContext::commit) {
        Ok(found) => Some(found),
        Err(problem) => {
            source.fault("COMMIT_ID", &problem);
            None
        }
    }
}

/// Looks settings up and collects what is wrong with them.
struct Source<'a> {
    flags: &'a Flags,
    environment: &'a Environment,
    /// Read only when something is missing elsewhere, so that a broken file cannot stop a CI that does not need it.
    conf: Option<ClearmlConf>,
    faults: Vec<Fault>,
}

impl<'a> Source<'a> {
    const fn new(flags: &'a Flags, environment: &'a Environment) -> Self {
        Self { flags, environment, conf: None, faults: Vec::new() }
    }

    fn conf(&mut self) -> &ClearmlConf {
        if self.conf.is_none() {
            let read = clearml_conf::load(&|name| self.environment.get(name).map(str::to_owned));
            self.conf = Some(read.unwrap_or_else(|error| {
                self.faults.push(Fault {
                    subject: "clearml.conf".to_owned(),
                    problem: error.to_string(),
                    example: None,
                });
                ClearmlConf::default()
            }));
        }
        self.conf.get_or_insert_default()
    }

    /// What the caller gave for a setting: the flag, which a secret does not have, else the environment.
    fn given(&self, name: &str) -> Option<String> {
        let setting = table::find(name).filter(|setting| !setting.secret);
        let flag = setting.and_then(|setting| self.flags.get(&setting.flag()));
        flag.or_else(|| self.environment.get(name)).map(str::to_owned)
    }

    /// The text of a setting: what was given, else the default.
    fn text(&self, name: &str) -> Option<String> {
        self.given(name).or_else(|| table::find(name).and_then(|setting| setting.default).map(str::to_owned))
    }

    fn differs_from_its_default(&self, name: &str) -> bool {
        let default = table::find(name).and_then(|setting| setting.default);
        self.given(name).is_some_and(|given| default.is_none_or(|default| !given.trim().eq_ignore_ascii_case(default)))
    }

    /// The settings that are not secret and say something; `resolved` are those that may come from elsewhere.
    fn in_force(&self, resolved: &[(&str, Option<String>)]) -> Vec<(&'static str, String)> {
        let has_list = self.text("CLEARML_METRICS").is_some();
        let value = |name: &str| match resolved.iter().find(|(own, _)| *own == name) {
            Some((_, value)) => value.clone(),
            None if has_list && metrics::is_replaced_by_the_list(name) => None,
            None => self.text(name).map(|text| metrics::on_one_line(name, text)),
        };
        let open = table::SETTINGS.iter().filter(|setting| !setting.secret);
        open.filter_map(|setting| Some((setting.name, value(setting.name)?))).collect()
    }

    fn fault(&mut self, name: &str, problem: &str) {
        let example = table::find(name).map(|setting| setting.example);
        self.faults.push(Fault { subject: name.to_owned(), problem: problem.to_owned(), example });
    }

    fn keep<T>(&mut self, name: &str, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fault(name, &problem);
                None
            }
        }
    }

    fn optional<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        self.keep(name, read(&text))
    }

    fn required<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let Some(text) = self.text(name) else {
            self.fault(name, "is not set");
            return None;
        };
        self.keep(name, read(&text))
    }

    /// As the SDK does: flag and environment first, then clearml.conf, then the default.
    fn or_conf<T>(
        &mut self,
        name: &str,
        field: impl Fn(&ClearmlConf) -> Option<&str>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.given(name).or_else(|| field(self.conf()).map(str::to_owned)).or_else(|| self.text(name));
        let Some(text) = text else {
            self.missing(name, "");
            return None;
        };
        self.keep(name, read(&text))
    }

    /// Tells of a setting that clearml.conf lacks as well, and of the includes it might be in.
    fn missing(&mut self, name: &str, why: &str) {
        let include = self.conf().unread_includes.first().map_or_else(String::new, |include| {
            let file = include.file.file_name().unwrap_or_default().to_string_lossy();
            format!(" ({} has an include at line {}, which is not followed)", sanitize::name(&file), include.line)
        });
        self.fault(name, &format!("is not set{why}{include}"));
    }

    fn proxy(&mut self, server: &Host) -> Option<Proxy> {
        Proxy::find(server, self.environment).unwrap_or_else(|bad| {
            let (subject, problem) = (bad.variable.to_owned(), bad.problem.to_string());
            self.faults.push(Fault { subject, problem, example: Some("http://proxy.example.org:3128") });
            None
        })
    }

    fn secret(&mut self, name: &str, field: impl Fn(&ClearmlConf) -> Option<&str>) -> Option<Secret> {
        let text = self.given(name).or_else(|| field(self.conf()).map(str::to_owned));
        let Some(text) = text else {
            self.missing(name, " (a pull request from a fork does not get the repository's secrets: see the README)");
            return None;
        };
        let usable = Secret::new(&text).filter(|_| text.trim().chars().all(|c| c.is_ascii_graphic()));
        if usable.is_none() {
            self.fault(name, "is not a key: only visible ASCII characters are allowed");
        }
        usable
    }
}
