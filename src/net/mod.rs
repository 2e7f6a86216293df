//! The way out: one HTTP client, whom it trusts, and how it gets there.

pub(crate) mod distrust;
pub(crate) mod http;
pub(crate) mod limits;
pub(crate) mod proxy;
pub(crate) mod resolver;
pub(crate) mod secret;
pub(crate) mod tls;
pub(crate) mod trust;
pub(crate) mod url;
