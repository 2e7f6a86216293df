//! Proxies: what they see, and what the report says if they refuse.

use clearml_gate::Limits;

use crate::network::certificates::server;
use crate::network::server::{Behavior, proxy};
use crate::support::{FASTER, Gate, HEAD, judge_with, pair, settings};

#[test]
fn reaches_an_https_server_through_a_tunnel_that_shows_no_secret() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (url, pem, _) = server(&sandbox, |_| {});
    let to = url.strip_prefix("https://").unwrap().parse().unwrap();
    // "user:hunter2"
    let (address, seen) = proxy(Behavior::Tunnel { to, required: "Proxy-Authorization: Basic dXNlcjpodW50ZXIy" });
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", "https://clearml.example");
    let file = gate.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    let gate = gate.set("CLEARML_API_HOST_VERIFY_CERT", file.to_str().unwrap());
    let right = gate.set("HTTPS_PROXY", &format!("http://user:hunter2@{address}"));
    right.run().expect(0, "PASSED, improved");
    let text = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    assert!(text.starts_with("CONNECT clearml.example:443 HTTP/1.1\r\n"), "{text}");
    for secret in [sandbox.access_key(), sandbox.secret_key(), "\r\nAuthorization:", "auth.login"] {
        assert!(!text.contains(secret), "{text}");
    }
    let ran = right.set("HTTPS_PROXY", &format!("http://user:wrongpass@{address}")).run();
    let ran = ran.expect(5, "NO VERDICT: could not reach").says("credentials for the proxy (status 407)");
    assert!(!(ran.out + &ran.err).contains("wrongpass"));
}

#[test]
fn a_proxy_that_sends_a_page_gets_no_key_of_an_https_server() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (address, seen) = proxy(Behavior::Respond("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"));
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", "https://clearml.example");
    gate.set("https_proxy", &format!("http://{address}")).run().expect(4, "NO VERDICT:").says("not TLS");
    assert!(!String::from_utf8_lossy(&seen.lock().unwrap()).contains("\r\nAuthorization:"));
}

#[test]
fn warns_about_plain_http_through_a_proxy_but_not_on_this_machine() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let to = sandbox.address();
    let (address, seen) = proxy(Behavior::Tunnel { to, required: "CONNECT" });
    let gate = Gate::of(&sandbox).set("ALL_PROXY", &format!("http://{address}"));
    let ran = gate.run().expect(0, "PASSED, improved");
    assert!(!ran.out.contains("sent unencrypted") && seen.lock().unwrap().is_empty(), "{}", ran.out);
    let gate = gate.set("CLEARML_API_HOST", "http://clearml.example");
    gate.run().expect(0, "PASSED").says("credentials are sent unencrypted");
    assert!(seen.lock().unwrap().starts_with(b"CONNECT clearml.example:80 "));
}

#[test]
fn http_proxy_is_read_in_lower_case_only() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let refuses = || proxy(Behavior::Respond("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    let ((upper, seen_by_upper), (lower, seen_by_lower)) = (refuses(), refuses());
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", "http://clearml.invalid");
    let mut gate = gate.set("HTTP_PROXY", &format!("http://{upper}"));
    gate.run().expect(5, "NO VERDICT:").says("the host name could not be resolved");
    for name in ["ALL_PROXY", "http_proxy"] {
        gate = gate.set(name, &format!("http://{lower}"));
        gate.run().expect(5, "NO VERDICT:").says(&format!("through the proxy {lower} ({name})"));
        assert!(seen_by_lower.lock().unwrap().starts_with(b"CONNECT clearml.invalid:80 "));
    }
    assert!(seen_by_upper.lock().unwrap().is_empty());
}

#[test]
fn an_unusable_proxy_is_a_settings_error_without_its_password() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", "https://clearml.example");
    let gate = gate.set("HTTPS_PROXY", "socks5://user:hunter2@127.0.0.1:1080");
    let ran = gate.run().complains("HTTPS_PROXY: is a SOCKS proxy");
    assert_eq!(ran.code, 2);
    assert!(!(ran.out + &ran.err).contains("hunter2"));
}

#[test]
fn no_proxy_decides_which_hosts_are_reached_directly() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (address, seen) = proxy(Behavior::Respond("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", "https://clearml.invalid");
    let gate = gate.set("HTTPS_PROXY", &format!("http://{address}"));
    let gate = gate.set("NO_PROXY", "example.org, .invalid");
    gate.run().expect(5, "NO VERDICT:").says("the host name could not be resolved");
    assert!(seen.lock().unwrap().is_empty());
    let gate = gate.set("NO_PROXY", "example.org, clearml.invalid:8443");
    gate.run().expect(5, "NO VERDICT:").says("the proxy refused to connect to the server (status 403; see NO_PROXY)");
    assert!(seen.lock().unwrap().starts_with(b"CONNECT clearml.invalid:443 "));
}

#[test]
fn names_a_failing_proxy_without_its_password() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (silent, _) = proxy(Behavior::Respond(""));
    for (address, said) in [(gone, "the connection was refused"), (silent, "the proxy sent an invalid response")] {
        let mut settings = settings("https://clearml.example", HEAD);
        settings.push(("HTTPS_PROXY", format!("http://user:hunter2@{address}")));
        // In this process, with shorter limits: the gate retries for a minute.
        let ended = judge_with(settings, Limits::REAL.divided_by(FASTER));
        assert_eq!(ended.code, 5, "{}", ended.err);
        let said = format!("{said}, through the proxy {address}");
        assert!(ended.report.to_string().contains(&said), "{:#}", ended.report);
        assert!(!(ended.report.to_string() + &ended.err).contains("hunter2"));
    }
}
