//! What depends on the machine's files: its certificate store, and the addresses of a name.
//!
//! The gate runs in its own mount namespace, where the test replaces those files. This needs root, or a system that allows
//! user namespaces, so the tests run only on request: `cargo test --test integration network:: -- --ignored`. `.ci/run` does
//! that.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use clearml_sandbox::Sandbox;
use socket2::{Domain, Socket, Type};

use crate::network::certificates::server;
use crate::support::{Gate, Ran, TAG, pair};

/// Runs the gate after these shell commands have mounted files over the machine's. They run in the gate's directory.
fn run_in_namespace(gate: &Gate, mounts: &str) -> Ran {
    let namespaces: &[&str] = if is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let inner = gate.command();
    let mut command = Command::new("unshare");
    command.args(namespaces).args(["sh", "-euc", &format!("{mounts}\nexec \"$@\""), "sh"]);
    command.arg(inner.get_program()).args(inner.get_args()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ran::of(&command.current_dir(gate.path()).output().unwrap())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0\n")
}

/// Empties every place where a certificate store may be.
const STORES: &str = "for store in /etc/ssl /etc/pki /usr/share/ca-certificates /usr/local/share/ca-certificates; do \
    if [ -d $store ]; then mount -t tmpfs none $store; fi; done";

fn trusting_the_system(sandbox: &Sandbox) -> (Gate, impl Fn() -> usize) {
    let (url, pem, got) = server(sandbox, |_| {});
    let gate = Gate::of(sandbox).set("CLEARML_API_HOST", &url);
    std::fs::write(gate.path().join("ca.pem"), pem).unwrap();
    (gate, got)
}

#[test]
#[ignore = "needs a mount namespace; .ci/run asks for it"]
fn trusts_an_authority_in_the_system_store() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (gate, _) = trusting_the_system(&sandbox);
    let store = "mkdir /etc/ssl/certs; cp ca.pem /etc/ssl/certs/ca-certificates.crt";
    run_in_namespace(&gate, &format!("{STORES}; {store}")).expect(0, "PASSED, improved");
}

/// As in a bare container. The error says that the authority is not trusted, not that there are no authorities, so the
/// gate used the built-in roots.
#[test]
#[ignore = "needs a mount namespace; .ci/run asks for it"]
fn uses_the_built_in_roots_if_the_system_has_no_store() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let (gate, got) = trusting_the_system(&sandbox);
    let ran = run_in_namespace(&gate, STORES).expect(4, "NO VERDICT: no trusted connection");
    ran.says("comes from an authority that is not trusted here");
    assert_eq!(got(), 0);
    let named = gate.set("CLEARML_API_HOST_VERIFY_CERT", "ca.pem");
    run_in_namespace(&named, STORES).expect(0, "PASSED, improved");
}

/// A name with two addresses: one without a server, then the server's.
fn with_two_addresses(sandbox: &Sandbox) -> (Gate, SocketAddr) {
    let address: SocketAddr = sandbox.address();
    let gate = Gate::of(sandbox).set("CLEARML_API_HOST", &format!("http://two.example:{}", address.port()));
    // All resolvers return the IPv6 loopback address first.
    std::fs::write(gate.path().join("hosts"), "::1 two.example\n127.0.0.1 two.example\n").unwrap();
    (gate, SocketAddr::new("::1".parse().unwrap(), address.port()))
}

const HOSTS: &str = "mount --bind hosts /etc/hosts";

#[test]
#[ignore = "needs a mount namespace; .ci/run asks for it"]
fn uses_the_second_address_if_the_first_refuses() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let (gate, _) = with_two_addresses(&sandbox);
    run_in_namespace(&gate, HOSTS).expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [head]);
}

#[test]
#[ignore = "needs a mount namespace; .ci/run asks for it"]
fn uses_the_second_address_if_the_first_is_silent() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let (gate, first) = with_two_addresses(&sandbox);
    // With a full queue, new connections get no response, as behind a firewall.
    let listener = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
    listener.set_only_v6(true).unwrap();
    listener.bind(&first.into()).unwrap();
    listener.listen(0).unwrap();
    let queue: Vec<TcpStream> =
        (0..8).map_while(|_| TcpStream::connect_timeout(&first, Duration::from_millis(300)).ok()).collect();
    assert!(queue.len() < 8, "the queue is never full");
    let started = Instant::now();
    run_in_namespace(&gate, HOSTS).expect(0, "PASSED, improved");
    // Once for the run, not for each request.
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_secs(1), "the first address was not tried");
    assert_eq!(sandbox.tagged(TAG), [head]);
}
