//! Why an encrypted connection is not trusted, in words for the person who has to mend it. Pure.

use std::fmt;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use crate::text::timestamp;

/// Why an encrypted connection is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsProblem {
    /// The certificate's time is over; since when, where that is known.
    Expired(Option<u64>),
    /// Its time has not come.
    NotYet(Option<u64>),
    /// It is of other hosts.
    OtherName(Vec<String>),
    /// Nobody who is trusted vouches for it.
    UnknownAuthority,
    /// It is an authority's own, which no server may use.
    OfAuthority,
    /// The server knows no version of TLS that is still safe.
    OldProtocol,
    /// What came back is not TLS.
    NotTls,
    /// The variables name a store in which no certificate can be read.
    EmptyStore,
    /// Anything else, in the words of the TLS library.
    Other(String),
}

impl TlsProblem {
    /// Out of an error of the connection, where TLS faults arrive as invalid data.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        inner.map_or_else(|| Self::Other(error.to_string()), Self::from_tls)
    }

    /// Out of an error of the TLS library.
    pub(crate) fn from_tls(error: &Error) -> Self {
        let seconds = |time: &UnixTime| Some(time.as_secs());
        match error {
            Error::InvalidCertificate(fault) => match fault {
                CertificateError::Expired => Self::Expired(None),
                CertificateError::ExpiredContext { not_after, .. } => Self::Expired(seconds(not_after)),
                CertificateError::NotValidYet => Self::NotYet(None),
                CertificateError::NotValidYetContext { not_before, .. } => Self::NotYet(seconds(not_before)),
                CertificateError::NotValidForName => Self::OtherName(Vec::new()),
                CertificateError::NotValidForNameContext { presented, .. } => Self::OtherName(presented.clone()),
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority,
                // The TLS library has no kind for it, only a name in the words of the one below.
                CertificateError::Other(_) if error.to_string().contains("CaUsedAsEndEntity") => Self::OfAuthority,
                _ => Self::Other(error.to_string()),
            },
            Error::PeerIncompatible(_)
            | Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
                Self::OldProtocol
            }
            Error::InvalidMessage(_) => Self::NotTls,
            Error::General(words) if words.contains("No CA certificates were loaded") => Self::EmptyStore,
            _ => Self::Other(error.to_string()),
        }
    }

    /// What to do about it.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Expired(_) => "Renew the server's certificate, and check that this machine's clock is right.",
            Self::NotYet(_) => "Check that this machine's clock is right.",
            Self::OtherName(_) => {
                "Set CLEARML_API_HOST to a name that the certificate has, or have one made for this name."
            }
            Self::UnknownAuthority => {
                "For a private certificate authority set CLEARML_API_HOST_VERIFY_CERT to its PEM file, or put it into the \
                 system's store; a server must also send its intermediate certificates."
            }
            Self::OfAuthority => {
                "Have a certificate made for the server; one that vouches for itself is believed when \
                 CLEARML_API_HOST_VERIFY_CERT names its file and it is no authority's (openssl req -x509 takes -addext \
                 basicConstraints=critical,CA:FALSE)."
            }
            Self::OldProtocol => "The server has to offer TLS 1.2 or 1.3.",
            Self::NotTls => {
                "Check that the server speaks https at this port; if it is plain http, write http:// before it."
            }
            Self::EmptyStore => "Set SSL_CERT_FILE to a PEM file or SSL_CERT_DIR to a folder of them, or unset both.",
            Self::Other(_) => {
                "Check that the server speaks https; for a private certificate authority set CLEARML_API_HOST_VERIFY_CERT to \
                 its PEM file."
            }
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dated = |f: &mut fmt::Formatter<'_>, words: &str, seconds: &Option<u64>| match seconds {
            Some(seconds) => write!(f, "{words} ({})", timestamp::format(seconds.saturating_mul(1_000_000))),
            None => f.write_str(words),
        };
        match self {
            Self::Expired(seconds) => dated(f, "its certificate has expired", seconds),
            Self::NotYet(seconds) => dated(f, "its certificate is not valid yet", seconds),
            Self::OtherName(names) if names.is_empty() => f.write_str("its certificate is for another name"),
            Self::OtherName(names) => write!(f, "its certificate is for another name: {}", names.join(", ")),
            Self::UnknownAuthority => {
                f.write_str("its certificate comes from an authority that is not trusted here, or is self-signed")
            }
            Self::OfAuthority => {
                f.write_str("its certificate is that of an authority, which no server may use for itself")
            }
            Self::OldProtocol => f.write_str("it offers no version of TLS or no cipher that is still safe"),
            Self::NotTls => f.write_str("what it answers is not TLS"),
            Self::EmptyStore => {
                f.write_str("SSL_CERT_FILE or SSL_CERT_DIR is set, and no certificate could be read there")
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}
