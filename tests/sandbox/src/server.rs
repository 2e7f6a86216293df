//! The listening side: connections, and each request's way through log, faults, hook and API.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::api::{self, Body, Reply, Target};
use crate::fault::{Effect, Faults, Plan};
use crate::http::{self, Incoming, Reader};
use crate::log::Request;
use crate::strict;
use crate::workspace::Workspace;

/// A test's look between two requests.
pub(crate) type Hook = Box<dyn FnMut(&Request, &mut Workspace) + Send>;

/// Everything the connections share.
pub(crate) struct Shared {
    pub(crate) workspace: Workspace,
    pub(crate) log: Vec<Request>,
    /// Requests of each endpoint since the log was cleared.
    pub(crate) counts: HashMap<String, usize>,
    pub(crate) faults: Faults,
    pub(crate) hook: Option<Hook>,
    pub(crate) impossible: Vec<String>,
    pub(crate) lenient: bool,
    pub(crate) one_request_per_connection: bool,
}

pub(crate) struct Server {
    shared: Mutex<Shared>,
    stopping: AtomicBool,
    /// For closing what is still open at the end.
    connections: Mutex<Vec<TcpStream>>,
}

/// What to put on the wire.
enum Wire {
    Nothing,
    Whole(Vec<u8>),
    /// Then the connection closes.
    Part(Vec<u8>),
    Slow {
        head: Vec<u8>,
        body: Vec<u8>,
        every: Duration,
    },
}

impl Server {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Mutex::new(shared), stopping: AtomicBool::new(false), connections: Mutex::default() }
    }

    /// A test that panicked in a hook must not hide behind a second panic here.
    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes connections until stopped.
    pub(crate) fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for (number, stream) in listener.incoming().enumerate() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            if let Ok(copy) = stream.try_clone() {
                self.connections.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
            }
            let server = Arc::clone(self);
            thread::spawn(move || {
                let _ = server.serve(&stream, number + 1);
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for connection in self.connections.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn serve(&self, stream: &TcpStream, connection: usize) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = Reader::new(Duplex(stream));
        loop {
            let incoming = match reader.next() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let body = error.to_string();
                    let head = http::head(400, "text/plain", &[], body.len());
                    return (&mut &*stream).write_all((head + &body).as_bytes());
                }
            };
            let closes = incoming.head.wants_close() || self.shared().one_request_per_connection;
            let wire = self.handle(&incoming, connection, closes);
            if !send(stream, wire)? || closes {
                return Ok(());
            }
        }
    }

    fn handle(&self, incoming: &Incoming, connection: usize, closes: bool) -> Wire {
        let (index, plan) = self.enter(incoming, connection);
        thread::sleep(plan.delay);
        let mut shared = self.shared();
        let request = shared.log.get(index).cloned();
        let (status, wire) = answer(&mut shared, incoming, &plan, request.as_ref(), closes);
        // The log may have been cleared while this request waited.
        if let Some(entry) =
            shared.log.get_mut(index).filter(|entry| Some(entry.n) == request.as_ref().map(|own| own.n))
        {
            entry.status = status;
            entry.response_bytes = wire.len();
        }
        wire
    }

    /// Logs the request and looks up what is to happen to it.
    fn enter(&self, incoming: &Incoming, connection: usize) -> (usize, Plan) {
        let mut shared = self.shared();
        let endpoint = Target::parse(&incoming.head.path).map(|target| target.name).unwrap_or_default();
        let n = shared.log.len() + 1;
        let count = shared.counts.entry(endpoint.clone()).or_default();
        *count += 1;
        let plan = shared.faults.plan(&endpoint, n, shared.counts.get(&endpoint).copied().unwrap_or_default());
        let head = &incoming.head;
        if !shared.lenient {
            let api_version = shared.workspace.api_version;
            let objections = strict::objections(head, &incoming.body, &endpoint, api_version);
            shared.impossible.extend(objections);
        }
        shared.log.push(Request {
            n,
            connection,
            method: head.method.clone(),
            path: head.path.clone(),
            endpoint,
            headers: head.headers.clone(),
            body: logged_body(incoming),
            status: 0,
            request_bytes: incoming.bytes,
            response_bytes: 0,
        });
        (n - 1, plan)
    }
}

fn logged_body(incoming: &Incoming) -> Value {
    if incoming.body.is_empty() {
        return Value::Null;
    }
    api::read_body(&incoming.head, &incoming.body)
        .ok()
        .filter(|read| read != &serde_json::json!({}) || incoming.body == b"{}")
        .unwrap_or_else(|| String::from_utf8_lossy(&incoming.body).into_owned().into())
}

/// The status for the log and the bytes for the client.
fn answer(
    shared: &mut Shared,
    incoming: &Incoming,
    plan: &Plan,
    request: Option<&Request>,
    closes: bool,
) -> (u16, Wire) {
    if let (Some(request), Some(hook)) = (request, shared.hook.as_mut()) {
        hook(request, &mut shared.workspace);
    }
    let has_body = incoming.head.method != "HEAD";
    let closing = closes.then(|| ("Connection".to_owned(), "close".to_owned()));
    if let Some(mut canned) = plan.effect.as_ref().and_then(canned) {
        canned.headers.extend(closing);
        return (canned.status, whole(&canned, has_body));
    }
    if matches!(plan.effect, Some(Effect::CutBefore)) {
        return (0, Wire::Nothing);
    }
    let mut reply = api::answer(&mut shared.workspace, &incoming.head, &incoming.body);
    reply.headers.extend(closing);
    if let Body::Json(value) = &mut reply.body {
        for mangle in &plan.mangles {
            if let Effect::Mangle(edit) = mangle {
                edit(value);
            }
        }
    }
    let status = reply.status;
    let half = |bytes: &[u8]| bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
    let wire = match &plan.effect {
        Some(Effect::CutAfter) => return (0, Wire::Nothing),
        Some(Effect::CutInBody) => {
            let body = reply.bytes();
            let mut bytes = head_of(&reply, body.len());
            bytes.extend(half(&body));
            Wire::Part(bytes)
        }
        Some(Effect::Truncated) => {
            let body = String::from_utf8_lossy(&half(&reply.bytes())).into_owned();
            reply.body = Body::Text(body);
            whole(&reply, has_body)
        }
        Some(Effect::Drip { every }) => {
            let body = reply.bytes();
            Wire::Slow { head: head_of(&reply, body.len()), body, every: *every }
        }
        _ => whole(&reply, has_body),
    };
    (status, wire)
}

/// Answers that have nothing to do with the API.
fn canned(effect: &Effect) -> Option<Reply> {
    let reply = |status, content_type: &str, headers: &[(String, String)], body: String| Reply {
        status,
        headers: headers.to_vec(),
        content_type: content_type.to_owned(),
        body: Body::Text(body),
    };
    match effect {
        Effect::Status { code, headers, body } => {
            let is_type = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
            let content_type = headers.iter().find(is_type).map_or("application/json", |(_, value)| value);
            let others: Vec<_> = headers.iter().filter(|header| !is_type(header)).cloned().collect();
            Some(reply(*code, content_type, &others, body.clone()))
        }
        Effect::Body { content_type, body } => Some(reply(200, content_type, &[], body.clone())),
        Effect::Redirect(location) => {
            Some(reply(302, "text/html", &[("Location".to_owned(), location.clone())], String::new()))
        }
        Effect::Huge(size) => Some(reply(200, "application/json", &[], huge(*size))),
        _ => None,
    }
}

/// An array that is JSON at any size from two bytes up.
fn huge(size: usize) -> String {
    let mut text = String::with_capacity(size);
    text.push_str("[\"");
    text.extend(std::iter::repeat_n('x', size.saturating_sub(4)));
    text.push_str("\"]");
    text
}

fn head_of(reply: &Reply, length: usize) -> Vec<u8> {
    http::head(reply.status, &reply.content_type, &reply.headers, length).into_bytes()
}

fn whole(reply: &Reply, has_body: bool) -> Wire {
    let body = reply.bytes();
    let mut bytes = head_of(reply, body.len());
    if has_body {
        bytes.extend(body);
    }
    Wire::Whole(bytes)
}

impl Wire {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Whole(bytes) | Self::Part(bytes) => bytes.len(),
            Self::Slow { head, body, .. } => head.len() + body.len(),
        }
    }
}

/// Head and body leave in one write; says whether the connection stays open.
fn send(mut stream: &TcpStream, wire: Wire) -> io::Result<bool> {
    match wire {
        Wire::Nothing => return Ok(false),
        Wire::Whole(bytes) => stream.write_all(&bytes)?,
        Wire::Part(bytes) => {
            stream.write_all(&bytes)?;
            return Ok(false);
        }
        Wire::Slow { head, body, every } => {
            stream.write_all(&head)?;
            for byte in body {
                thread::sleep(every);
                stream.write_all(&[byte])?;
            }
        }
    }
    Ok(true)
}

/// `Read` and `Write` on a shared stream.
struct Duplex<'s>(&'s TcpStream);

impl io::Read for Duplex<'_> {
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
