//! Checks the figures that repeat (size and instructions) against benches/budgets.txt. `cargo test` checks requests and
//! bytes, in tests/gate/budgets.rs.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::scene::Scene;
use crate::stats::grouped;
use crate::table::{self, row};
use crate::tool::{Place, Tool, instructions, peak_memory};

/// A figure and its limit.
struct Figure {
    name: &'static str,
    value: u64,
}

/// Whether every figure is within its budget, and every budget has its figure.
pub(crate) fn check(place: &Place) -> Result<bool> {
    let path = place.root.join("benches/budgets.txt");
    let budgets = read(&path)?;
    let figures = figures(place)?;
    let mut well = true;
    let mut rows = Vec::new();
    for Figure { name, value } in &figures {
        let budget = budgets.iter().find(|(known, _)| known == name).map(|(_, budget)| *budget);
        let budget = budget.ok_or_else(|| format!("{} has no budget for {name}", path.display()))?;
        let within = *value <= budget;
        well &= within;
        rows.push(row![name, grouped(*value), grouped(budget), if within { "within" } else { "EXCEEDED" }]);
    }
    if let Some((unknown, _)) = budgets.iter().find(|(name, _)| figures.iter().all(|figure| figure.name != name)) {
        return Err(format!("{}: {unknown} is not measured", path.display()).into());
    }
    table::print(
        "Budgets",
        "Figures that repeat, for the host's release build.",
        &["", "measured", "limit", ""],
        &rows,
    );
    Ok(well)
}

/// Lines with a name and a number; `#` starts a comment.
fn read(path: &Path) -> Result<Vec<(String, u64)>> {
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (name, number) = line.split_once(char::is_whitespace).ok_or_else(|| format!("no number: {line}"))?;
            Ok((name.to_owned(), number.trim().replace('_', "").parse()?))
        })
        .collect()
}

fn figures(place: &Place) -> Result<Vec<Figure>> {
    let scene = Scene::new();
    let server = scene.server();
    let of = |arg: &str| place.with_settings(&place.gate, &[PathBuf::from(arg)], &server);
    let promotion = {
        scene.reset();
        instructions(&place.command(Tool::Gate, &server), 0)?
    };
    scene.expect_moved(true)?;
    Ok(vec![
        Figure { name: "binary-bytes", value: std::fs::metadata(&place.gate)?.len() },
        Figure { name: "version-instructions", value: instructions(&of("--version"), 0)? },
        Figure { name: "help-instructions", value: instructions(&of("--help"), 0)? },
        Figure { name: "promotion-instructions", value: promotion },
    ])
}

/// Instructions and peak memory of the binary.
pub(crate) fn show(place: &Place) -> Result<()> {
    let mut rows: Vec<Vec<String>> =
        figures(place)?.into_iter().map(|figure| row![figure.name, grouped(figure.value)]).collect();
    let scene = Scene::new();
    let server = scene.server();
    let version = place.with_settings(&place.gate, &[PathBuf::from("--version")], &server);
    rows.push(row!["version-peak-kib", grouped(peak_memory(&version, 0)?)]);
    scene.reset();
    rows.push(row!["promotion-peak-kib", grouped(peak_memory(&place.command(Tool::Gate, &server), 0)?)]);
    table::print(
        "Size, start, memory",
        "Instructions counted by callgrind; peak resident memory.",
        &["", "figure"],
        &rows,
    );
    Ok(())
}
