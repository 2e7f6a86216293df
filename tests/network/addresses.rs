//! Servers that have only an IPv6 address.

use crate::network::server::ipv6;
use crate::support::{Gate, TAG, pair};

#[test]
fn reaches_an_ipv6_server_and_gives_no_warning_for_this_machine() {
    let (sandbox, _, head) = pair(0.8, 0.9);
    let address = ipv6(sandbox.address());
    let ran = Gate::of(&sandbox).set("CLEARML_API_HOST", &format!("http://{address}")).run();
    let ran = ran.expect(0, "PASSED, improved");
    assert!(!ran.out.contains("sent unencrypted"), "{}", ran.out);
    assert_eq!(sandbox.tagged(TAG), [head]);
}
