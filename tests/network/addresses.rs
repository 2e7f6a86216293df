//! Servers that are reached over IPv6 alone.

use crate::network::server::ipv6;
use crate::support::{Gate, TAG, pair};

#[test]
fn a_server_that_speaks_ipv6_alone_is_reached_and_on_this_machine_needs_no_warning() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let address = ipv6(sandbox.address());
    let ran = Gate::of(&sandbox).set("CLEARML_API_HOST", &format!("http://{address}")).run();
    let ran = ran.expect(0, "PASSED, improved");
    assert!(!ran.out.contains("sent unencrypted"), "{}", ran.out);
    assert_eq!(sandbox.tagged(TAG), [head]);
}
