//! Whose TLS certificates are believed.

use std::fmt;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, parse_pem};

/// Whose TLS certificates are believed.
#[derive(Clone)]
pub(crate) enum Trust {
    /// The system's certificate store, or the built-in roots where there is none.
    System,
    /// Only the authorities in a PEM file.
    Authorities(Arc<Vec<Certificate<'static>>>),
    /// Anybody's: the connection is encrypted, but not known to reach the right server.
    Anyone,
}

impl Trust {
    /// Reads `true`, `false` or the path of a PEM file, as the SDK does.
    ///
    /// # Errors
    /// A phrase that says what is wrong with the text or the file.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Self::System),
            "false" | "no" | "0" => Ok(Self::Anyone),
            _ => Self::from_file(text.trim()),
        }
    }

    fn from_file(path: &str) -> Result<Self, String> {
        let pem = std::fs::read(path).map_err(|error| format!("cannot read the CA file {path:?}: {error}"))?;
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(format!("the CA file {path:?} holds no PEM certificate"));
        }
        Ok(Self::Authorities(Arc::new(certificates)))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Authorities(certificates) => write!(f, "Authorities({})", certificates.len()),
            Self::Anyone => f.write_str("Anyone"),
        }
    }
}
