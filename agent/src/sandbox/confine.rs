//! What a helper does to itself before it becomes a command: limits, privileges, its door, Landlock, seccomp, in this order. Not
//! here: the namespaces, in which it is at level 3 already (`bubblewrap`).
//!
//! Each step is checked, and nothing runs when one fails.
use std::collections::BTreeMap;
use std::os::fd::{OwnedFd, RawFd};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use crate::process::{Inside, help_main};
use crate::sandbox::confinement::{Confinement, Network};
use crate::sandbox::level::Level;
use crate::sandbox::{door, filter, landlock};

/// How much sooner than others the kernel ends a command when memory runs out, of 1000.
const ENDED_SOONER: &str = "500";

/// Capabilities that are looked for; the kernel says where the list ends.
const CAPABILITIES_MAX: u32 = 64;

/// Is the whole life of `tenon __confine ORDER STDERR`. Must be called first in `main`.
pub(crate) fn confine_main(order: RawFd, stderr: RawFd) -> ExitCode {
    help_main(order, stderr, confine)
}

/// Confines this process as it is told, for good; returns what its command is told beside its variables.
///
/// # Errors
/// A sentence about the first step that failed; this process must run nothing then.
fn confine(
    orders: &str,
    Inside { scratch, way_out }: Inside<'_>,
) -> Result<BTreeMap<String, String>, String> {
    let confinement: Confinement = serde_json::from_str(orders)
        .map_err(|error| format!("the helper does not understand its orders: {error}"))?;
    // Where a system does not let a process say so, its memory is bounded all the same.
    std::fs::write("/proc/self/oom_score_adj", ENDED_SOONER).ok();
    limit(&confinement);
    drop_privileges()?;
    // Landlock names its port, and none can be opened afterwards.
    let (port, told) = match &confinement.network {
        Network::Off | Network::Machine => (None, BTreeMap::new()),
        Network::Door { direct } => {
            let port = open_door(way_out)?;
            (Some(port), door::variables(port, direct))
        }
    };
    landlock::confine(&confinement, scratch, port)?;
    for program in filter::programs(&confinement)? {
        seccompiler::apply_filter(&program)
            .map_err(|error| format!("seccomp cannot be put in force: {error}"))?;
    }
    Ok(told)
}

fn open_door(way_out: Option<OwnedFd>) -> Result<u16, String> {
    let way_out = way_out.ok_or("the command has hosts to reach, and nobody to serve its door")?;
    door::open(&way_out).map_err(|error| format!("the door to the network cannot be opened: {error}"))
}

/// The kernel counts processes by user and user namespace, so only in a namespace of its own are they this command's.
fn limit(confinement: &Confinement) {
    let (Level::Isolated, Some(threads)) = (confinement.level, confinement.threads) else { return };
    let before = getrlimit(Resource::Nproc);
    let most = before.maximum.map_or(threads, |maximum| maximum.min(threads));
    // Only a raise is refused.
    let _ = setrlimit(Resource::Nproc, Rlimit { current: Some(most), maximum: Some(most) });
}

fn drop_privileges() -> Result<(), String> {
    let told = |action: &'static str| move |errno: rustix::io::Errno| format!("cannot {action}: {errno}");
    set_no_new_privs(true).map_err(told("give up new privileges"))?;
    clear_ambient_capability_set().map_err(told("give up capabilities"))?;
    // Without privileges there is nothing to give up here, and with none to be gained it does not matter.
    for number in 0..CAPABILITIES_MAX {
        if remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)).is_err() {
            break;
        }
    }
    let none = CapabilitySet::empty();
    let nothing = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, nothing).map_err(told("give up capabilities"))?;
    let left = capabilities(None).map_err(told("look at the capabilities"))?;
    if !(left.effective.is_empty() && left.permitted.is_empty() && left.inheritable.is_empty()) {
        return Err("capabilities remain, so nothing is run".to_owned());
    }
    Ok(())
}
