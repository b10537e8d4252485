//! The gate, in the order that fails fastest.
//!
//! Not here: what a step checks; a step is another task or one call of cargo.

use crate::{codegen, deny, shell, test, tidy};
use anyhow::{Context, Result};
use std::time::Instant;

type Step = (&'static str, fn() -> Result<()>);

/// This is a table: the gate in order.
const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("codegen", || codegen::run(codegen::Mode::Check)),
    ("clippy", clippy),
    ("test", || test::run_with(test::Slow::Included, None)),
    ("doc", doc),
    ("deny", deny::run),
];

/// Runs every step and stops at the first that fails, naming it.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    for (name, step) in STEPS {
        shell::say(&format!("== {name}"));
        let step_started = Instant::now();
        step().with_context(|| format!("step `{name}` of ci"))?;
        shell::say(&format!("== {name}: ok, {:.1} s", step_started.elapsed().as_secs_f64()));
    }
    shell::say(&format!("== ci: ok, {} steps, {:.1} s", STEPS.len(), started.elapsed().as_secs_f64()));
    Ok(())
}

fn fmt() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn doc() -> Result<()> {
    let mut doc = shell::cargo();
    // The binary `tenon` has no page of its own beside the library's.
    doc.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    shell::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
