//! Laying an overlay over a folder, seen by this process and its children alone. Not here: what becomes of what was written
//! (`changes`), and where layers are kept.
//!
//! The supervisor does this before it starts the command, while it has one thread. Folders are handed to the kernel as
//! descriptors (`/proc/self/fd/N`), so that no name needs the escapes of mount options, and what is not to be covered stays
//! reachable behind the overlay that covers it.
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Gid, Mode, OFlags, Uid, chmod, chown, openat, stat};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};

use crate::process::spec::LayerSpec;
use crate::process::system;

/// What the kernel is asked for. `userxattr` marks hidden folders in a way that any user may write and read, and keeps
/// renames of folders and changes of modes from being recorded instead of done; `volatile` spares a wait for the disk for
/// each file that is copied up: what is kept is written again, durably, by the transaction that commits it.
const OPTIONS: &str = "userxattr,volatile,index=off";

/// Moves this process into a mount namespace of its own in which the layer covers its folder, and others are seen beside theirs. A
/// process that may not do so takes a user namespace in which it is who it was. Without any layer nothing is done.
///
/// One beside its folder that cannot be had is done without: its place is removed.
///
/// # Errors
/// The system refuses a step; nothing of it is seen by anybody else, and this process must not go on.
pub(crate) fn enter(layer: Option<&LayerSpec>, beside: &[LayerSpec]) -> io::Result<()> {
    if layer.is_none() && beside.is_empty() {
        return Ok(());
    }
    leave(layer)?;
    for other in beside {
        if cover(other).is_err() {
            told("remove the place of a layer", fs::remove_dir(&other.at))?;
        }
    }
    layer.map_or(Ok(()), lay)
}

/// Leaves the namespaces of everybody else.
fn leave(layer: Option<&LayerSpec>) -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if !user.is_root() || system::leave_namespaces(false).is_err() {
        if let Some(layer) = layer {
            let owner = told("look at the workspace", stat(Path::new(&layer.root)).map_err(Into::into))?;
            if (owner.st_uid, owner.st_gid) != (user.as_raw(), group.as_raw()) {
                return Err(io::Error::other("the workspace belongs to another user or group"));
            }
        }
        told("make namespaces", system::leave_namespaces(true))?;
        // A group may only be mapped by who can no longer leave groups.
        told("map the group", fs::write("/proc/self/setgroups", "deny"))?;
        let same = |id: u32| format!("{id} {id} 1");
        told("map the user", fs::write("/proc/self/uid_map", same(user.as_raw())))?;
        told("map the group", fs::write("/proc/self/gid_map", same(group.as_raw())))?;
    }
    // Nothing of this shows outside, and what is mounted outside later still shows here.
    let propagation = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    told("keep mounts apart", mount_change("/", propagation).map_err(Into::into))
}

fn lay(layer: &LayerSpec) -> io::Result<()> {
    let through = layer
        .through
        .iter()
        .map(|name| open(&Path::new(&layer.root).join(name), OFlags::empty()))
        .collect::<io::Result<Vec<_>>>()?;
    cover(layer)?;
    for (name, fd) in layer.through.iter().zip(&through) {
        let target = Path::new(&layer.root).join(name);
        let bound = mount_bind_recursive(descriptor(fd), &target);
        told("leave a folder uncovered", bound.map_err(Into::into))?;
    }
    Ok(())
}

fn cover(layer: &LayerSpec) -> io::Result<()> {
    as_its_own(layer)?;
    let upper = folder(Path::new(&layer.upper))?;
    let work = folder(Path::new(&layer.work))?;
    let lower = folder(Path::new(&layer.root))?;
    let [lower, upper, work] = [&lower, &upper, &work].map(descriptor);
    let data = format!("{OPTIONS},lowerdir={lower},upperdir={upper},workdir={work}");
    let data = std::ffi::CString::new(data)?;
    let mounted = mount("overlay", Path::new(&layer.at), "overlay", MountFlags::empty(), data.as_c_str());
    told("mount an overlay", mounted.map_err(Into::into))
}

/// The covered folder looks like the upper one: gives that the owner and the permission bits of what it covers.
fn as_its_own(layer: &LayerSpec) -> io::Result<()> {
    let owner = told("look at what is covered", stat(Path::new(&layer.root)).map_err(Into::into))?;
    let mode = Mode::from_raw_mode(owner.st_mode & 0o7777);
    let (user, group) = (Uid::from_raw(owner.st_uid), Gid::from_raw(owner.st_gid));
    let upper = Path::new(&layer.upper);
    told("make the layer its owner's", chown(upper, Some(user), Some(group)).map_err(Into::into))?;
    told("give the layer its mode", chmod(upper, mode).map_err(Into::into))
}

fn folder(path: &Path) -> io::Result<OwnedFd> {
    open(path, OFlags::DIRECTORY)
}

fn open(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    told("open what is covered", openat(CWD, path, flags, Mode::empty()).map_err(Into::into))
}

fn descriptor(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn told<T>(action: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("cannot {action}: {error}")))
}
