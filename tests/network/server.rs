//! A TLS server that passes each request to the sandbox, and a proxy that records what it sees.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Everything up to the end of the headers; empty if the connection is closed.
fn head(from: &mut impl Read) -> Vec<u8> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match from.read(&mut byte) {
            Ok(1) => head.extend(byte),
            _ => return Vec::new(),
        }
    }
    head
}

/// One whole request or response.
fn message(from: &mut impl Read) -> Vec<u8> {
    let mut whole = head(from);
    let text = String::from_utf8_lossy(&whole).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    whole.extend(body);
    whole
}

/// Listens on loopback with this certificate, and returns the bytes of the requests that arrived.
pub(crate) fn tls(
    to: SocketAddr,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&got);
    let address = serve(move |stream| {
        let mut client = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        let mut server = TcpStream::connect(to).unwrap();
        loop {
            let request = message(&mut client);
            if request.is_empty() {
                return;
            }
            heard.lock().unwrap().extend(&request);
            server.write_all(&request).unwrap();
            client.write_all(&message(&mut server)).unwrap();
        }
    });
    (address, got)
}

/// How a proxy responds to CONNECT.
#[derive(Clone, Copy)]
pub(crate) enum Behavior {
    /// It opens the tunnel to `to` if the request contains `required`.
    Tunnel { to: SocketAddr, required: &'static str },
    /// It sends only this.
    Respond(&'static str),
}

/// A proxy and everything it could read.
pub(crate) fn proxy(behavior: Behavior) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&seen);
    let address = serve(move |mut client| {
        let request = head(&mut client);
        heard.lock().unwrap().extend(&request);
        let (to, required) = match behavior {
            Behavior::Tunnel { to, required } => (to, required),
            Behavior::Respond(answer) => return client.write_all(answer.as_bytes()).unwrap(),
        };
        if !String::from_utf8_lossy(&request).contains(required) {
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
            return client.write_all(answer).unwrap();
        }
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let server = TcpStream::connect(to).unwrap();
        let (mut back, mut home) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut back, &mut home));
        copy(client, server, &heard);
    });
    (address, seen)
}

fn copy(mut from: TcpStream, mut to: TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let part = buffer.get(..read).unwrap();
        heard.lock().unwrap().extend(part);
        to.write_all(part).unwrap();
    }
}

/// Forwards everything from IPv6 loopback, where the sandbox does not listen.
pub(crate) fn ipv6(to: SocketAddr) -> SocketAddr {
    serve_at("[::1]:0", move |client| {
        let server = TcpStream::connect(to).unwrap();
        let (mut back, mut home) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut back, &mut home));
        copy(client, server, &Mutex::new(Vec::new()));
    })
}

/// Handles each connection in a thread.
pub(crate) fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    serve_at("127.0.0.1:0", each)
}

fn serve_at(address: &str, each: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let (address, each) = (listener.local_addr().unwrap(), Arc::new(each));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let each = Arc::clone(&each);
            thread::spawn(move || each(stream.unwrap()));
        }
    });
    address
}
