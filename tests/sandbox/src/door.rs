//! Additional ports of a sandbox, each of which admits a request only if a test says so. Tests use them to try the
//! orders in which requests of concurrent clients can arrive.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::http::Incoming;
use crate::listener::{Listener, Service};
use crate::server::Server;
use crate::wire::Wire;

/// A port for one client, whose requests wait to be admitted.
pub struct Door {
    listener: Listener,
    guard: Arc<Guard>,
}

#[derive(Default)]
struct Guard {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A request waits at the door.
    waiting: bool,
    /// How many requests may pass.
    admitted: usize,
    answered: usize,
    client: Client,
}

/// The state of the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Client {
    #[default]
    Alive,
    /// It dies before it gets the next answer.
    Dying,
    /// No more of its requests pass or get an answer.
    Dead,
    /// It has ended.
    Ended,
}

struct Doorway {
    server: Arc<Server>,
    guard: Arc<Guard>,
}

impl Service for Doorway {
    const NAME: &'static str = Server::NAME;

    fn handle(&self, incoming: &Incoming, connection: usize, closes: bool) -> Wire {
        let mut state = self.guard.state();
        state.waiting = true;
        self.guard.changed.notify_all();
        state = self.guard.wait_while(state, |state| state.admitted == 0 && state.client != Client::Dead);
        state.waiting = false;
        if state.client == Client::Dead {
            return dead();
        }
        state.admitted -= 1;
        drop(state);
        let wire = self.server.handle(incoming, connection, closes);
        let mut state = self.guard.state();
        state.answered += 1;
        if state.client == Client::Dying {
            state.client = Client::Dead;
        }
        self.guard.changed.notify_all();
        if state.client == Client::Dead { dead() } else { wire }
    }
}

/// The answer to a client that counts as dead: useless to it, and no reason to retry.
fn dead() -> Wire {
    Wire::Part(b"dead\r\n\r\n".to_vec())
}

impl Guard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'g>(
        &'g self,
        state: MutexGuard<'g, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'g, State> {
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    pub(crate) fn open(server: &Arc<Server>) -> io::Result<Self> {
        let guard = Arc::new(Guard::default());
        let doorway = Arc::new(Doorway { server: Arc::clone(server), guard: Arc::clone(&guard) });
        let (listener, _) = Listener::start(0, |_| doorway)?;
        Ok(Self { listener, guard })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// Waits until a request is at the door, or the client has ended, which gives false.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let state = self.guard.wait_while(self.guard.state(), |state| !state.waiting && state.client != Client::Ended);
        state.waiting
    }

    /// Admits the waiting request, and returns after the server has processed it.
    pub fn admit(&self) {
        let mut state = self.guard.state();
        let before = state.answered;
        state.admitted += 1;
        self.guard.changed.notify_all();
        drop(self.guard.wait_while(state, |state| state.answered == before));
    }

    /// The same, but the client dies before it gets the answer.
    pub fn admit_and_kill(&self) {
        self.guard.state().client = Client::Dying;
        self.admit();
    }

    /// The client dies: no more of its requests pass.
    pub fn kill(&self) {
        self.guard.state().client = Client::Dead;
        self.guard.changed.notify_all();
    }

    /// Call this after the client has ended, so that nothing waits for it.
    pub fn client_ended(&self) {
        self.guard.state().client = Client::Ended;
        self.guard.changed.notify_all();
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("address", &self.listener.address()).finish_non_exhaustive()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.kill();
    }
}
