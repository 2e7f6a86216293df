//! What is between client and server on a real network: distance and encryption.
//!
//! Unlike the kernel's network emulation, a relay needs no privileges and works everywhere. It delays each piece of data by
//! half a round trip in either direction, keeps the order and limits nothing else. Loopback opens a connection at once; the
//! relay adds that round trip by treating the client's first bytes as sent one round trip later.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::Result;

const PIECE: usize = 64 << 10;

/// Accepts connections, one thread each, until the process exits.
fn listen(each: impl Fn(TcpStream) -> Result<()> + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = Arc::clone(&each);
            // A client that disconnects reports the error itself.
            thread::spawn(move || each(stream));
        }
    });
    Ok(address)
}

/// A server at this distance.
pub(crate) fn far(upstream: SocketAddr, round_trip: Duration) -> Result<SocketAddr> {
    listen(move |client| {
        let opened = Instant::now() + round_trip;
        let server = TcpStream::connect(upstream)?;
        let there = hold(client.try_clone()?, server.try_clone()?, opened, round_trip / 2)?;
        let back = hold(server, client, opened, round_trip / 2)?;
        for thread in [there, back] {
            let _ = thread.join();
        }
        Ok(())
    })
}

type Held = (Instant, Vec<u8>);

/// Relays one direction; nothing counts as sent before the connection was open.
fn hold(from: TcpStream, to: TcpStream, opened: Instant, delay: Duration) -> Result<thread::JoinHandle<()>> {
    to.set_nodelay(true)?;
    let (sender, receiver) = channel();
    thread::spawn(move || take(from, &sender, opened, delay));
    Ok(thread::spawn(move || deliver(to, &receiver)))
}

fn take(mut from: TcpStream, queue: &Sender<Held>, opened: Instant, delay: Duration) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count) = from.read(&mut buffer) {
        let due = Instant::now().max(opened) + delay;
        let piece = buffer.get(..count).unwrap_or_default().to_vec();
        // An empty piece is the end of the stream, which is delayed too.
        if queue.send((due, piece)).is_err() || count == 0 {
            return;
        }
    }
}

fn deliver(mut to: TcpStream, queue: &Receiver<Held>) {
    for (due, piece) in queue {
        wait_until(due);
        if piece.is_empty() || to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Sleeps, and spins at the end: waking a processor takes longer than a request.
fn wait_until(due: Instant) {
    const AWAKE: Duration = Duration::from_millis(2);
    thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(AWAKE));
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

/// An https server in front of an http server, and the PEM file of its certificate authority.
pub(crate) fn encrypted(upstream: SocketAddr, folder: &Path) -> Result<(SocketAddr, PathBuf)> {
    let (config, authority) = certified()?;
    let path = folder.join("authority.pem");
    std::fs::write(&path, authority)?;
    let address = listen(move |client| terminate(client, upstream, &config))?;
    Ok((address, path))
}

fn certified() -> Result<(Arc<ServerConfig>, String)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // If both had the same name, OpenSSL would treat the server's certificate as self-signed.
    authority.distinguished_name.push(DnType::CommonName, "authority");
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok((Arc::new(config), root.pem()))
}

/// Decrypts one connection. No thread holds the lock while it waits for data.
fn terminate(client: TcpStream, upstream: SocketAddr, config: &Arc<ServerConfig>) -> Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let session = Arc::new(Mutex::new(ServerConnection::new(Arc::clone(config))?));
    let (answers, to_client, encrypting) = (server.try_clone()?, client.try_clone()?, Arc::clone(&session));
    let back = thread::spawn(move || encrypt(answers, to_client, &encrypting));
    let decrypted = decrypt(client, &server, &session);
    let _ = server.shutdown(Shutdown::Write);
    let _ = back.join();
    decrypted
}

type Session = Mutex<ServerConnection>;

fn decrypt(mut client: TcpStream, mut server: &TcpStream, session: &Session) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let count = client.read(&mut buffer)?;
        let mut piece = buffer.get(..count).unwrap_or_default();
        if piece.is_empty() {
            return Ok(());
        }
        let mut plain = Vec::new();
        {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            while !piece.is_empty() {
                session.read_tls(&mut piece)?;
                let ready = session.process_new_packets()?.plaintext_bytes_to_read();
                let at = plain.len();
                plain.resize(at + ready, 0);
                session.reader().read_exact(plain.get_mut(at..).unwrap_or_default())?;
            }
            flush(&mut session, &mut client)?;
        }
        server.write_all(&plain)?;
    }
}

fn encrypt(mut server: TcpStream, mut client: TcpStream, session: &Session) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let count = server.read(&mut buffer)?;
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            session.send_close_notify();
            return flush(&mut session, &mut client);
        }
        session.writer().write_all(buffer.get(..count).unwrap_or_default())?;
        flush(&mut session, &mut client)?;
    }
}

fn flush(session: &mut ServerConnection, client: &mut TcpStream) -> Result<()> {
    let mut records = Vec::new();
    while session.wants_write() {
        session.write_tls(&mut records)?;
    }
    client.write_all(&records)?;
    Ok(())
}
