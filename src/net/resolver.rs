//! The addresses that a server's name stands for, looked up once.
//!
//! The HTTP library asks for them before every request, also when it then uses a connection that is open already: without
//! this a run with eight requests looks the same name up eight times, one after the other, each as far away as the name
//! server is (the static Linux binary has no cache for names).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Looks names up, and remembers the last one. Clones share what is remembered.
#[derive(Debug, Default)]
pub(crate) struct Addresses<R = DefaultResolver> {
    lookup: Arc<R>,
    last: Arc<Mutex<Option<Known>>>,
}

/// Scheme, host and port, and where that is.
#[derive(Debug)]
struct Known {
    of: String,
    addresses: ResolvedSocketAddrs,
}

impl<R> Clone for Addresses<R> {
    fn clone(&self) -> Self {
        Self { lookup: Arc::clone(&self.lookup), last: Arc::clone(&self.last) }
    }
}

impl<R> Addresses<R> {
    /// Forgets everything, after a failure: the server may have moved.
    pub(crate) fn forget(&self) {
        *self.last() = None;
    }

    fn last(&self) -> MutexGuard<'_, Option<Known>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Resolver> Resolver for Addresses<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let of = format!("{:?} {:?}", uri.scheme(), uri.authority());
        if let Some(known) = self.last().as_ref().filter(|known| known.of == of) {
            return Ok(known.addresses.clone());
        }
        let addresses = self.lookup.resolve(uri, config, timeout)?;
        *self.last() = Some(Known { of, addresses: addresses.clone() });
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Everything is at one address; counts how often it was asked.
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
    fn a_name_is_looked_up_once_until_something_fails_or_another_is_asked_for() {
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
