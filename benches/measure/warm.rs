//! Warm start: both tools installed and their files in memory. From the start of the process to its exit.

use crate::Result;
use crate::scene::Scene;
use crate::stats::{Summary, grouped};
use crate::table::{self, row};
use crate::tool::{Place, Tool, peak_memory, timed};

const METHOD: &str = "Both installed, alternating. Each run finds a better candidate and moves the tag, over plain HTTP on loopback. \
Wall time in milliseconds from start to exit, peak resident memory in KiB; median (lowest to highest), ratios pair by \
pair.";
/// Few, because memory hardly varies.
const MEMORY_RUNS: usize = 5;

pub(crate) fn measure(place: &Place) -> Result<()> {
    let scene = Scene::new();
    let server = scene.server();
    let milliseconds = |tool| -> Result<f64> {
        scene.reset();
        let elapsed = timed(&mut place.command(tool, &server), 0)?;
        scene.expect_moved(true)?;
        Ok(elapsed.as_secs_f64() * 1e3)
    };
    let memory = |tool| -> Result<f64> {
        scene.reset();
        let kib = peak_memory(&place.command(tool, &server), 0)?;
        Ok(f64::from(u32::try_from(kib)?))
    };
    // The first run of each only loads the files into memory.
    milliseconds(Tool::Gate)?;
    milliseconds(Tool::Peer)?;
    let time = pairs(place.runs_or(20), milliseconds)?;
    let memory = pairs(MEMORY_RUNS, memory)?;
    let rows = [("wall time, ms", time), ("peak memory, KiB", memory)].map(|(what, (gate, peer))| {
        let of = |values: &[f64]| Summary::of(values.iter().copied());
        row![what, of(&gate), of(&peer), Summary::of_ratios(&peer, &gate)]
    });
    table::print("Warm start", METHOD, &["", "gate", "peer", "ratio"], &rows);
    let bytes = std::fs::metadata(&place.gate)?.len();
    println!("\nThe gate's binary: {} bytes.", grouped(bytes));
    Ok(())
}

fn pairs(count: usize, mut measure: impl FnMut(Tool) -> Result<f64>) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut gate, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..count {
        gate.push(measure(Tool::Gate)?);
        peer.push(measure(Tool::Peer)?);
    }
    Ok((gate, peer))
}
