//! What the daemon does to itself before it does anything else. Not here: the confinement of commands (`sandbox`).
use rustix::fs::Mode;
use rustix::process::{self, DumpableBehavior, Resource};

/// The descriptors that the daemon may have open: ten for a command that runs, one for a client or a provider's stream.
/// Beyond this it is a leak, and should fail before it takes the machine's.
const DESCRIPTORS_MAX: u64 = 16_384;

/// What `harden` changed that commands should not feel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hardened {
    /// The soft limit of open descriptors that this process was born with; `None` is no limit. For
    /// [`crate::process::Supervisor::with_descriptors_max`].
    pub(crate) descriptors_before: Option<u64>,
}

/// Prepares the process that will own the state directory. Call it once, early in `tenon serve`; all of it concerns the
/// whole process. What the system refuses is left as it is: every part is a second wall behind another.
///
/// - umask 077, so that no file of ours is ever readable by others, whatever the shell had set.
/// - Not dumpable: provider keys lie in this process's memory, and without this every program of the same user may read
///   it (`/proc/PID/mem`, `ptrace`) or find it in a core dump. The price: files below `/proc/PID` belong to root, so for
///   an ordinary user `exe`, `fd` and `environ` of the daemon can be read by the daemon alone. `stat`, `status` and `statm`
///   stay readable by all, and the identity of a process is told by those only. `exec` undoes it, so commands can be
///   debugged and can make user namespaces.
/// - A subreaper: if a supervisor is killed, what it leaves comes to us and can be killed.
/// - The soft limit of descriptors is raised as far as the hard one allows, 16,384 at most; commands get the old one.
///
/// Nothing is done about `SIGPIPE`: Rust ignores it from the start and gives children the default again.
pub(crate) fn harden() -> Hardened {
    process::umask(Mode::RWXG | Mode::RWXO);
    let _ = process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = process::set_child_subreaper(Some(process::getpid()));
    let before = process::getrlimit(Resource::Nofile);
    let mut raised = before;
    let wanted = before.maximum.map_or(DESCRIPTORS_MAX, |maximum| maximum.min(DESCRIPTORS_MAX));
    if before.current.is_some_and(|current| current < wanted) {
        raised.current = Some(wanted);
        let _ = process::setrlimit(Resource::Nofile, raised);
    }
    Hardened { descriptors_before: before.current }
}
