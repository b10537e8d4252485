//! Landlock: what of the file system a command may write, and whom it may reach without the file system. Not here: mounts
//! (`bubblewrap`).
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use crate::sandbox::confinement::{Confinement, Network};
use crate::sandbox::level::Level;

/// The newest version whose rights are used; each of them was tried.
const NEWEST: ABI = ABI::V7;

/// The first version that knows truncating a file by its name.
pub(in crate::sandbox) const TRUNCATES: ABI = ABI::V3;

/// The first version that knows ports.
pub(in crate::sandbox) const PORTS: ABI = ABI::V4;

/// The first version that keeps signals and abstract sockets apart.
pub(in crate::sandbox) const SCOPES: ABI = ABI::V6;

/// Devices that a command may write to where it sees the machine's own.
const DEVICES: [&str; 6] = ["/dev/full", "/dev/null", "/dev/ptmx", "/dev/random", "/dev/tty", "/dev/zero"];

/// Returns the version that this kernel has, as far as it is used; `None`: there is no Landlock, or it is not switched on.
pub(in crate::sandbox) fn version() -> Option<ABI> {
    [ABI::V7, ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1].into_iter().find(|version| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let ruleset = ruleset.handle_access(AccessFs::from_write(*version));
        // Versions that brought nothing to write are told apart by what else they brought.
        let ruleset = if *version >= SCOPES {
            ruleset.and_then(|ruleset| ruleset.scope(Scope::from_all(*version)))
        } else if *version >= ABI::V4 {
            ruleset.and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(*version)))
        } else {
            ruleset
        };
        ruleset.is_ok()
    })
}

/// Confines this process, for good; `door` is the port of its door.
///
/// # Errors
/// The kernel does not confine it: nothing may run then.
pub(in crate::sandbox) fn confine(
    confinement: &Confinement,
    scratch: Option<&Path>,
    door: Option<u16>,
) -> Result<(), String> {
    if door.is_some() && confinement.level == Level::Confined && version() < Some(PORTS) {
        return Err("this kernel's Landlock cannot keep a command to its door".to_owned());
    }
    match restrict(confinement, scratch, door) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => Ok(()),
        Ok(RulesetStatus::NotEnforced) => Err("Landlock is not in force".to_owned()),
        Err(error) => Err(format!("Landlock cannot be put in force: {error}")),
    }
}

fn restrict(
    confinement: &Confinement,
    scratch: Option<&Path>,
    door: Option<u16>,
) -> Result<RulesetStatus, RulesetError> {
    let write = AccessFs::from_write(NEWEST);
    // What is older than a right or a scope does without it; the probe has told.
    let mut ruleset = Ruleset::default().handle_access(write)?.scope(Scope::from_all(NEWEST))?;
    let is_alone = confinement.level == Level::Isolated;
    let is_kept = !is_alone && confinement.network != Network::Machine;
    if is_kept {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut ruleset = ruleset.create()?;
    if let Some(port) = door.filter(|_| is_kept) {
        ruleset = ruleset.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    ruleset = ruleset.add_rules(path_beneath_rules(folders(confinement, scratch), write))?;
    let places: &[&str] = if is_alone { &["/dev", "/proc"] } else { &DEVICES };
    let devices = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev | made(is_alone);
    ruleset = ruleset.add_rules(path_beneath_rules(places, devices))?;
    Ok(ruleset.restrict_self()?.ruleset)
}

/// What may be made and removed beneath `/dev`: nothing, but for the shared memory of a device folder of its own.
fn made(is_alone: bool) -> BitFlags<AccessFs> {
    if is_alone { AccessFs::MakeReg | AccessFs::RemoveFile } else { BitFlags::EMPTY }
}

fn folders(confinement: &Confinement, scratch: Option<&Path>) -> Vec<PathBuf> {
    let mut folders = vec![confinement.workspace.clone()];
    folders.extend(confinement.writable.iter().cloned());
    folders.extend(scratch.map(Path::to_owned));
    if confinement.level == Level::Isolated {
        folders.push(PathBuf::from("/tmp"));
        // Where there is no copy, what is there cannot be written either: the mount is read-only.
        folders.extend(confinement.copies.iter().cloned());
    }
    folders
}
