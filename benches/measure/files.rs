//! Serves a directory over HTTP on loopback, with a list of its files: the mirror of the release and the package index.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use crate::Result;

/// Serves until the process exits.
pub(crate) fn serve(folder: PathBuf) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            thread::spawn(move || answer_all(&stream, &folder));
        }
    });
    Ok(address)
}

fn answer_all(stream: &TcpStream, folder: &Path) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(first) = lines.next() {
        let first = first?;
        let ended = |line: &std::io::Result<String>| line.as_ref().map_or(true, String::is_empty);
        lines.by_ref().find(ended);
        let path = first.split(' ').nth(1).unwrap_or("/");
        let (status, kind, body) = answer(folder, path.trim_start_matches('/'))?;
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        let mut answer = head.into_bytes();
        if !first.starts_with("HEAD") {
            answer.extend(body);
        }
        (&mut &*stream).write_all(&answer)?;
    }
    Ok(())
}

fn answer(folder: &Path, name: &str) -> Result<(&'static str, &'static str, Vec<u8>)> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    if name.is_empty() {
        let links = names.iter().fold(String::new(), |list, name| list + "<a href=\"" + name + "\">" + name + "</a>\n");
        return Ok((
            "200 OK",
            "text/html",
            format!("<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n").into_bytes(),
        ));
    }
    // Only listed files, so that no path leads out of the directory.
    if names.iter().any(|known| known == name) {
        return Ok(("200 OK", "application/octet-stream", fs::read(folder.join(name))?));
    }
    Ok(("404 Not Found", "text/plain", b"no such file\n".to_vec()))
}
