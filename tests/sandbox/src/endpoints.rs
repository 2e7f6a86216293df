//! The table of endpoints: name, versions, and the function that answers.

use serde_json::Value;

use crate::api::Call;
use crate::auth;
use crate::error::{ApiError, Result};
use crate::version::Version;
use crate::{
    console, events, hyperparams, models, organization, projects, scalars, server_info, session, task_clone,
    task_removal, task_reset, task_runs, tasks,
};

/// One endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    /// The versions it was revised in, newest first. The answer shows the newest that is not above the requested one.
    versions: &'static [Version],
    /// The API version of the first server that has it.
    since_server: Version,
    pub(crate) needs_auth: bool,
    pub(crate) takes_batch: bool,
    pub(crate) run: fn(&mut Call<'_>) -> Result<Value>,
}

const ALWAYS: &[Version] = &[Version(1, 0)];

const fn at(name: &'static str, run: fn(&mut Call<'_>) -> Result<Value>) -> Endpoint {
    Endpoint { name, versions: ALWAYS, since_server: Version(0, 0), needs_auth: true, takes_batch: false, run }
}

const fn since(name: &'static str, versions: &'static [Version], run: fn(&mut Call<'_>) -> Result<Value>) -> Endpoint {
    Endpoint { name, versions, since_server: Version(0, 0), needs_auth: true, takes_batch: false, run }
}

/// An endpoint that servers before this API version do not have.
const fn new_in(since_server: Version, endpoint: Endpoint) -> Endpoint {
    Endpoint { since_server, ..endpoint }
}

const fn open(endpoint: Endpoint) -> Endpoint {
    Endpoint { needs_auth: false, ..endpoint }
}

const ENDPOINTS: &[Endpoint] = &[
    at("auth.login", auth::login),
    open(at("auth.fixed_users_mode", session::fixed_users_mode)),
    open(at("login.supported_modes", session::supported_modes)),
    at("users.get_current_user", session::current_user),
    open(at("debug.ping", server_info::ping)),
    since("server.info", &[Version(2, 12), Version(2, 8), Version(1, 0)], server_info::info),
    at("server.config", forbidden),
    at("server.endpoints", forbidden),
    at("projects.get_all", projects::get_all),
    at("projects.get_all_ex", projects::get_all_ex),
    at("projects.get_by_id", projects::get_by_id),
    at("projects.create", projects::create),
    at("projects.update", projects::update),
    at("models.get_all", models::get_all),
    at("models.get_all_ex", models::get_all_ex),
    at("models.create", models::create),
    at("models.edit", models::edit),
    new_in(Version(2, 27), at("models.update_tags", models::update_tags)),
    new_in(Version(2, 13), at("models.publish_many", models::publish_many)),
    at("models.set_ready", models::set_ready),
    since("models.add_or_update_metadata", &[Version(2, 13)], models::add_or_update_metadata),
    since("tasks.add_or_update_model", &[Version(2, 13)], models::link),
    at("tasks.get_all", tasks::get_all),
    at("tasks.get_all_ex", tasks::get_all_ex),
    at("tasks.get_by_id", tasks::get_by_id),
    new_in(Version(2, 27), at("tasks.update_tags", tasks::update_tags)),
    at("tasks.update", tasks::update),
    at("tasks.edit", tasks::edit),
    at("tasks.create", tasks::create),
    since("tasks.set_requirements", &[Version(2, 1)], tasks::set_requirements),
    since("tasks.make_public", &[Version(2, 9)], tasks::make_public),
    at("tasks.started", task_runs::started),
    at("tasks.stopped", task_runs::stopped),
    since("tasks.completed", &[Version(2, 2)], task_runs::completed),
    at("tasks.failed", task_runs::failed),
    at("tasks.close", task_runs::close),
    at("tasks.publish", task_runs::publish),
    at("tasks.ping", task_runs::ping),
    new_in(Version(2, 13), at("tasks.publish_many", task_runs::publish_many)),
    at("tasks.enqueue", task_runs::enqueue),
    at("tasks.dequeue", task_runs::dequeue),
    at("queues.get_next_task", task_runs::get_next_task),
    since("workers.status_report", &[Version(2, 4)], task_runs::status_report),
    at("tasks.reset", task_reset::reset),
    new_in(Version(2, 13), at("tasks.reset_many", task_reset::reset_many)),
    at("tasks.clone", task_clone::clone),
    at("tasks.archive", task_removal::archive),
    new_in(Version(2, 13), at("tasks.archive_many", task_removal::archive_many)),
    new_in(Version(2, 13), at("tasks.unarchive_many", task_removal::unarchive_many)),
    at("tasks.delete", task_removal::delete),
    new_in(Version(2, 9), at("tasks.edit_hyper_params", hyperparams::edit_hyper_params)),
    new_in(Version(2, 9), at("tasks.delete_hyper_params", hyperparams::delete_hyper_params)),
    new_in(Version(2, 9), at("tasks.get_hyper_params", hyperparams::get_hyper_params)),
    new_in(Version(2, 9), at("tasks.edit_configuration", hyperparams::edit_configuration)),
    new_in(Version(2, 9), at("tasks.get_configurations", hyperparams::get_configurations)),
    new_in(Version(2, 9), at("tasks.get_configuration_names", hyperparams::get_configuration_names)),
    new_in(Version(2, 20), at("organization.get_entities_count", organization::get_entities_count)),
    since("events.get_task_log", &[Version(2, 9), Version(1, 0)], console::get_task_log),
    Endpoint { takes_batch: true, ..at("events.add_batch", events::add_batch) },
    at("events.add", events::add),
    at("events.scalar_metrics_iter_histogram", scalars::histogram),
    at("events.multi_task_scalar_metrics_iter_histogram", scalars::multi_task_histogram),
    at("events.get_scalar_metric_data", scalars::metric_data),
    since("events.scalar_metrics_iter_raw", &[Version(2, 16)], scalars::raw),
];

/// The endpoint and its revision for a client of this version.
pub(crate) fn find(name: &str, requested: Version, server: Version) -> Option<(&'static Endpoint, Version)> {
    let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == name && endpoint.since_server <= server)?;
    let version = endpoint.versions.iter().find(|version| **version <= requested)?;
    Some((endpoint, *version))
}

/// For administrators only. The test pair belongs to an ordinary user.
fn forbidden(_: &mut Call<'_>) -> Result<Value> {
    let message = "Forbidden (not allowed for role): role=user, allowed=(root, system)";
    Err(ApiError::new(403, 20, message))
}
