//! Wall time with a distant server, against the theoretical minimum.

use std::time::Duration;

use crate::Result;
use crate::relay;
use crate::scene::Scene;
use crate::stats::{Summary, short};
use crate::table::{self, row};
use crate::tool::{Place, Server, Tool, timed};

const METHOD: &str = "A relay on loopback delays everything by half a round trip in each direction, and the opening of a connection by \
one. TLS 1.3 ends behind it. The floor is `(TCP + TLS + requests) × RTT`, with one round trip each for TCP and TLS and the \
requests of the sandbox's log, one after another on one connection. Milliseconds, median (lowest to highest). The time of \
the peer includes its start.";
const ROUND_TRIPS: [u64; 3] = [50, 100, 200];

pub(crate) fn measure(place: &Place) -> Result<()> {
    let scene = Scene::new();
    let mut rows = Vec::new();
    for encrypted in [false, true] {
        let (near, authority) = if encrypted {
            let (address, authority) = relay::encrypted(scene.address(), &place.work)?;
            (address, Some(authority))
        } else {
            (scene.address(), None)
        };
        let scheme = if encrypted { "https" } else { "http" };
        for milliseconds in ROUND_TRIPS {
            let far = relay::far(near, Duration::from_millis(milliseconds))?;
            let server =
                Server { authority: authority.clone(), ..Server::of(&scene.sandbox, format!("{scheme}://{far}")) };
            for (what, promote) in [("verdict", "never"), ("promotion", "pass")] {
                let (gate, requests) = times(place, Tool::Gate, &scene, &server, promote)?;
                let (peer, _) = times(place, Tool::Peer, &scene, &server, promote)?;
                let round_trips = u32::try_from(1 + usize::from(encrypted) + requests)?;
                let floor = f64::from(round_trips) * f64::from(u32::try_from(milliseconds)?);
                rows.push(row![
                    scheme,
                    milliseconds,
                    what,
                    round_trips,
                    short(floor),
                    gate,
                    format!("{:+.1} %", (gate.median / floor - 1.0) * 100.0),
                    short(peer.median),
                    short(peer.median / gate.median),
                ]);
            }
        }
    }
    let head = ["", "RTT, ms", "what", "round trips", "floor, ms", "gate, ms", "above", "peer, ms", "times the gate"];
    table::print("Latency", METHOD, &head, &rows);
    Ok(())
}

/// Times in milliseconds, and the requests of each run.
fn times(place: &Place, tool: Tool, scene: &Scene, server: &Server<'_>, promote: &str) -> Result<(Summary, usize)> {
    let mut times = Vec::new();
    for _ in 0..place.runs_or(5) {
        scene.reset();
        times.push(timed(place.command(tool, server).env("CLEARML_PROMOTE", promote), 0)?.as_secs_f64() * 1e3);
        scene.expect_moved(promote != "never")?;
    }
    Ok((Summary::of(times), scene.traffic().requests))
}
