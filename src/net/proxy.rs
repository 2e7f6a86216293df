//! Which HTTP proxy stands between this tool and a server, by the variables that curl and the SDK read. Pure.
//!
//! What is sent goes through a tunnel that the proxy opens (CONNECT), so that of an https server it sees the name alone.

use std::fmt;
use std::net::IpAddr;

use ureq::ProxyProtocol;

use crate::environment::Environment;
use crate::net::url::Host;

/// A proxy and the variable that names it.
#[derive(Clone)]
pub(crate) struct Proxy {
    proxy: ureq::Proxy,
    variable: &'static str,
}

/// What is wrong with a variable, without its value, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadProxy {
    /// The variable.
    pub(crate) variable: &'static str,
    /// What is wrong with it.
    pub(crate) problem: &'static str,
}

impl Proxy {
    /// The proxy to a server; none to this machine itself and to what `NO_PROXY` lists.
    ///
    /// # Errors
    /// The variable that counts and names no proxy this tool can use. Going there without one could be what the proxy
    /// is to prevent.
    pub(crate) fn to(server: &Host, environment: &Environment) -> Result<Option<Self>, BadProxy> {
        let of_scheme = if server.as_str().starts_with("https://") {
            ["https_proxy", "HTTPS_PROXY"]
        } else {
            ["http_proxy", "HTTP_PROXY"]
        };
        let mut variables = of_scheme.into_iter().chain(["all_proxy", "ALL_PROXY"]);
        let given = variables.find_map(|variable| Some((variable, environment.get(variable)?.trim())));
        let Some((variable, text)) = given.filter(|_| !server.is_this_machine()) else { return Ok(None) };
        let exempt = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| environment.get(name)).unwrap_or_default();
        if is_exempt(server, exempt) {
            return Ok(None);
        }
        let bad = |problem| BadProxy { variable, problem };
        let proxy = ureq::Proxy::new(text).map_err(|_| bad("is not the address of a proxy"))?;
        match proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(Self { proxy, variable })),
            _ => Err(bad("is a SOCKS proxy, which this tool does not speak; list the host in NO_PROXY to go without")),
        }
    }

    /// For the one who connects.
    pub(crate) const fn as_ureq(&self) -> &ureq::Proxy {
        &self.proxy
    }
}

/// Where it is and who says so, without user and password.
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

/// Whether `NO_PROXY` lists a server: hosts, which stand for what is below them as well, addresses and networks, all
/// separated by commas or spaces, a host also with a port; `*` for everything.
fn is_exempt(server: &Host, list: &str) -> bool {
    let (name, port) = server.name_and_port();
    let ip: Option<IpAddr> = name.parse().ok();
    list.split([',', ' ']).filter(|entry| !entry.is_empty()).any(|entry| {
        let whole = entry.trim_start_matches('[').trim_end_matches(']');
        match (ip, whole.parse::<IpAddr>(), whole.split_once('/')) {
            (Some(ip), Ok(listed), _) => ip == listed,
            (Some(ip), _, Some((network, bits))) => is_in(ip, network, bits),
            _ => is_named(&name, port, entry),
        }
    })
}

fn is_named(name: &str, port: u16, entry: &str) -> bool {
    let (listed, its_port) = match entry.rsplit_once(':') {
        Some((listed, digits)) => match digits.parse::<u16>() {
            Ok(its_port) => (listed, Some(its_port)),
            Err(_) => (entry, None),
        },
        None => (entry, None),
    };
    let listed = listed.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    let listed = listed.strip_prefix('*').unwrap_or(&listed);
    // `*` alone is everything; below `example.org` is `.example.org`, whether or not it was written with its dot.
    let bare = listed.strip_prefix('.').unwrap_or(listed);
    let below = || name.strip_suffix(bare).is_some_and(|before| before.ends_with('.'));
    its_port.is_none_or(|its_port| its_port == port) && (entry == "*" || !bare.is_empty() && (name == bare || below()))
}

fn is_in(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    // From the left, so that both kinds of addresses are compared alike.
    let aligned = |ip| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let differ = aligned(ip) ^ aligned(network);
    ip.is_ipv4() == network.is_ipv4() && differ.leading_zeros() >= bits.min(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let environment = variables.iter().copied().collect();
        let found = Proxy::to(&Host::parse(server).unwrap(), &environment);
        found.map(|found| found.map(|proxy| proxy.to_string())).map_err(|bad| bad.problem.to_owned())
    }

    #[test]
    fn the_scheme_decides_which_variable_counts() {
        let all = [("HTTPS_PROXY", "s:1"), ("https_proxy", "s:2"), ("HTTP_PROXY", "h:3"), ("ALL_PROXY", "a:4")];
        let of = |server, from: usize| proxy(server, &all[from..]).unwrap();
        assert_eq!(of("https://x", 0).as_deref(), Some("the proxy s:2 (https_proxy)"));
        assert_eq!(of("https://x", 2).as_deref(), Some("the proxy a:4 (ALL_PROXY)"));
        assert_eq!(of("http://x", 0).as_deref(), Some("the proxy h:3 (HTTP_PROXY)"));
        assert_eq!(proxy("https://x", &[("HTTP_PROXY", "h:3")]).unwrap(), None);
    }

    #[test]
    fn a_proxy_is_never_asked_for_what_is_on_this_machine() {
        for here in ["http://localhost:8008", "http://127.0.0.1:8008", "https://[::1]:8008", "http://LOCALHOST."] {
            assert_eq!(proxy(here, &[("ALL_PROXY", "http://p:1")]).unwrap(), None, "{here}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_told_without_its_value() {
        for bad in ["http://", "a b", "ftp://user:hunter2@p", "socks5://user:hunter2@p:1080", "http://user:%ff@p"] {
            let problem = proxy("https://x", &[("HTTPS_PROXY", bad)]).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let shown = proxy("https://x", &[("HTTPS_PROXY", "http://user:hunter2@p:3128")]).unwrap();
        assert_eq!(shown.as_deref(), Some("the proxy p:3128 (HTTPS_PROXY)"));
    }

    #[test]
    fn no_proxy_is_read_as_curl_reads_it() {
        let exempt = |server: &str, list| is_exempt(&Host::parse(server).unwrap(), list);
        for list in ["*", "api.x.org", "API.X.ORG", "x.org", ".x.org", "*.x.org", "a, x.org", "a x.org", "x.org:443"] {
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
