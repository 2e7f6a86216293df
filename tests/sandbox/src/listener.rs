//! Listens on a port of loopback, and reads the requests of each connection.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::http::{self, Incoming, Reader};
use crate::wire::Wire;

/// What answers the requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The `Server` header.
    const NAME: &'static str;

    /// The answer to one request on this connection (counted from 1), and whether the connection may close afterward.
    fn handle(&self, incoming: &Incoming, connection: usize, closes: bool) -> Wire;

    /// Whether each connection closes after its first answer.
    fn one_request_per_connection(&self) -> bool {
        false
    }
}

/// A service on its port.
pub(crate) struct Listener {
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
    open: Arc<Open>,
}

#[derive(Default)]
struct Open {
    stopping: AtomicBool,
    /// Open connections by their number, to close them at the end.
    connections: Mutex<HashMap<usize, TcpStream>>,
}

impl Listener {
    /// Port 0 selects a free one. `service` is created once the address is known.
    pub(crate) fn start<S: Service>(
        port: u16,
        service: impl FnOnce(SocketAddr) -> Arc<S>,
    ) -> io::Result<(Self, Arc<S>)> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let service = service(address);
        let open = Arc::new(Open::default());
        let (accepting, answering) = (Arc::clone(&open), Arc::clone(&service));
        let acceptor =
            thread::Builder::new().name(S::NAME.to_owned()).spawn(move || accepting.accept(&listener, &answering))?;
        Ok((Self { address, acceptor: Some(acceptor), open }, service))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, refuses connections and closes open ones.
    pub(crate) fn stop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.open.stop();
        // Wakes the acceptor, which then sees that it must stop.
        let _ = TcpStream::connect(self.address);
        let _ = acceptor.join();
        self.open.stop();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Open {
    fn accept<S: Service>(self: &Arc<Self>, listener: &TcpListener, service: &Arc<S>) {
        for (number, stream) in listener.incoming().enumerate() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            if let Ok(copy) = stream.try_clone() {
                self.connections().insert(number, copy);
            }
            let (service, open, address) = (Arc::clone(service), Arc::clone(self), listener.local_addr());
            thread::spawn(move || {
                let served = serve(&*service, &stream, number + 1);
                let _ = stream.shutdown(Shutdown::Both);
                open.connections().remove(&number);
                if let (Ok(Then::Gone), Ok(address)) = (served, address) {
                    open.stop();
                    // Wakes the acceptor, which then closes the port.
                    let _ = TcpStream::connect(address);
                }
            });
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<usize, TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for (_, connection) in self.connections().drain() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

/// What happens after the end of a connection.
enum Then {
    /// More connections may follow.
    Goes,
    /// The server no longer listens.
    Gone,
}

fn serve<S: Service>(service: &S, stream: &TcpStream, connection: usize) -> io::Result<Then> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::new(Duplex(stream));
    loop {
        let incoming = match reader.next() {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return Ok(Then::Goes),
            Err(error) => {
                let body = error.to_string();
                let head = http::head(S::NAME, 400, "text/plain", &[], body.len());
                (&mut &*stream).write_all((head + &body).as_bytes())?;
                return Ok(Then::Goes);
            }
        };
        let closes = incoming.head.wants_close() || service.one_request_per_connection();
        let wire = service.handle(&incoming, connection, closes);
        if matches!(wire, Wire::Gone) {
            return Ok(Then::Gone);
        }
        if !wire.send(stream)? || closes {
            return Ok(Then::Goes);
        }
    }
}

/// `Read` and `Write` on a shared stream.
struct Duplex<'s>(&'s TcpStream);

impl Read for Duplex<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.0;
        stream.read(buffer)
    }
}

impl Write for Duplex<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self.0;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
