//! Resolves the server's name once.
//!
//! The HTTP library resolves the name before every request, even when it reuses an open connection. Without this cache, a
//! run with eight requests makes eight lookups, one after the other, and the static Linux binary has no cache of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A resolver that remembers the last name. Clones share the memory.
#[derive(Debug, Default)]
pub(crate) struct Addresses<R = DefaultResolver> {
    lookup: Arc<R>,
    last: Arc<Mutex<Option<Known>>>,
}

#[derive(Debug)]
struct Known {
    /// Scheme, host and port.
    origin: String,
    addresses: ResolvedSocketAddrs,
}

impl<R> Clone for Addresses<R> {
    fn clone(&self) -> Self {
        Self { lookup: Arc::clone(&self.lookup), last: Arc::clone(&self.last) }
    }
}

impl<R> Addresses<R> {
    /// Forgets the addresses after a failure: the server may have moved.
    pub(crate) fn forget(&self) {
        *self.last() = None;
    }

    fn last(&self) -> MutexGuard<'_, Option<Known>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Resolver> Resolver for Addresses<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let origin = format!("{:?} {:?}", uri.scheme(), uri.authority());
        if let Some(known) = self.last().as_ref().filter(|known| known.origin == origin) {
            return Ok(known.addresses.clone());
        }
        let addresses = self.lookup.resolve(uri, config, timeout)?;
        *self.last() = Some(Known { origin, addresses: addresses.clone() });
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Resolves every name to one address and counts the lookups.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Resolver for Counting {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let mut addresses = self.empty();
            addresses.push("192.0.2.1:443".parse().unwrap());
            Ok(addresses)
        }
    }

    #[test]
    fn resolves_a_name_once_until_a_request_fails_or_the_origin_changes() {
        let addresses = Addresses::<Counting>::default();
        let look_up = |url: &str| {
            let found = addresses.clone().resolve(&url.parse().unwrap(), &Config::default(), NextTimeout::default());
            assert_eq!(found.unwrap().to_vec(), ["192.0.2.1:443".parse().unwrap()]);
            addresses.lookup.0.load(Ordering::Relaxed)
        };
        assert_eq!(look_up("https://a.example.org/auth.login"), 1);
        assert_eq!(look_up("https://a.example.org/tasks.get_all_ex"), 1);
        assert_eq!(look_up("http://a.example.org/"), 2);
        assert_eq!(look_up("http://a.example.org:8008/"), 3);
        assert_eq!(look_up("http://a.example.org:8008/"), 3);
        addresses.forget();
        assert_eq!(look_up("http://a.example.org:8008/"), 4);
    }
}
