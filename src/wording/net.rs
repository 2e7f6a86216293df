//! Wording: why a connection failed: TLS, proxies, addresses.

use std::fmt::{self, Formatter};

use crate::net::http::{ConnectionProblem, Failure, Unexpected, Unreachable};
use crate::net::proxy::{BadProxy, ProxyProblem};
use crate::net::retry::GaveUp;
use crate::net::tls::{BadCaFile, TlsProblem};
use crate::net::url::BadHost;
use crate::text::timestamp;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("the host name could not be resolved"),
            Self::Unreachable(problem) => problem.fmt(f),
            Self::Untrusted(problem) => problem.fmt(f),
            Self::Unexpected(problem) => problem.fmt(f),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)?;
        if let Some(proxy) = &self.proxy {
            write!(f, ", through {proxy}")?;
        }
        match self.gave_up {
            Some(GaveUp::After(time)) => write!(f, "; gave up after {} s of retries", time.as_secs()),
            Some(GaveUp::LongPause(pause)) => {
                write!(f, "; it asks to wait {} s, longer than this tool waits", pause.as_secs())
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for ConnectionProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnectedWithin(time) => write!(f, "no connection within {} s", time.as_secs()),
            Self::NoResponseWithin(time) => write!(f, "no complete response within {} s", time.as_secs()),
            Self::TotalTime(time) => write!(f, "gave up after {} s in total", time.as_secs()),
            Self::NotConnected => f.write_str("no connection could be made"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Interrupted => f.write_str("the connection was interrupted"),
            Self::Failed(kind) => write!(f, "the connection failed ({kind})"),
            Self::Status(status) => write!(f, "it responded with HTTP status {status}"),
            Self::UnknownProxyHost => f.write_str("the proxy's host name could not be resolved"),
            Self::BadProxyAddress => f.write_str("the proxy's address is invalid"),
            Self::ProxyCredentials => f.write_str(
                "wrong or missing credentials for the proxy (status 407); put them in its address, as in \
                 http://user:password@host:port",
            ),
            Self::ProxyRefused(status) => {
                write!(f, "the proxy refused to connect to the server (status {status}; see NO_PROXY)")
            }
            Self::NotAProxy => f.write_str("the proxy sent an invalid response"),
        }
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(status) => write!(
                f,
                "it sent a redirect ({status}), which is not followed because it could lead to any other server"
            ),
            Self::LargerThan(bytes) => write!(f, "its response is larger than {} MiB", bytes >> 20),
            Self::NotHttp => f.write_str("its response is not HTTP"),
            Self::NotSent => f.write_str("the request could not be sent"),
        }
    }
}

impl TlsProblem {
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Expired(_) => "Renew the server's certificate, and check this machine's clock.",
            Self::NotYetValid(_) => "Check this machine's clock.",
            Self::WrongName(_) => {
                "Set CLEARML_API_HOST to a name in the certificate, or get a certificate for this name."
            }
            Self::UnknownAuthority => {
                "For a private certificate authority, set CLEARML_API_HOST_VERIFY_CERT to its PEM file or add it to the \
                 system's certificate store. The server must also send its intermediate certificates."
            }
            Self::AuthorityCertificate => {
                "Create a certificate for the server. A self-signed certificate works if CLEARML_API_HOST_VERIFY_CERT names \
                 its file and it is not a CA certificate (openssl req -x509 needs -addext \
                 basicConstraints=critical,CA:FALSE)."
            }
            Self::OldProtocol => "The server must support TLS 1.2 or 1.3.",
            Self::NotTls => {
                "Check that the server uses https on this port; for plain http, start the address with http://."
            }
            Self::EmptyStore => {
                "Set SSL_CERT_FILE to a PEM file or SSL_CERT_DIR to a folder of PEM files, or unset both."
            }
            Self::Other(_) => {
                "Check that the server uses https; for a private certificate authority, set CLEARML_API_HOST_VERIFY_CERT to \
                 its PEM file."
            }
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let with_date = |f: &mut Formatter<'_>, problem: &str, seconds: &Option<u64>| match seconds {
            Some(seconds) => write!(f, "{problem} ({})", timestamp::format(seconds.saturating_mul(1_000_000))),
            None => f.write_str(problem),
        };
        match self {
            Self::Expired(seconds) => with_date(f, "its certificate has expired", seconds),
            Self::NotYetValid(seconds) => with_date(f, "its certificate is not valid yet", seconds),
            Self::WrongName(names) if names.is_empty() => f.write_str("its certificate is for another name"),
            Self::WrongName(names) => write!(f, "its certificate is for another name: {}", names.join(", ")),
            Self::UnknownAuthority => {
                f.write_str("its certificate is self-signed, or comes from an authority that is not trusted here")
            }
            Self::AuthorityCertificate => {
                f.write_str("its certificate is that of an authority, which a server cannot use for itself")
            }
            Self::OldProtocol => f.write_str("it supports no secure version of TLS, or no secure cipher"),
            Self::NotTls => f.write_str("its response is not TLS"),
            Self::EmptyStore => {
                f.write_str("SSL_CERT_FILE or SSL_CERT_DIR is set, but no certificate could be read from it")
            }
            Self::Other(problem) => f.write_str(problem),
        }
    }
}

/// Completes "SETTING …".
impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAddress => "is not an address",
            Self::NoHost => "has no host name",
            Self::Credentials => "contains credentials; put them in CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY",
            Self::NotHttp => "starts with neither http:// nor https://",
            Self::BadPort => "has an invalid port",
            Self::NotABase => "must be the address of a server, without ? and #",
            Self::BadCharacter => "contains a character that is not allowed in an address; in a path, write it as %XX",
        })
    }
}

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.problem)
    }
}

/// Completes "VARIABLE …".
impl fmt::Display for ProxyProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnAddress => "is not the address of a proxy",
            Self::Socks => "is a SOCKS proxy, which is not supported; to connect directly, list the host in NO_PROXY",
        })
    }
}

impl fmt::Display for BadCaFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "cannot read the CA file {path:?}: {error}"),
            Self::NoCertificate(path) => write!(f, "the CA file {path:?} contains no PEM certificate"),
        }
    }
}
