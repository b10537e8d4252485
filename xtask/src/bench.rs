//! Measures the binary: start, memory, time of a tool turn, streaming, search, the journal.
//!
//! Not here: tests. Nothing fails because it was slow; a figure that falls short of its goal says so in its row.
//! Real processes are measured from outside, against the scripted model server, with state directories on the same disk as
//! the build. The goals are those of the performance page; docs/performance.md tells how to read the table.

mod agent;
mod capture;
mod commands;
mod corpus;
mod figures;
mod grep;
mod journal;
mod link;
mod load;
mod memory;
mod noise;
mod process;
mod saved;
mod start;
mod streaming;
mod table;
mod turns;
mod undo;
mod watcher;
mod wire;

use crate::{bubblewrap, dist, root, shell};
use anyhow::{Context, Result, bail};
use figures::Figure;
use std::path::PathBuf;

/// What to measure, and with which binary.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fewer rounds and shorter waits: a first look, not figures to keep
    #[arg(long)]
    quick: bool,
    /// Measure the static binary with fat LTO (`cargo xtask dist`) instead of a plain release build
    #[arg(long)]
    dist: bool,
    /// Measure this binary and build none: to compare two states of the code
    #[arg(long, value_name = "PATH", conflicts_with = "dist")]
    binary: Option<PathBuf>,
    /// Write the figures to docs/bench.json, with which later runs are compared
    #[arg(long, conflicts_with = "quick")]
    save: bool,
    /// Only these groups; all of them if none is named
    #[arg(value_name = "GROUP", value_parser = names())]
    groups: Vec<String>,
}

/// What every group is given.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The binary.
    binary: PathBuf,
    /// Where state directories, workspaces and corpora are made: on the disk of the build, since a temporary file system
    /// in memory would make every commit free.
    scratch: PathBuf,
    /// Where bubblewrap lies, where the machine has none of its own.
    bubblewrap: Option<PathBuf>,
    quick: bool,
}

impl Setup {
    /// Returns how many rounds to measure: `full`, or a third of it for a first look.
    fn rounds(&self, full: usize) -> usize {
        if self.quick { (full / 3).max(3) } else { full }
    }

    /// Returns the `PATH` of what is measured.
    fn path(&self) -> String {
        let own = "/usr/local/bin:/usr/bin:/bin";
        self.bubblewrap
            .as_ref()
            .map_or_else(|| own.to_owned(), |folder| format!("{own}:{}", folder.display()))
    }
}

type Measure = fn(&Setup) -> Result<Vec<Figure>>;

/// The groups in the order of the table.
const GROUPS: &[(&str, Measure)] = &[
    ("version", start::version),
    ("ready", start::ready),
    ("attach", start::attach),
    ("run", start::one_shot),
    ("idle", memory::idle),
    ("sessions", memory::sessions),
    ("turn", turns::measure),
    ("capture", capture::measure),
    ("commands", commands::measure),
    ("undo", undo::measure),
    ("deltas", streaming::measure),
    ("wire", wire::measure),
    ("crowd", load::crowd),
    ("sleeper", load::sleeper),
    ("many", load::many),
    ("grep", grep::measure),
    ("journal", journal::measure),
    ("binary", start::size),
];

fn names() -> Vec<&'static str> {
    GROUPS.iter().map(|(name, _)| *name).collect()
}

/// Builds, measures, prints the table; fails when something could not be measured.
pub(crate) fn run(options: &Options) -> Result<()> {
    let setup = prepare(options)?;
    shell::say(&table::machine());
    shell::say(&what(options));
    let before = noise::spread();
    let saved = saved::read()?;
    let mut measured = Vec::new();
    let mut failed = Vec::new();
    shell::say(&table::head());
    for (name, measure) in GROUPS {
        if !options.groups.is_empty() && !options.groups.iter().any(|wanted| wanted == name) {
            continue;
        }
        match measure(&setup) {
            Ok(figures) => {
                for figure in figures {
                    shell::say(&table::row(&figure, saved.get(&figure.name)));
                    measured.push(figure);
                }
            }
            Err(error) => {
                shell::say(&format!("{name}: not measured: {error:#}"));
                failed.push(*name);
            }
        }
    }
    shell::say(&table::noise(&before, &noise::spread()));
    if options.save {
        saved::write(&saved, &measured)?;
    }
    if !failed.is_empty() {
        bail!("not measured: {}", failed.join(", "));
    }
    Ok(())
}

fn what(options: &Options) -> String {
    let profile = match &options.binary {
        Some(_) => "unknown: a binary that was given",
        None if options.dist => "dist: static, fat LTO, stripped",
        None => "release: no LTO, dynamic",
    };
    format!("profile {profile}{}", if options.quick { "; quick, not to be kept" } else { "" })
}

fn prepare(options: &Options) -> Result<Setup> {
    let binary = match &options.binary {
        Some(binary) => binary.canonicalize().with_context(|| format!("no {}", binary.display()))?,
        None if options.dist => dist::build()?,
        None => {
            let build = ["build", "--release", "--package", "tenon-agent", "--bin", "tenon"];
            shell::run(shell::cargo().args(build))?;
            root::target().join("release").join("tenon")
        }
    };
    let scratch = root::target().join("bench");
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let bubblewrap = bubblewrap::folder().unwrap_or_else(|reason| {
        shell::say(&format!("no bubblewrap, unless the machine has it ({reason:#})"));
        None
    });
    Ok(Setup { binary, scratch, bubblewrap, quick: options.quick })
}
