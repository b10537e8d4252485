//! What the system tells about a process, read from /proc. Not here: starting it (`agent`).

use super::figures::number;
use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;

/// Returns the memory of a process that is resident, in MB (10^6 bytes).
pub(crate) fn resident_mb(pid: u32) -> Result<f64> {
    Ok(number(status(&format!("/proc/{pid}/status"), "VmRSS")? * 1024) / 1e6)
}

/// Returns the memory of a process that belongs to it alone (not the pages of its binary that the page cache has anyway),
/// in MB.
pub(crate) fn private_mb(pid: u32) -> Result<f64> {
    Ok(number(status(&format!("/proc/{pid}/status"), "RssAnon")? * 1024) / 1e6)
}

/// Returns how often the threads of a process went to sleep by themselves so far: each is a wake-up that was.
pub(crate) fn sleeps(pid: u32) -> Result<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")?;
    let mut sleeps = 0;
    for task in tasks.flatten() {
        // A thread may end while its siblings are read.
        let path = task.path().join("status");
        sleeps += status(&path.to_string_lossy(), "voluntary_ctxt_switches").unwrap_or(0);
    }
    Ok(sleeps)
}

/// Returns the time on a processor that the living threads of a process have used so far.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).context("the process is gone")?;
    let mut nanoseconds = 0;
    for task in tasks.flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        nanoseconds += text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Reads a number of a `status` file: kB where it has a unit.
fn status(path: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let word = value.and_then(|value| value.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).with_context(|| format!("{path} has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_used_time() {
        let pid = std::process::id();
        assert!(resident_mb(pid).unwrap() > private_mb(pid).unwrap());
        assert!(cpu(pid).unwrap() > Duration::ZERO);
        sleeps(pid).unwrap();
        assert!(resident_mb(u32::MAX).is_err());
    }
}
