//! An HTTP server on loopback that records its requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::install::release::{DOWNLOADS, Release};

pub(crate) enum Answer {
    File(Vec<u8>),
    Status(u16),
    Redirect(String),
    /// Announces the whole length, sends half of it, and cuts the connection.
    Cut(Vec<u8>),
    /// The same, but the connection stays open as long as the client keeps it open.
    Stalled(Vec<u8>),
}

pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stopping: Arc<AtomicBool>,
}

/// One process starts hundreds of them, and cannot have that many files open.
impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

impl Server {
    /// Answers the path of the n-th request, counted from 1.
    pub(crate) fn start(answer: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (log, answer, stop) = (Arc::clone(&requests), Arc::new(answer), Arc::clone(&stopping));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok).take_while(|_| !stop.load(Ordering::SeqCst)) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                // In some scenarios the downloader disconnects in the middle.
                std::thread::spawn(move || drop(serve(&stream, &log, &*answer)));
            }
        });
        Self { address, requests, stopping }
    }

    /// Serves a release's files at the paths in its manifest.
    pub(crate) fn of(release: &Release) -> Self {
        let files = release.files.clone();
        Self::start(move |_, path| {
            let name = path.strip_prefix(DOWNLOADS).and_then(|rest| rest.strip_prefix('/'));
            name.and_then(|name| files.get(name)).map_or(Answer::Status(404), |bytes| Answer::File(bytes.clone()))
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<String>>,
    answer: &dyn Fn(usize, &str) -> Answer,
) -> Result<(), std::io::Error> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let path = read_request(&mut reader)?;
    let number = {
        let mut log = log.lock().unwrap();
        log.push(path.clone());
        log.len()
    };
    send(stream, answer(number, &path))
}

/// Reads a request's header to its end and returns the path.
fn read_request(reader: &mut BufReader<TcpStream>) -> Result<String, std::io::Error> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    Ok(first.split(' ').nth(1).unwrap_or_default().to_owned())
}

fn send(mut stream: &TcpStream, answer: Answer) -> Result<(), std::io::Error> {
    match answer {
        Answer::File(bytes) => {
            head(stream, "200 OK", bytes.len(), "")?;
            stream.write_all(&bytes)
        }
        Answer::Status(status) => head(stream, &format!("{status} Not Today"), 0, ""),
        Answer::Redirect(to) => head(stream, "302 Found", 0, &format!("Location: {to}\r\n")),
        Answer::Cut(bytes) => send_half(stream, &bytes),
        Answer::Stalled(bytes) => {
            send_half(stream, &bytes)?;
            stream.read(&mut [0]).map(drop)
        }
    }
}

fn send_half(mut stream: &TcpStream, bytes: &[u8]) -> Result<(), std::io::Error> {
    head(stream, "200 OK", bytes.len(), "")?;
    stream.write_all(&bytes[..bytes.len() / 2])
}

fn head(mut stream: &TcpStream, status: &str, length: usize, more: &str) -> Result<(), std::io::Error> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n")
}
