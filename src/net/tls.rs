//! TLS: the cryptography, which certificates are trusted, and why a connection is not.

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use rustls::sign::SigningKey;
use rustls::{AlertDescription, CertificateError, Error};
use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::environment::Environment;

/// The ciphers, key exchanges and signature checks of `ring`, without client certificates: this tool has none, and every
/// job would download the code for them.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { key_provider: &NoClientKeys, ..ring::default_provider() })
}

#[derive(Debug)]
struct NoClientKeys;

impl KeyProvider for NoClientKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("client certificates are not supported".to_owned()))
    }
}

/// Which server certificates are trusted.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// Those of the system's certificate store, or of the built-in roots if the system has no store.
    System,
    /// Those of the store that `SSL_CERT_FILE` or `SSL_CERT_DIR` names.
    NamedStore,
    /// Those of the authorities in a PEM file.
    Authorities(Arc<Vec<Certificate<'static>>>),
    /// All. The connection is encrypted, but may end at the wrong server.
    Anyone,
}

/// Why a file of authorities cannot be used.
#[derive(Debug)]
pub(crate) enum BadCaFile {
    Unreadable(String, io::Error),
    NoCertificate(String),
}

impl Trust {
    /// The default. The TLS library reads the two variables itself; they only decide whether the built-in roots may
    /// replace an empty store.
    pub(crate) fn system(environment: &Environment) -> Self {
        let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| environment.get(name).is_some());
        if is_named { Self::NamedStore } else { Self::System }
    }

    /// Reads `true`, `false` or the path of a PEM file, as the SDK does.
    pub(crate) fn read(text: &str, environment: &Environment) -> Result<Self, BadCaFile> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Self::system(environment)),
            "false" | "no" | "0" => Ok(Self::Anyone),
            _ => Self::from_file(text.trim()),
        }
    }

    fn from_file(path: &str) -> Result<Self, BadCaFile> {
        let pem = std::fs::read(path).map_err(|error| BadCaFile::Unreadable(path.to_owned(), error))?;
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(BadCaFile::NoCertificate(path.to_owned()));
        }
        Ok(Self::Authorities(Arc::new(certificates)))
    }
}

/// Why a TLS connection failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsProblem {
    /// The certificate expired at this time (seconds since 1970), if known.
    Expired(Option<u64>),
    /// The certificate is valid from this time on, if known.
    NotYetValid(Option<u64>),
    /// The certificate is for these hosts.
    WrongName(Vec<String>),
    UnknownAuthority,
    /// The server uses the certificate of an authority as its own.
    AuthorityCertificate,
    OldProtocol,
    NotTls,
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` names a store without certificates.
    EmptyStore,
    /// Anything else, in the words of the TLS library.
    Other(String),
}

impl TlsProblem {
    /// From an error of the connection, which wraps the TLS library's.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        inner.map_or_else(|| Self::Other(error.to_string()), Self::from_tls)
    }

    pub(crate) fn from_tls(error: &Error) -> Self {
        let seconds = |time: &UnixTime| Some(time.as_secs());
        match error {
            Error::InvalidCertificate(problem) => match problem {
                CertificateError::Expired => Self::Expired(None),
                CertificateError::ExpiredContext { not_after, .. } => Self::Expired(seconds(not_after)),
                CertificateError::NotValidYet => Self::NotYetValid(None),
                CertificateError::NotValidYetContext { not_before, .. } => Self::NotYetValid(seconds(not_before)),
                CertificateError::NotValidForName => Self::WrongName(Vec::new()),
                CertificateError::NotValidForNameContext { presented, .. } => Self::WrongName(presented.clone()),
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority,
                // rustls has no variant for this; the name is that of webpki's error.
                CertificateError::Other(_) if error.to_string().contains("CaUsedAsEndEntity") => {
                    Self::AuthorityCertificate
                }
                _ => Self::Other(error.to_string()),
            },
            Error::PeerIncompatible(_)
            | Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
                Self::OldProtocol
            }
            Error::InvalidMessage(_) => Self::NotTls,
            Error::General(message) if message.contains("No CA certificates were loaded") => Self::EmptyStore,
            _ => Self::Other(error.to_string()),
        }
    }
}
