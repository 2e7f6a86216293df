//! HTTP/1.1 as far as a test server needs it: reads heads and bodies of requests, writes answers.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use serde_json::{Map, Value};

/// A request's first line and headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// With the query string.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The first header of this name, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn wants_close(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A request as read, with its size on the wire.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    pub(crate) bytes: usize,
}

/// More than any client here needs to send.
const LARGEST: usize = 64 << 20;
const MOST_HEADERS: usize = 100;

/// The requests of one connection.
pub(crate) struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: Read + Write> Reader<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next request. None if the client is done.
    pub(crate) fn next(&mut self) -> io::Result<Option<Incoming>> {
        let (head, length) = loop {
            if let Some(found) = parse_head(&self.buffer)? {
                break found;
            }
            if self.fill()? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(malformed("the connection ended in a head"))
                };
            }
        };
        self.buffer.drain(..length);
        if head.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let chunked = head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
        let (body, taken) = if chunked { self.chunks()? } else { self.sized(&head)? };
        Ok(Some(Incoming { head, body, bytes: length + taken }))
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16 << 10];
        let count = self.stream.read(&mut chunk)?;
        self.buffer.extend(chunk.iter().take(count));
        if self.buffer.len() > LARGEST { Err(malformed("too large")) } else { Ok(count) }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > LARGEST {
            return Err(malformed("too large"));
        }
        while self.buffer.len() < length {
            if self.fill()? == 0 {
                return Err(malformed("the connection ended in a body"));
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn sized(&mut self, head: &Head) -> io::Result<(Vec<u8>, usize)> {
        let length = head.header("content-length").map_or(Ok(0), |text| text.trim().parse::<usize>());
        let body = self.take(length.map_err(|_| malformed("bad Content-Length"))?)?;
        let taken = body.len();
        Ok((body, taken))
    }

    fn chunks(&mut self) -> io::Result<(Vec<u8>, usize)> {
        let (mut body, mut taken) = (Vec::new(), 0);
        loop {
            let line = self.line()?;
            taken += line.len() + 2;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| malformed("bad chunk size"))?;
            if size == 0 {
                break;
            }
            body.extend(self.take(size)?);
            self.take(2)?;
            taken += size + 2;
            if body.len() > LARGEST {
                return Err(malformed("too large"));
            }
        }
        while !self.line()?.is_empty() {}
        Ok((body, taken + 2))
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8_lossy(line.get(..end).unwrap_or_default()).into_owned());
            }
            if self.fill()? == 0 {
                return Err(malformed("the connection ended in a chunk"));
            }
        }
    }
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn parse_head(buffer: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(buffer).map_err(|error| malformed(&error.to_string()))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let headers = request.headers.iter();
    let headers = headers.map(|own| (own.name.to_owned(), String::from_utf8_lossy(own.value).into_owned())).collect();
    Ok(Some((Head { method: text(request.method), path: text(request.path), headers }, length)))
}

/// `?page=0&only_fields[]=name` as parameters. Everything is text, and `[]` makes a list.
pub(crate) fn decode_query(path: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    let query = path.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (percent_decode(name), Value::from(percent_decode(value)));
        match name.strip_suffix("[]") {
            None => _ = parameters.insert(name, value),
            Some(name) => {
                let list = parameters.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
            }
        }
    }
    parameters
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        let mut ahead = bytes.clone();
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                bytes = ahead;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer's head. It has the length even without a body, as for HEAD, but not without a type.
pub(crate) fn head(
    server: &str,
    status: u16,
    content_type: &str,
    headers: &[(String, String)],
    length: usize,
) -> String {
    let mut head = format!("HTTP/1.1 {status} {}\r\nServer: {server}\r\n", reason(status));
    if !content_type.is_empty() {
        let _ = write!(head, "Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
    }
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "CREATED",
        204 => "NO CONTENT",
        302 => "FOUND",
        400 => "BAD REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT FOUND",
        415 => "UNSUPPORTED MEDIA TYPE",
        422 => "UNPROCESSABLE ENTITY",
        429 => "TOO MANY REQUESTS",
        500 => "INTERNAL SERVER ERROR",
        502 => "BAD GATEWAY",
        503 => "SERVICE UNAVAILABLE",
        504 => "GATEWAY TIMEOUT",
        _ => "STATUS",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Reader, decode_query};
    use serde_json::json;

    #[test]
    fn bodies_with_length_and_in_chunks_on_one_connection() {
        let text = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\
            PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: t\r\n\r\n\
            GET /c HTTP/1.1\r\n\r\n";
        let mut reader = Reader::new(Cursor::new(text.to_vec()));
        let mut seen = Vec::new();
        while let Ok(Some(incoming)) = reader.next() {
            seen.push((incoming.head.path, String::from_utf8_lossy(&incoming.body).into_owned()));
        }
        let expected =
            [("/a", "{}"), ("/b", "abcd"), ("/c", "")].map(|(path, body)| (path.to_owned(), body.to_owned()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn query_strings() {
        let parameters = decode_query("/x?page=0&only_fields[]=name&only_fields[]=%C3%BC+%41%4");
        assert_eq!(json!(parameters), json!({"page": "0", "only_fields": ["name", "ü A%4"]}));
    }
}
