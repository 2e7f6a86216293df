//! Whose certificates are believed, and what is said of the others.

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

/// A gate that asks the sandbox by way of a server with this chain, and believes this authority.
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
fn a_private_authority_is_believed_where_it_is_named_and_nowhere_else() {
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
fn a_folder_of_authorities_is_a_store() {
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
fn a_server_that_keeps_its_intermediate_certificate_to_itself_is_not_trusted() {
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
fn a_certificate_that_vouches_for_itself_is_believed_where_it_is_named_unless_it_is_an_authority_s() {
    // The second is what `openssl req -x509` makes when it is not told otherwise.
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

/// What is wrong with a certificate.
type Spoil = fn(&mut CertificateParams);

#[test]
fn a_certificate_that_is_not_trusted_gets_no_request_and_is_told_at_once() {
    let faults: [(Spoil, bool, &str); 4] = [
        (|_| {}, false, "comes from an authority that is not trusted here"),
        (|leaf| leaf.not_after = date_time_ymd(2020, 2, 1), true, "has expired (2020-02-01T00:00:00Z)"),
        (|leaf| leaf.not_before = date_time_ymd(3000, 1, 1), true, "is not valid yet (3000-01-01T00:00:00Z)"),
        (|leaf| leaf.subject_alt_names.clear(), true, "is for another name"),
    ];
    for (change, named, said) in faults {
        let (sandbox, ..) = pair(0.8, 0.9);
        let (url, pem, got) = server(&sandbox, change);
        let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url);
        let file = gate.path().join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        let verify = if named { file.to_str().unwrap() } else { "true" };
        let started = Instant::now();
        let gate = gate.set("CLEARML_API_HOST_VERIFY_CERT", verify);
        gate.run().expect(4, "NO VERDICT: no trusted connection").says(said);
        assert!(started.elapsed().as_secs() < 20);
        assert_eq!(got(), 0, "{said}");
        let gate = gate.set("CLEARML_API_HOST_VERIFY_CERT", "false");
        gate.run().expect(0, "PASSED, improved").says("the server's certificate is not verified");
    }
}

#[test]
fn a_store_that_is_named_and_empty_is_not_replaced() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (url, ..) = server(&sandbox, |_| {});
    let gate = Gate::of(&sandbox).set("CLEARML_API_HOST", &url).set("SSL_CERT_FILE", "/nowhere.pem");
    gate.run().expect(4, "NO VERDICT: no trusted connection").says("SSL_CERT_FILE or SSL_CERT_DIR is set");
}

/// A server hello that settles on TLS 1.1, and the alert of a server that cannot go higher.
#[test]
fn tls_1_1_and_what_is_not_tls_are_refused_at_once() {
    let mut hello = vec![22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let answers = [
        (hello, "it supports no secure version of TLS"),
        (vec![21, 3, 2, 0, 2, 2, 70], "it supports no secure version of TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "its response is not TLS"),
    ];
    for (answer, said) in answers {
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
        ran.expect(4, "NO VERDICT: no trusted connection").says(said);
        assert!(started.elapsed().as_secs() < 20);
    }
}
