//! Settings: flags over environment over clearml.conf over defaults, with every fault found at once.

pub(crate) mod table;
mod values;

use std::fmt;
use std::path::Path;

use crate::ci;
use crate::clearml_conf::{self, ClearmlConf};
use crate::cli::Flags;
use crate::commit::Commit;
use crate::environment::Environment;
use crate::judge::{Criteria, Tolerance};
use crate::secret::Secret;
use crate::trust::Trust;
pub(crate) use values::{Host, Name, NoBaseline, Pick, Promote, Tag};

/// Everything the gate has to know before it asks ClearML anything.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where ClearML is and who asks.
    pub(crate) server: Server,
    /// The commit to judge.
    pub(crate) commit: Commit,
    /// The project that holds the runs.
    pub(crate) project: Name,
    /// The exact name of the runs.
    pub(crate) task_name: Name,
    /// The tag of the best run.
    pub(crate) tag: Tag,
    /// What is compared, and how.
    pub(crate) metric: Metric,
    /// What to do while no task carries the tag.
    pub(crate) no_baseline: NoBaseline,
    /// When the tag moves.
    pub(crate) promote: Promote,
    /// Whether a tolerated candidate leaves the tag where it is.
    pub(crate) keep_best: bool,
}

/// Where ClearML is and who asks.
#[derive(Debug)]
pub(crate) struct Server {
    /// The API server.
    pub(crate) api: Host,
    /// The web app, for links; `None` when it cannot be derived from the API host.
    pub(crate) web: Option<Host>,
    /// Access key of the credential.
    pub(crate) access_key: Secret,
    /// Secret key of the credential.
    pub(crate) secret_key: Secret,
    /// Whose certificates are believed.
    pub(crate) trust: Trust,
}

/// A scalar and how its values are compared.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    /// The scalar's title.
    pub(crate) title: Name,
    /// The scalar's series.
    pub(crate) series: Name,
    /// Which value of a run counts.
    pub(crate) pick: Pick,
    /// Direction, tolerance and target.
    pub(crate) criteria: Criteria,
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
pub(crate) fn resolve(flags: &Flags, environment: &Environment, directory: &Path) -> Result<Settings, Vec<Fault>> {
    let mut source = Source::new(flags, environment);
    let access_key = source.secret("CLEARML_API_ACCESS_KEY", |conf| conf.access_key.as_deref());
    let secret_key = source.secret("CLEARML_API_SECRET_KEY", |conf| conf.secret_key.as_deref());
    let api = source.or_conf("CLEARML_API_HOST", |conf| conf.api_server.as_deref(), values::api_host);
    let project = source.required("CLEARML_PROJECT", Name::parse);
    let task_name = source.required("CLEARML_TASK_NAME", Name::parse);
    let metric = metric(&mut source);
    let tag = source.required("CLEARML_BEST_TAGNAME", Tag::parse);
    let no_baseline = source.required("CLEARML_NO_BASELINE", values::no_baseline);
    let promote = source.required("CLEARML_PROMOTE", values::promote);
    let keep_best = source.required("CLEARML_KEEP_BEST", values::boolean);
    let web = web(&mut source, api.as_ref());
    let trust = source.or_conf("CLEARML_API_HOST_VERIFY_CERT", |conf| conf.verify_certificate.as_deref(), Trust::read);
    let commit = commit(&mut source, directory);
    let faults = source.faults;
    let complete = || {
        Some(Settings {
            server: Server { api: api?, web, access_key: access_key?, secret_key: secret_key?, trust: trust? },
            commit: commit?,
            project: project?,
            task_name: task_name?,
            tag: tag?,
            metric: metric?,
            no_baseline: no_baseline?,
            promote: promote?,
            keep_best: keep_best?,
        })
    };
    if faults.is_empty() { complete().ok_or(faults) } else { Err(faults) }
}

fn metric(source: &mut Source<'_>) -> Option<Metric> {
    let title = source.required("CLEARML_SCALAR_TITLE", Name::parse);
    let series = source.required("CLEARML_SCALAR_SERIES", Name::parse);
    let direction = source.required("CLEARML_SCALAR_MIN_MAX", values::direction);
    let tolerance = tolerance(source);
    let target = source.optional("CLEARML_SCALAR_TARGET", values::target);
    let pick = source.required("CLEARML_SCALAR_VALUE", values::pick);
    Some(Metric {
        title: title?,
        series: series?,
        pick: pick?,
        criteria: Criteria { direction: direction?, tolerance: tolerance?, target },
    })
}

/// A threshold of 0 is the action's default and so says nothing beside a margin; any other contradicts it.
fn tolerance(source: &mut Source<'_>) -> Option<Tolerance> {
    let threshold = source.required("CLEARML_SCALAR_THRESHOLD", values::threshold);
    if source.text("CLEARML_SCALAR_MARGIN").is_none() {
        return threshold;
    }
    let margin = source.required("CLEARML_SCALAR_MARGIN", values::margin);
    if threshold.is_some() && threshold != Tolerance::percent(0.0) {
        source.fault(
            "CLEARML_SCALAR_MARGIN",
            "is given beside CLEARML_SCALAR_THRESHOLD; the loss allowed is one or the other",
        );
    }
    margin
}

fn web(source: &mut Source<'_>, api: Option<&Host>) -> Option<Host> {
    let given = source.text("CLEARML_WEB_HOST").or_else(|| source.conf().web_server.clone());
    match given {
        Some(text) => source.keep("CLEARML_WEB_HOST", Host::parse(&text)),
        None => api.and_then(crate::links::web_host),
    }
}

fn commit(source: &mut Source<'_>, directory: &Path) -> Option<Commit> {
    let given = source.flags.get("commit-id").map(str::to_owned);
    match ci::commit(given.as_deref(), source.environment, directory) {
        Ok(commit) => Some(commit),
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
            format!(" (clearml.conf has an include at line {}, which is not followed)", include.line)
        });
        self.fault(name, &format!("is not set{why}{include}"));
    }

    fn secret(&mut self, name: &str, field: impl Fn(&ClearmlConf) -> Option<&str>) -> Option<Secret> {
        let text = self.given(name).or_else(|| field(self.conf()).map(str::to_owned));
        let Some(text) = text else {
            self.missing(name, " (a pull request from a fork does not get the repository's secrets)");
            return None;
        };
        let usable = Secret::new(&text).filter(|_| text.trim().chars().all(|c| c.is_ascii_graphic()));
        if usable.is_none() {
            self.fault(name, "is not a key: only visible ASCII characters are allowed");
        }
        usable
    }
}
