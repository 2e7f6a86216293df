//! A stateful, in-memory ClearML API server on loopback, for tests and the demo of `clearml-gate`.
//!
//! Tests seed tasks, run the real binary against [`Sandbox::url`], and assert on the state afterwards. It is held to
//! the real server by replaying recorded requests (`tests/replay`) and by the real SDK (`tests/sdk`).
//!
//! Code map, from the wire inwards:
//!
//! - `sandbox`: the handle; `seed`: tasks to start from; `fault`, `log`: what tests break and look at
//! - `server`, `http`: connections, requests, faults applied; `strict`: requests nobody should send
//! - `api`, `endpoints`: path, version, envelope, table of endpoints; `auth`, `jwt`: credentials; `error`
//! - `projects`, `tasks`, `task_runs`, `events`, `scalars`, `session`, `server_info`: the services
//! - `listing`, `query`, `tags`, `pattern`, `order`, `projection`, `schema`: how `get_all` selects and shows
//! - `workspace`, `metrics`: the state; `json`, `time`, `version`: small helpers

mod api;
mod auth;
mod endpoints;
mod error;
mod events;
mod fault;
mod http;
mod json;
mod jwt;
mod listing;
mod log;
mod metrics;
mod order;
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
mod strict;
mod tags;
mod task_runs;
mod tasks;
mod time;
mod version;
mod workspace;

pub use fault::{At, Effect};
pub use log::Request;
pub use sandbox::{Builder, Sandbox};
pub use seed::TaskSeed;
pub use workspace::Workspace;
