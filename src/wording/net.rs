//! Wording: why a connection failed: TLS, proxies, addresses.
