//! Which HTTP proxy to use for a server, from the environment variables that curl reads. Pure.
//!
//! As in curl 7.86 and later: the variable of the server's scheme counts, then `all_proxy`; lower case comes before upper
//! case; an empty variable counts as unset; `HTTP_PROXY` in upper case is ignored, because a CGI server sets it from a
//! request's `Proxy` header (httpoxy). `NO_PROXY` lists hosts, which include their subdomains, with or without a leading
//! dot, IP addresses and networks; a lone `*` means all hosts.
//!
//! Other than in curl, `NO_PROXY` also takes what other tools take: `*` in a list, `*.example.org`, a port, an IPv6 address
//! in brackets, a network of 0 bits. This machine never needs a proxy. SOCKS is not supported.
//!
//! Every request goes through a tunnel that the proxy opens (CONNECT). Of an https server the proxy sees only the name.

use std::fmt;
use std::net::IpAddr;

use ureq::ProxyProtocol;

use crate::environment::Environment;
use crate::net::url::Host;

const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY"];
/// On Windows the names of variables have no case, so that curl finds `HTTP_PROXY` there.
const HTTP: &[&str] = if cfg!(windows) { &["http_proxy", "HTTP_PROXY"] } else { &["http_proxy"] };

/// A proxy and the variable that names it.
#[derive(Clone)]
pub(crate) struct Proxy {
    proxy: ureq::Proxy,
    variable: &'static str,
}

/// A variable that does not name a usable proxy. Its value is left out, because it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadProxy {
    pub(crate) variable: &'static str,
    pub(crate) problem: ProxyProblem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyProblem {
    NotAnAddress,
    Socks,
}

impl Proxy {
    /// The proxy for a server, if it needs one.
    ///
    /// # Errors
    /// If the variable that counts does not name a usable proxy. A direct connection could be just what the proxy is there
    /// to prevent.
    pub(crate) fn find(server: &Host, environment: &Environment) -> Result<Option<Self>, BadProxy> {
        let of_scheme = if server.as_str().starts_with("https://") { HTTPS } else { HTTP };
        let mut variables = of_scheme.iter().chain(&["all_proxy", "ALL_PROXY"]);
        let Some((variable, text)) = variables.find_map(|name| Some((*name, environment.get(name)?.trim()))) else {
            return Ok(None);
        };
        let exempt = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| environment.get(name)).unwrap_or_default();
        if server.is_this_machine() || is_exempt(server, exempt) {
            return Ok(None);
        }
        let bad = |problem| BadProxy { variable, problem };
        let proxy = ureq::Proxy::new(text).map_err(|_| bad(ProxyProblem::NotAnAddress))?;
        match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(Self { proxy, variable })),
            _ => Err(bad(ProxyProblem::Socks)),
        }
    }

    pub(crate) const fn as_ureq(&self) -> &ureq::Proxy {
        &self.proxy
    }
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{} ({})", self.proxy.host(), self.proxy.port(), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether `NO_PROXY` lists a server. Commas or spaces separate the entries.
fn is_exempt(server: &Host, list: &str) -> bool {
    let (name, port) = server.name_and_port();
    let ip: Option<IpAddr> = name.parse().ok();
    list.split([',', ' ']).filter(|entry| !entry.is_empty()).any(|entry| {
        let listed = entry.trim_start_matches('[').trim_end_matches(']');
        match (ip, listed.parse::<IpAddr>(), listed.split_once('/')) {
            (Some(ip), Ok(listed), _) => ip == listed,
            (Some(ip), _, Some((network, bits))) => is_in_network(ip, network, bits),
            _ => entry == "*" || matches_name(&name, port, entry),
        }
    })
}

fn matches_name(name: &str, port: u16, entry: &str) -> bool {
    let (listed, listed_port) = match entry.rsplit_once(':').map(|(listed, digits)| (listed, digits.parse::<u16>())) {
        Some((listed, Ok(listed_port))) => (listed, Some(listed_port)),
        _ => (entry, None),
    };
    let listed = listed.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let listed = listed.strip_prefix('*').unwrap_or(&listed);
    let domain = listed.strip_prefix('.').unwrap_or(listed);
    let is_subdomain = name.strip_suffix(domain).is_some_and(|before| before.ends_with('.'));
    listed_port.is_none_or(|listed_port| listed_port == port) && !domain.is_empty() && (name == domain || is_subdomain)
}

fn is_in_network(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let left_aligned = |ip| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let differing = left_aligned(ip) ^ left_aligned(network);
    ip.is_ipv4() == network.is_ipv4() && differing.leading_zeros() >= bits.min(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let environment = variables.iter().copied().collect();
        let found = Proxy::find(&Host::parse(server).unwrap(), &environment);
        found.map(|found| found.map(|proxy| proxy.to_string())).map_err(|bad| bad.problem.to_string())
    }

    #[test]
    fn the_scheme_decides_which_variable_counts() {
        let all = [("HTTPS_PROXY", "s:1"), ("https_proxy", "s:2"), ("http_proxy", "h:3"), ("ALL_PROXY", "a:4")];
        let found = |server, from: usize| proxy(server, &all[from..]).unwrap();
        assert_eq!(found("https://x", 0).as_deref(), Some("the proxy s:2 (https_proxy)"));
        assert_eq!(found("https://x", 2).as_deref(), Some("the proxy a:4 (ALL_PROXY)"));
        assert_eq!(found("http://x", 0).as_deref(), Some("the proxy h:3 (http_proxy)"));
        assert_eq!(found("http://x", 3).as_deref(), Some("the proxy a:4 (ALL_PROXY)"));
        assert_eq!(proxy("https://x", &[("http_proxy", "h:3")]).unwrap(), None);
        let empty = proxy("https://x", &[("https_proxy", ""), ("HTTPS_PROXY", "s:1")]).unwrap();
        assert_eq!(empty.as_deref(), Some("the proxy s:1 (HTTPS_PROXY)"));
    }

    #[test]
    #[cfg(not(windows))]
    fn ignores_http_proxy_in_upper_case() {
        assert_eq!(proxy("http://x", &[("HTTP_PROXY", "h:3")]).unwrap(), None);
        let other = proxy("http://x", &[("HTTP_PROXY", "h:3"), ("all_proxy", "a:4")]).unwrap();
        assert_eq!(other.as_deref(), Some("the proxy a:4 (all_proxy)"));
    }

    #[test]
    fn lower_case_no_proxy_comes_before_upper_case() {
        let with = |lower, upper| {
            proxy("https://x.org", &[("https_proxy", "s:1"), ("no_proxy", lower), ("NO_PROXY", upper)]).unwrap()
        };
        assert!(with("a", "x.org").is_some());
        assert!(with("x.org", "a").is_none());
        assert!(with("", "x.org").is_none());
    }

    #[test]
    fn this_machine_never_needs_a_proxy() {
        for here in ["http://localhost:8008", "http://127.0.0.1:8008", "https://[::1]:8008", "http://LOCALHOST."] {
            assert_eq!(proxy(here, &[("ALL_PROXY", "http://p:1")]).unwrap(), None, "{here}");
        }
    }

    #[test]
    fn rejects_an_unusable_proxy_without_repeating_its_value() {
        for bad in ["http://", "a b", "ftp://user:hunter2@p", "socks5://user:hunter2@p:1080", "http://user:%ff@p"] {
            let problem = proxy("https://x", &[("HTTPS_PROXY", bad)]).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let shown = proxy("https://x", &[("HTTPS_PROXY", "http://user:hunter2@p:3128")]).unwrap();
        assert_eq!(shown.as_deref(), Some("the proxy p:3128 (HTTPS_PROXY)"));
    }

    #[test]
    fn no_proxy_matches_what_curl_matches_and_more() {
        let exempt = |server: &str, list| is_exempt(&Host::parse(server).unwrap(), list);
        for list in
            ["*", "a,*", "api.x.org", "API.X.ORG", "x.org", ".x.org", "*.x.org", "a, x.org", "a x.org", "x.org:443"]
        {
            assert!(exempt("https://api.x.org", list), "{list}");
        }
        for list in ["", ",", ".", "pi.x.org", "ax.org", "org.", "x.org:8443", "10.0.0.0/8", "x.org.evil", "a*"] {
            assert_eq!(exempt("https://api.x.org", list), list == "org.", "{list}");
        }
        for list in ["10.1.2.3", "10.0.0.0/8", "10.1.2.3/32", "10.1.2.3:8008", "0.0.0.0/0"] {
            assert!(exempt("http://10.1.2.3:8008", list), "{list}");
        }
        for list in ["10.1.2.4", "10.1.2.0/33", "10.1.2.3:1", "0.1.2.3", "::/0", "10.1.2.3/x", "11.0.0.0/8"] {
            assert!(!exempt("http://10.1.2.3:8008", list), "{list}");
        }
        for list in ["fd00::2", "[fd00::2]", "fd00::/8", "[fd00::2]:8008"] {
            assert!(exempt("http://[fd00::2]:8008", list), "{list}");
        }
        assert!(!exempt("http://[fd00::2]:8008", "fd00::3"));
    }
}
