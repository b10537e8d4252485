//! What the configuration wants of the sandbox: the level, the limits. Not here: reading it (`config`).
use std::fs;
use std::sync::LazyLock;

use crate::config::Sandbox;
use crate::sandbox::launch::Limits;
use crate::sandbox::level::{Level, Probe};

/// Bytes of memory of this machine, where it tells.
static MEMORY_BYTES: LazyLock<Option<u64>> = LazyLock::new(|| {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
});

/// The level where none is configured, or the highest below it that there is.
const UNCONFIGURED: Level = Level::Isolated;

/// Returns the level that the agent's commands run at: the one that is configured, else the usual one; never one below the
/// configured floor.
pub(crate) fn wanted(sandbox: &Sandbox, probe: &Probe) -> Level {
    chosen(sandbox).unwrap_or(UNCONFIGURED.min(probe.level)).max(floor(sandbox))
}

/// Returns the level that a person's own commands run at: what they typed they have decided about, so only what is configured
/// confines it.
pub(crate) fn wanted_for_a_person(sandbox: &Sandbox) -> Level {
    chosen(sandbox).unwrap_or(Level::Clean).max(floor(sandbox))
}

fn chosen(sandbox: &Sandbox) -> Option<Level> {
    sandbox.level.and_then(|number| Level::of_number(number.into()))
}

fn floor(sandbox: &Sandbox) -> Level {
    Level::of_number(sandbox.level_min.into()).unwrap_or(Level::Isolated)
}

impl Limits {
    /// Returns the configured limits of a command.
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let configured = (sandbox.memory_mib > 0).then(|| sandbox.memory_mib.saturating_mul(1 << 20));
        Self {
            memory_bytes: configured.or_else(|| MEMORY_BYTES.map(|bytes| bytes / 4 * 3)),
            processes: Some(sandbox.processes),
            cpu_s: (sandbox.cpu_s > 0).then_some(sandbox.cpu_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(there_is: Level, level: Option<u8>, level_min: u8, expected: (Level, Level)) {
        let sandbox = Sandbox { level, level_min, ..Sandbox::default() };
        let probe = Probe { level: there_is, missing: Vec::new(), ..Probe::nothing() };
        assert_eq!((wanted(&sandbox, &probe), wanted_for_a_person(&sandbox)), expected);
    }

    #[test]
    fn the_highest_level_there_is_is_wanted_unless_another_is_configured() {
        use Level::{Bare, Clean, Confined, Isolated};
        check(Isolated, None, 1, (Isolated, Clean));
        check(Confined, None, 1, (Confined, Clean));
        check(Clean, None, 1, (Clean, Clean));
        check(Isolated, Some(1), 1, (Clean, Clean));
        check(Isolated, Some(2), 1, (Confined, Confined));
        check(Isolated, Some(1), 2, (Confined, Confined));
        check(Isolated, None, 2, (Isolated, Confined));
        check(Confined, Some(3), 1, (Isolated, Isolated));
        check(Isolated, None, 0, (Isolated, Clean));
        check(Isolated, Some(0), 0, (Bare, Bare));
        check(Isolated, Some(0), 1, (Clean, Clean));
        let weak = Sandbox { level_min: 3, ..Sandbox::default() };
        assert_eq!(wanted(&weak, &Probe::nothing()), Isolated);
    }

    #[test]
    fn limits_are_those_configured_or_most_of_the_machine() {
        let sandbox = Sandbox { memory_mib: 1, cpu_s: 5, ..Sandbox::default() };
        let expected = Limits { memory_bytes: Some(1 << 20), processes: Some(2048), cpu_s: Some(5) };
        assert_eq!(Limits::of(&sandbox), expected);
        assert!(Limits::of(&Sandbox::default()).memory_bytes.is_some_and(|bytes| bytes > 1 << 20));
    }
}
