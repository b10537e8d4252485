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

/// Tells whether the agent of a home found a level of the sandbox: a busy machine may keep one from being found.
///
/// # Errors
/// The agent cannot be asked.
pub fn has_level(home: &Home, level: u8) -> anyhow::Result<bool> {
    home.tenon(&["rpc", "agent/list", r#"{"kind": "session"}"#])?.expect(0)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = home.tenon(&["doctor"])?.stdout;
        let found = told
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("sandbox")?.trim().strip_prefix("level "));
        match found.and_then(|found| found.chars().next()?.to_digit(10)) {
            Some(found) => return Ok(found >= u32::from(level)),
            None if Instant::now() > deadline => return Ok(false),
            None => sleep(Duration::from_millis(20)),
        }
    }
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
