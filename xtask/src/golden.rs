//! Records what a client of this version is told and what it leaves behind, for the tests of later versions. Not here: the
//! recording itself, which is a test of its own (`golden::record`), and what is compared with it.

use crate::{root, shell};
use anyhow::Result;

/// Records the present version into `tests/golden/VERSION`; one that is there is not touched.
pub(crate) fn run() -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    shell::run(shell::cargo().args(["build", "--package", "tenon-agent", "--bin", "tenon"]))?;
    let mut test = shell::cargo();
    test.args(["test", "--package", "tenon-tests", "--test", "integration"]);
    test.args(["golden::record::the_present_version_is_recorded_on_demand", "--", "--exact", "--nocapture"]);
    test.env("GOLDEN_VERSION", version);
    shell::run(test.env("TENON_BIN", root::target().join("debug").join("tenon")))?;
    shell::say(&format!("recorded: tests/golden/{version}; read it, and commit it with the release"));
    Ok(())
}
