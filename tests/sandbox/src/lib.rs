//! A stateful, in-memory ClearML API server on loopback, for tests and the demo of `clearml-gate`.
//!
//! Tests seed tasks, run the real binary against [`Sandbox::url`], and assert on the state afterward. Replayed requests
//! (`tests/replay`) and the real SDK (`tests/sdk`) check that it acts like the real server.
//!
//! [`GitHub`] implements the part of GitHub's REST API that pull-request comments need, only by its documentation.
//!
//! Code map, from the network inward:
//!
//! - `sandbox`: the handle; `seed`: tasks to start with; `story`: what happens to them later; `fault`, `log`: what
//!   tests break and inspect; `door`: the order in which clients get in
//! - `listener`, `http`, `wire`: connections, requests, answers with faults applied
//! - `server`: the steps of each request; `strict`: requests that no client should send
//! - `api`, `endpoints`: path, version, envelope, table of endpoints; `auth`, `jwt`: credentials; `error`
//! - `tasks`, `task_runs`, `task_reset`, `task_clone`, `task_removal`, `hyperparams`: the service of tasks
//! - `events`, `scalars`, `console`: what runs report
//! - `projects`, `models`, `organization`, `session`, `server_info`: the other services
//! - `listing`, `query`, `tags`, `pattern`, `order`, `projection`, `schema`: how `get_all` selects and shows
//! - `workspace`, `metrics`: the state; `json`, `time`, `version`: small helpers
//! - `github`: the other server, on the same `listener`, `http`, `wire`, `fault` and `log`; it has its own code map

#![forbid(unsafe_code)]

mod api;
mod auth;
mod console;
mod door;
mod endpoints;
mod error;
mod events;
mod fault;
mod github;
mod http;
mod hyperparams;
mod json;
mod jwt;
mod listener;
mod listing;
mod log;
mod metrics;
mod models;
mod order;
mod organization;
mod pattern;
mod projection;
mod projects;
mod query;
mod sandbox;
mod scalars;
mod schema;
mod seed;
mod server;
mod server_info;
mod session;
mod story;
mod strict;
mod tags;
mod task_clone;
mod task_removal;
mod task_reset;
mod task_runs;
mod tasks;
mod time;
mod version;
mod wire;
mod workspace;

pub use door::Door;
pub use fault::{At, Effect};
pub use github::{Access, Account, Comment, GitHub, GitHubBuilder, Permissions, PullSeed, Repository};
pub use log::Request;
pub use sandbox::{Builder, Sandbox};
pub use seed::TaskSeed;
pub use workspace::Workspace;
