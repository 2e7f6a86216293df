//! Which certificates are trusted, and what the report says about the others.

use std::time::Instant;

use clearml_sandbox::Sandbox;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd};

use rustls::pki_types::CertificateDer;

use crate::network::server::{serve, tls};
use crate::support::{Gate, pair};

/// A server behind a certificate of a private authority, and that authority as PEM.
pub(crate) fn server(
    sandbox: &Sandbox,
    change: impl Fn(&mut CertificateParams),
) -> (String, String, impl Fn() -> usize) {
    let ca = CertifiedIssuer::self_signed(authority(), key()).unwrap();
    let mut leaf = CertificateParams::new(["127.0.0.1".to_owned(), "clearml.example".to_owned()]).unwrap();
    change(&mut leaf);
    let key = key();
    let chain = vec![leaf.signed_by(&key, &ca).unwrap().der().clone()];
    let to = sandbox.address();
    let (address, got) = tls(to, chain, key.into());
    (format!("https://{address}"), ca.pem(), move || got.lock().unwrap().len())
}

/// A gate that reaches the sandbox through a server with this chain, and trusts this authority.
fn gate(sandbox: &Sandbox, chain: Vec<CertificateDer<'static>>, key: KeyPair, pem: &str) -> Gate {
    let to = sandbox.address();
    let (address, _) = tls(to, chain, key.into());
    let gate = Gate::of(sandbox).set("CLEARML_API_HOST", &format!("https://{address}"));
    let file = gate.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    gate.set("CLEARML_API_HOST_VERIFY_CERT", file.to_str().unwrap())
}

fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

fn authority() -> CertificateParams {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
}

#[test]
fn trusts_a_private_authority_that_a_setting_names() {
    for name in ["CLEARML_API_HOST_VERIFY_CERT", "SSL_CERT_FILE"] {
        let (sandbox, ..) = pair(0.8, 0.9);
        let (url, pem, _) = server(&sandbox, |_| {});
        let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url);
        let file = gate.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        let ran = gate.set(name, file.to_str().unwrap()).run().expect(0, "PASSED, improved");
        assert!(!ran.out.contains("warning"), "{}", ran.out);
    }
}

#[test]
fn trusts_the_authorities_in_a_folder() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (url, pem, _) = server(&sandbox, |_| {});
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url);
    let folder = gate.path().join("certs");
    std::fs::create_dir(&folder).unwrap();
    // As c_rehash names it.
    std::fs::write(folder.join("5ed36f99.0"), pem).unwrap();
    gate.set("SSL_CERT_DIR", folder.to_str().unwrap()).run().expect(0, "PASSED, improved");
}

#[test]
fn rejects_a_server_that_does_not_send_its_intermediate_certificate() {
    let root = CertifiedIssuer::self_signed(authority(), key()).unwrap();
    let mut between = authority();
    between.distinguished_name.push(DnType::CommonName, "between");
    let between = CertifiedIssuer::signed_by(between, key(), &root).unwrap();
    for sends in [true, false] {
        let (sandbox, ..) = pair(0.8, 0.9);
        let (leaf, key) = (CertificateParams::new(["127.0.0.1".to_owned()]).unwrap(), key());
        let mut chain = vec![leaf.signed_by(&key, &between).unwrap().der().clone()];
        chain.extend(sends.then(|| between.der().clone()));
        let ran = gate(&sandbox, chain, key, &root.pem()).run();
        if sends {
            ran.expect(0, "PASSED, improved");
        } else {
            ran.expect(4, "NO VERDICT: no trusted connection").says("The server must also");
        }
    }
}

#[test]
fn trusts_a_named_self_signed_certificate_unless_it_is_an_authority() {
    // `openssl req -x509` makes the second one by default.
    for (mut leaf, is_authority) in [(CertificateParams::default(), false), (authority(), true)] {
        let ((sandbox, ..), key) = (pair(0.8, 0.9), key());
        leaf.subject_alt_names = vec![SanType::IpAddress("127.0.0.1".parse().unwrap())];
        let leaf = leaf.self_signed(&key).unwrap();
        let ran = gate(&sandbox, vec![leaf.der().clone()], key, &leaf.pem()).run();
        if is_authority {
            ran.expect(4, "NO VERDICT: no trusted connection").says("basicConstraints=critical,CA:FALSE");
        } else {
            ran.expect(0, "PASSED, improved");
        }
    }
}

/// Makes a certificate invalid.
type Spoil = fn(&mut CertificateParams);

#[test]
fn sends_nothing_to_a_server_with_an_untrusted_certificate() {
    let faults: [(Spoil, bool, &str); 4] = [
        (|_| {}, false, "comes from an authority that is not trusted here"),
        (|leaf| leaf.not_after = date_time_ymd(2020, 2, 1), true, "has expired (2020-02-01T00:00:00Z)"),
        (|leaf| leaf.not_before = date_time_ymd(3000, 1, 1), true, "is not valid yet (3000-01-01T00:00:00Z)"),
        (|leaf| leaf.subject_alt_names.clear(), true, "is for another name"),
    ];
    for (change, named, problem) in faults {
        let (sandbox, ..) = pair(0.8, 0.9);
        let (url, pem, got) = server(&sandbox, change);
        let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url);
        let file = gate.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        let verify = if named { file.to_str().unwrap() } else { "true" };
        let started = Instant::now();
        let gate = gate.set("CLEARML_API_HOST_VERIFY_CERT", verify);
        gate.run().expect(4, "NO VERDICT: no trusted connection").says(problem);
        assert!(started.elapsed().as_secs() < 20);
        assert_eq!(got(), 0, "{problem}");
        let gate = gate.set("CLEARML_API_HOST_VERIFY_CERT", "false");
        gate.run().expect(0, "PASSED, improved").says("the server's certificate is not verified");
    }
}

#[test]
fn does_not_replace_a_named_store_that_is_empty() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (url, ..) = server(&sandbox, |_| {});
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url).set("SSL_CERT_FILE", "/nowhere.pem");
    gate.run().expect(4, "NO VERDICT: no trusted connection").says("SSL_CERT_FILE or SSL_CERT_DIR is set");
}

/// A server hello that chooses TLS 1.1, the alert of a server that supports nothing newer, and plain HTTP.
#[test]
fn rejects_tls_1_1_and_plain_text_at_once() {
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let answers = [
        (hello, "it supports no secure version of TLS"),
        (vec![21, 3, 2, 0, 2, 2, 70], "it supports no secure version of TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "its response is not TLS"),
    ];
    for (answer, problem) in answers {
        use std::io::{Read as _, Write as _};
        let address = serve(move |mut stream| {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            stream.write_all(&answer).unwrap();
            let _ = stream.read(&mut buffer);
        });
        let (sandbox, ..) = pair(0.8, 0.9);
        let started = Instant::now();
        let ran = Gate::of(&sandbox).set("CLEARML_API_HOST", &format!("https://{address}")).run();
        ran.expect(4, "NO VERDICT: no trusted connection").says(problem);
        assert!(started.elapsed().as_secs() < 20);
    }
}
