//! Requests and bytes, from the sandbox's log.

use crate::Result;
use crate::scene::{HEAD, PICTURE, Scene, Traffic, run};
use crate::stats::{grouped, short};
use crate::table::{self, row};
use crate::tool::{Place, Tool, timed};

const METHOD: &str = "From the sandbox's log: heads and bodies, both directions. A \"verdict\" does not move the tag. The gate's report \
includes one request for curves, which the peer does not draw; the second column is without it.";
const DIRTY_RUNS: usize = 50;
const DIFF: usize = 500_000;

pub(crate) fn measure(place: &Place) -> Result<()> {
    let mut rows = Vec::new();
    for (situation, dirty) in [("one candidate", 0), ("50 newer dirty runs, diffs of 500 kB", DIRTY_RUNS)] {
        let scene = Scene::new();
        for n in 0..dirty {
            // Newer than the candidate, so that a tool that reads one run after another reads all of them.
            scene.sandbox.add(run(HEAD, 0.9).diff(&"+x\n".repeat(DIFF / 3)).started(LATER + i64::try_from(n)?));
        }
        for (what, promote) in [("verdict", "never"), ("promotion", "pass")] {
            let (gate, bare) = traffic(place, &scene, Tool::Gate, promote)?;
            let (peer, _) = traffic(place, &scene, Tool::Peer, promote)?;
            let ratio = |gate: Traffic| short(ratio(peer.bytes(), gate.bytes()));
            rows.push(row![
                format!("{what}, {situation}"),
                format!("{} ({} bytes)", gate.requests, grouped(gate.bytes())),
                format!("{} ({} bytes)", bare.requests, grouped(bare.bytes())),
                format!("{} ({} bytes)", peer.requests, grouped(peer.bytes())),
                ratio(gate),
                ratio(bare),
            ]);
        }
    }
    let head = ["what", "gate", "gate without curves", "peer", "bytes, ratio", "without curves"];
    table::print("Requests and bytes", METHOD, &head, &rows);
    Ok(())
}

/// 2026-02-01, after all seeded runs, in microseconds since 1970.
const LATER: i64 = 1_769_904_000_000_000;

/// The total, and the same without the curves.
fn traffic(place: &Place, scene: &Scene, tool: Tool, promote: &str) -> Result<(Traffic, Traffic)> {
    scene.reset();
    timed(place.command(tool, &scene.server()).env("CLEARML_PROMOTE", promote), 0)?;
    scene.expect_moved(promote != "never")?;
    Ok((scene.traffic(), scene.traffic_without(PICTURE)))
}

fn ratio(large: u64, small: u64) -> f64 {
    let float = |bytes: u64| f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
    float(large) / float(small)
}
