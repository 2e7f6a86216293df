//! Sends one request on its own connection.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::captures::Request;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) fn send(url: &str, request: &Request) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).map_err(|error| error.to_string())?;
    let mut head = format!("{} {} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", request.body.len());
    stream.write_all(&[head.as_bytes(), request.body.as_bytes()].concat()).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    parse(&String::from_utf8(bytes).map_err(|error| error.to_string())?).ok_or_else(|| "no HTTP answer".to_owned())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some(Answer { status, headers, body: body.to_owned() })
}
