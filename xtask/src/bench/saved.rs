//! The last committed figures, in docs/bench.json. Not here: when to keep new ones; that is whoever commits them.

use super::figures::Figure;
use super::table;
use crate::{root, shell};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Figures by name.
pub(crate) type Saved = BTreeMap<String, f64>;

fn path() -> PathBuf {
    root::root().join("docs").join("bench.json")
}

/// Reads the figures; none if there is no file.
pub(crate) fn read() -> Result<Saved> {
    let path = path();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Saved::new()),
        Err(error) => return Err(error).context("cannot read docs/bench.json"),
    };
    let file: Value = serde_json::from_str(&text).context("docs/bench.json is no JSON")?;
    let figures = file["figures"].as_object().context("docs/bench.json has no figures")?;
    Ok(figures.iter().filter_map(|(name, figure)| Some((name.clone(), figure["value"].as_f64()?))).collect())
}

/// Writes the figures over those of the same names, and names the machine.
pub(crate) fn write(saved: &Saved, measured: &[Figure]) -> Result<()> {
    let units: BTreeMap<&str, &str> =
        measured.iter().map(|figure| (figure.name.as_str(), figure.unit)).collect();
    let mut all = saved.clone();
    all.extend(measured.iter().map(|figure| (figure.name.clone(), figure.value)));
    let figures: serde_json::Map<_, _> = all
        .into_iter()
        .map(|(name, value)| {
            let rounded = (value * 1e4).round() / 1e4;
            let entry = json!({"unit": units.get(name.as_str()), "value": rounded});
            (name, entry)
        })
        .collect();
    let file = json!({"machine": table::machine(), "figures": figures});
    std::fs::write(path(), format!("{file:#}\n")).context("cannot write docs/bench.json")?;
    shell::say("written to docs/bench.json");
    Ok(())
}
