//! How much of the machine the tree beneath this process takes, and whether that is more than it may. Not here: ending it
//! (`supervisor`).
//!
//! Looked at from time to time, since the kernel's own limits count per process or per user: a build of many processes would
//! not feel them, or a person's other programs would.
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use crate::process::launch::{Bound, Bounds};
use crate::process::{system, tree};

/// The pause between two looks, at least: in it a command can take what a machine gives away in that time.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// How much longer than a look the pause after it is, so that looking costs one part in this of a processor.
const PAUSE_FACTOR: u32 = 20;

/// Looks at the tree from time to time.
#[derive(Debug)]
pub(in crate::process) struct Guard {
    bounds: Bounds,
    next: Option<Instant>,
}

impl Guard {
    pub(in crate::process) fn new(bounds: Bounds) -> Self {
        let next = (bounds != Bounds::default()).then(|| Instant::now() + PAUSE_MIN);
        Self { bounds, next }
    }

    /// Returns when the next look is due; `None`: never.
    pub(in crate::process) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Looks, if it is due; returns what there is too much of.
    pub(in crate::process) fn look(&mut self) -> Option<Bound> {
        let began = Instant::now();
        self.next.filter(|next| began >= *next)?;
        let exceeded = Taken::by_tree().exceeds(self.bounds);
        self.next = Some(Instant::now() + PAUSE_MIN.max(began.elapsed() * PAUSE_FACTOR));
        exceeded
    }
}

/// What a tree takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    memory_bytes: u64,
    processes: u32,
    cpu_ms: u64,
}

impl Taken {
    /// Adds up what lies beneath this process, and what of it has ended.
    fn by_tree() -> Self {
        let mut taken = Self { cpu_ms: system::children_usage().cpu_ms, ..Self::default() };
        let tick_ms = system::tick_ms();
        for process in tree::beneath_this(&BTreeSet::new()) {
            taken.processes += 1;
            taken.memory_bytes = taken.memory_bytes.saturating_add(own_memory(process.pid));
            taken.cpu_ms = taken.cpu_ms.saturating_add(process.cpu_ticks.saturating_mul(tick_ms));
        }
        taken
    }

    fn exceeds(self, bounds: Bounds) -> Option<Bound> {
        let over = |is: u64, bound: Option<u64>, what| bound.is_some_and(|bound| is > bound).then_some(what);
        over(self.memory_bytes, bounds.memory_bytes, Bound::Memory)
            .or_else(|| over(self.processes.into(), bounds.processes.map(Into::into), Bound::Processes))
            .or_else(|| over(self.cpu_ms, bounds.cpu_ms, Bound::Cpu))
    }
}

/// Returns the bytes of memory that a process has and that are of no file, as `/proc/PID/statm` tells them; 0 where it has ended.
fn own_memory(pid: i32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let mut pages = text.split_ascii_whitespace().skip(1).map_while(|field| field.parse::<u64>().ok());
    let (resident, shared) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
    resident.saturating_sub(shared).saturating_mul(system::page_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bound_that_is_passed_is_told() {
        let taken = Taken { memory_bytes: 10, processes: 3, cpu_ms: 7 };
        let bounds = |memory: u64, processes: u32, cpu: u64| Bounds {
            memory_bytes: Some(memory),
            processes: Some(processes),
            cpu_ms: Some(cpu),
        };
        assert_eq!(taken.exceeds(bounds(10, 3, 7)), None);
        assert_eq!(taken.exceeds(bounds(9, 3, 7)), Some(Bound::Memory));
        assert_eq!(taken.exceeds(bounds(10, 2, 7)), Some(Bound::Processes));
        assert_eq!(taken.exceeds(bounds(10, 3, 6)), Some(Bound::Cpu));
        assert_eq!(taken.exceeds(Bounds::default()), None);
    }

    #[test]
    fn this_process_has_memory_of_its_own() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(own_memory(own) > 0);
        assert_eq!(own_memory(i32::MAX), 0);
    }
}
