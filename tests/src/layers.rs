//! Whether what commands write can be caught in a layer on this machine, and which levels of the sandbox it has: tests of that are
//! skipped where it cannot. Not here: the tests.
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::home::Home;

/// How long an agent may take to find out.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks an agent, once.
///
/// # Errors
/// There are none here, with the reason; nor are there any where the agent does not say.
pub fn available() -> Result<(), String> {
    static FOUND: OnceLock<Result<(), String>> = OnceLock::new();
    FOUND.get_or_init(|| ask().unwrap_or_else(|error| Err(format!("{error:#}")))).clone()
}

/// Tells whether commands can have a level of the sandbox here.
///
/// # Errors
/// The agent cannot be asked.
pub fn has_level(level: u8) -> anyhow::Result<bool> {
    let home = Home::new()?;
    home.configure(&format!("sandbox.level = {level}\n"))?;
    home.tenon(&["trust"])?.expect(0)?;
    let tried = home.tenon(&["jobs", "run", "true"])?;
    Ok(!tried.stderr.contains("is demanded"))
}

fn ask() -> anyhow::Result<Result<(), String>> {
    let home = Home::new()?;
    // A doctor starts no agent.
    home.tenon(&["rpc", "agent/list", r#"{"kind": "session"}"#])?.expect(0)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = home.tenon(&["doctor"])?.stdout;
        let line = told.lines().find(|line| line.trim_start().starts_with("changes")).unwrap_or_default();
        if line.contains("is caught exactly") {
            return Ok(Ok(()));
        }
        if line.contains("comparing") || Instant::now() > deadline {
            return Ok(Err(line.trim().to_owned()));
        }
        // It is found out beside everything else that an agent does when it starts.
        sleep(Duration::from_millis(20));
    }
}
