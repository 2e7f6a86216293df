//! Measures the gate and the same job done with the ClearML SDK, alternating in one run, and prints tables.
//!
//! `benches/run.sh` prepares and runs this; docs/performance.md has the figures.
//!
//! | file | what it does |
//! |---|---|
//! | `cold`, `warm`, `requests`, `latency`, `scale` | one part of the suite each |
//! | `budgets` | checks the figures that repeat against benches/budgets.txt |
//! | `scene` | what is judged |
//! | `tool` | the processes: time, memory, instructions |
//! | `relay`, `files` | distance, encryption, downloads |
//! | `stats`, `table` | medians and Markdown |

mod budgets;
mod cold;
mod files;
mod latency;
mod relay;
mod requests;
mod scale;
mod scene;
mod stats;
mod table;
mod tool;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use argh::FromArgs;

use tool::Place;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// measures the gate against the ClearML SDK
#[derive(FromArgs)]
struct Args {
    /// the gate's binary
    #[argh(option)]
    gate: PathBuf,
    /// the directory that benches/run.sh prepared
    #[argh(option)]
    work: PathBuf,
    /// repetitions; 0 selects a number that suits the part
    #[argh(option, default = "0")]
    runs: usize,
    /// cold, warm, requests, latency, scale, size or budgets
    #[argh(positional)]
    parts: Vec<String>,
}

fn main() -> ExitCode {
    match run(&argh::from_env()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("measure: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all parts succeeded within their budgets.
fn run(args: &Args) -> Result<bool> {
    let place = Place {
        root: std::env::current_dir()?,
        gate: args.gate.canonicalize()?,
        work: args.work.canonicalize()?,
        runs: args.runs,
    };
    std::fs::create_dir_all(place.work.join("home"))?;
    let mut well = true;
    for part in &args.parts {
        match part.as_str() {
            "cold" => cold::measure(&place)?,
            "warm" => warm::measure(&place)?,
            "requests" => requests::measure(&place)?,
            "latency" => latency::measure(&place)?,
            "scale" => scale::measure(&place)?,
            "size" => budgets::show(&place)?,
            "budgets" => well &= budgets::check(&place)?,
            unknown => return Err(format!("no such part: {unknown}").into()),
        }
    }
    Ok(well)
}
