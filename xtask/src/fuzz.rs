//! Runs the fuzz targets for as long as is asked: damaged streams against the codec, strange requests against a daemon.
//!
//! Not here: the targets, which run in a short form with every test. They are deterministic: each case is made from its
//! number, so a finding names the case that repeats it, and no nightly compiler is needed.

use crate::{root, shell};
use anyhow::Result;

/// This is a table: package and test of each target.
const TARGETS: [(&str, &str); 2] = [
    ("tenon-agent", "wire::codec::fuzz::damaged_streams_break_nothing"),
    ("tenon-tests", "fuzz::strange_requests_break_nothing"),
];

/// Runs every target for `seconds`, one after the other, and stops at the first finding.
pub(crate) fn run(seconds: u64) -> Result<()> {
    shell::run(shell::cargo().args(["build", "--package", "tenon-agent", "--bin", "tenon"]))?;
    for (package, target) in TARGETS {
        shell::say(&format!("fuzz: {target}, {seconds} s"));
        let mut test = shell::cargo();
        test.args(["test", "--package", package, "--lib", "--tests", target, "--", "--exact", "--nocapture"]);
        test.env("FUZZ_SECONDS", seconds.to_string());
        shell::run(test.env("TENON_BIN", root::target().join("debug").join("tenon")))?;
    }
    shell::say("fuzz: no finding");
    Ok(())
}
