//! Everything between this tool and a server: HTTP, TLS, proxies, names, retries.

pub(crate) mod http;
pub(crate) mod limits;
pub(crate) mod proxy;
mod resolver;
pub(crate) mod retry;
pub(crate) mod secret;
pub(crate) mod tls;
pub(crate) mod url;
