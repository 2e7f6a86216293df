//! The address of a server. Pure.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;

/// The base address of a server: scheme, host, port and an optional path, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host(String);

/// Why a text is not the address of a server. It does not hold the text, which may contain credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHost {
    NotAnAddress,
    NoHost,
    Credentials,
    NotHttp,
    BadPort,
    /// It has a query or a fragment.
    NotABase,
    BadCharacter,
}

impl Host {
    /// Reads an address. Without a scheme it is https.
    pub(crate) fn parse(text: &str) -> Result<Self, BadHost> {
        let text = text.trim();
        let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let address = address.trim_end_matches('/').to_owned();
        let uri = Uri::from_str(&address).map_err(|_| BadHost::NotAnAddress)?;
        let authority = uri.authority().ok_or(BadHost::NoHost)?;
        if authority.as_str().contains('@') {
            return Err(BadHost::Credentials);
        }
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(BadHost::NotHttp);
        }
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !port.is_empty() && authority.port_u16().is_none() {
            return Err(BadHost::BadPort);
        }
        if authority.host().is_empty() || uri.query().is_some() || address.contains('#') {
            return Err(BadHost::NotABase);
        }
        if !address.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadHost::BadCharacter);
        }
        Ok(Self(address))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case, or the IP address without brackets; and the port.
    pub(crate) fn name_and_port(&self) -> (String, u16) {
        let uri = Uri::from_str(&self.0).ok();
        let name = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let name = name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let default = if self.0.starts_with("https://") { 443 } else { 80 };
        (name, uri.as_ref().and_then(Uri::port_u16).unwrap_or(default))
    }

    /// Whether it is the machine that this tool runs on.
    pub(crate) fn is_this_machine(&self) -> bool {
        let (name, _) = self.name_and_port();
        name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Whether requests to it cross the network unencrypted.
    pub(crate) fn is_remote_plain_http(&self) -> bool {
        self.0.starts_with("http://") && !self.is_this_machine()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_a_host_with_and_without_a_scheme() {
        assert_eq!(Host::parse("api.clear.ml").unwrap().to_string(), "https://api.clear.ml");
        assert_eq!(Host::parse(" http://localhost:8008/ ").unwrap().as_str(), "http://localhost:8008");
        assert_eq!(Host::parse("https://x.org/clearml/api/").unwrap().as_str(), "https://x.org/clearml/api");
        assert_eq!(Host::parse("http://[::1]:8008").unwrap().as_str(), "http://[::1]:8008");
    }

    #[test]
    fn rejects_an_invalid_host_without_repeating_credentials() {
        for bad in [
            "",
            "   ",
            "ftp://x",
            "https://",
            "https://user:pw@x",
            "https://x?y=1",
            "https://x/#a",
            "a b",
            "http://x:port",
            "https://x/\u{93}",
            "https://x/é",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad:?}");
        }
        let error = Host::parse("https://user:hunter2@x").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn recognizes_this_machine() {
        let host = |text: &str| Host::parse(text).unwrap();
        for here in
            ["http://localhost:8008", "LOCALHOST.", "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:8008"]
        {
            assert!(host(here).is_this_machine() && !host(here).is_remote_plain_http(), "{here}");
        }
        for elsewhere in
            ["http://localhost.example.org", "http://10.0.0.1", "http://[::2]", "http://127.0.0.1.example.org"]
        {
            assert!(!host(elsewhere).is_this_machine() && host(elsewhere).is_remote_plain_http(), "{elsewhere}");
        }
        assert!(!host("https://10.0.0.1").is_remote_plain_http());
    }

    #[test]
    fn adds_the_default_port() {
        let name_and_port = |text: &str| Host::parse(text).unwrap().name_and_port();
        assert_eq!(name_and_port("https://API.example.org./path"), ("api.example.org".to_owned(), 443));
        assert_eq!(name_and_port("http://[2001:DB8::1]"), ("2001:db8::1".to_owned(), 80));
        assert_eq!(name_and_port("http://x:8008"), ("x".to_owned(), 8008));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = Host::parse(&text).map(|host| (host.name_and_port(), host.is_remote_plain_http()));
        }
    }
}
