//! The calls of the operating system that need `unsafe`, each behind a safe function. Not here: when they are made.
//!
//! This is the only file of the project with unsafe code; rustix covers everything else.
#![expect(
    unsafe_code,
    reason = "fork, signal handlers, rusage and closing by number have no safe interface, nor has what runs between fork and exec"
)]
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;

use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use tokio::io::unix::AsyncFd;

/// Signals that must not end a process which others rely on: the terminal's, and the polite ways to ask for an end.
const CAUGHT: [libc::c_int; 12] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// The highest descriptor that is closed one by one where `close_range` is missing (before Linux 5.9).
const CLOSED_ONE_BY_ONE_MAX: RawFd = 65_536;

/// The threads that a process may have when it forks. The harness of the tests runs a test on a second one, while its
/// first only waits.
const THREADS_MAX: usize = if cfg!(test) { 2 } else { 1 };

/// What children that have been waited for have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time in milliseconds, user and system.
    pub(crate) cpu_ms: u64,
    /// The largest resident size of one of them, in KiB.
    pub(crate) max_rss_kib: u64,
}

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The process that called; the copy is this one.
    Parent(Pid),
    /// Its copy.
    Child,
}

extern "C" fn nothing(_signal: libc::c_int) {}

/// Makes this process deaf to [`CAUGHT`], gives every other ignored signal its default meaning again and clears the
/// signal mask. `SIGPIPE` stays ignored: Rust wants it so, and gives children the default.
///
/// The signals get a handler that does nothing instead of being ignored: `exec` turns handlers into the default, but
/// hands on what is ignored. So a program started from here finds every one of them at its default, whatever the person's
/// shell, `nohup` or a job control had set for us.
pub(crate) fn disarm_signals() {
    for signal in CAUGHT {
        catch(signal, nothing as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
    for signal in (1..=libc::SIGRTMAX()).filter(|signal| *signal != libc::SIGPIPE && is_ignored(*signal)) {
        catch(signal, libc::SIG_DFL);
    }
    let mut empty = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset fills the set it is given, which is all that pthread_sigmask reads.
    unsafe {
        libc::sigemptyset(empty.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, empty.as_ptr(), ptr::null_mut());
    }
}

/// Makes this process deaf to `SIGHUP` alone; children find it at its default.
pub(crate) fn disarm_hangup() {
    catch(libc::SIGHUP, nothing as extern "C" fn(libc::c_int) as libc::sighandler_t);
}

fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: sigaction writes the present action where it is told to; an all-zero one is valid should it fail, and
    // means the default.
    let action = unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

fn catch(signal: libc::c_int, handler: libc::sighandler_t) {
    // SAFETY: an all-zero sigaction is a valid one; the handler is the default or a function that does nothing, which
    // is async-signal-safe; a signal number that the system refuses changes nothing.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

/// Returns what all children that were waited for have used, theirs included.
pub(crate) fn children_usage() -> Usage {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes a rusage where it is told to; an all-zero rusage is valid should it fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        usage.assume_init()
    };
    let milliseconds = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(time.tv_usec).unwrap_or(0) / 1_000
    };
    Usage {
        cpu_ms: milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
        max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    }
}

/// Forks. Refused in a process with more than one thread, because only the calling one would exist in the child and
/// whatever the others held would stay held.
pub(crate) fn fork_alone() -> io::Result<Side> {
    if std::fs::read_dir("/proc/self/task")?.count() > THREADS_MAX {
        return Err(io::Error::other("a process with more than one thread cannot fork"));
    }
    // SAFETY: this is the only thread, so the child is a whole copy and may go on as the parent would have.
    match unsafe { libc::fork() } {
        0 => Ok(Side::Child),
        child => Pid::from_raw(child.max(0)).map(Side::Parent).ok_or_else(io::Error::last_os_error),
    }
}

/// Makes a command the leader of a session of its own whose terminal is its standard input: an interrupt that is typed, a
/// change of size and a shell's job control reach what runs in it.
pub(crate) fn own_the_terminal(command: &mut Command) {
    let lead = || {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        Ok(())
    };
    // SAFETY: two system calls without allocation or locks, which is what may happen between fork and exec.
    unsafe { command.pre_exec(lead) };
}

/// Gives this process mount points of its own, and with `user` a user namespace first. Refused to a process with more than
/// one thread, which cannot move as a whole.
pub(crate) fn leave_namespaces(user: bool) -> io::Result<()> {
    let user = if user { UnshareFlags::NEWUSER } else { UnshareFlags::empty() };
    // SAFETY: neither flag makes descriptors or signal handlers behave otherwise in this process.
    Ok(unsafe { rustix::thread::unshare_unsafe(user | UnshareFlags::NEWNS) }?)
}

/// Hands a descriptor to the runtime, which tells when it can be read or written. Must be called within the runtime.
pub(crate) fn watch(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by what is returned, so it stays open and the same for as long as it is watched.
    Ok(unsafe { AsyncFd::register(descriptor)? })
}

/// Ends this process at once with code 0: no destructors and no exit handlers, they belong to the forked copy.
pub(crate) fn leave_to_child() -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}

/// Takes over a descriptor whose number was given on the command line. `None` if nothing is open there.
///
/// The number stands for a promise: whoever started this process opened it for this purpose and nobody here owns it.
pub(crate) fn adopt(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: F_GETFD only looks; that the descriptor is open and ours to own is the promise above.
    unsafe {
        let open = number >= 0 && libc::fcntl(number, libc::F_GETFD) != -1;
        open.then(|| OwnedFd::from_raw_fd(number))
    }
}

/// Closes every descriptor from 3 on but one. Only for a process that has opened nothing else yet.
pub(crate) fn close_all_but(keep: RawFd) {
    if keep > 3 {
        close_range(3, keep - 1, 0);
    }
    close_range(keep.max(2) + 1, RawFd::MAX, 0);
}

/// Marks every descriptor from 3 on to be closed when a program is executed, so that what a careless starter left open
/// reaches no command.
pub(crate) fn close_all_on_exec() {
    close_range(3, RawFd::MAX, libc::CLOSE_RANGE_CLOEXEC);
}

fn close_range(first: RawFd, last: RawFd, flags: libc::c_uint) {
    // SAFETY: by number, because the C library may be older than its wrapper. What is closed belongs to nobody here
    // (see the callers); marking changes no ownership.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, flags) == 0 {
            return;
        }
        for number in first..=last.min(CLOSED_ONE_BY_ONE_MAX) {
            if flags == 0 {
                libc::close(number);
            } else {
                libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
}

/// Returns how many bytes a page of memory has.
pub(crate) fn page_bytes() -> u64 {
    configured(libc::_SC_PAGESIZE).unwrap_or(4096)
}

/// Returns how many milliseconds a clock tick of `/proc` lasts.
pub(crate) fn tick_ms() -> u64 {
    1000 / configured(libc::_SC_CLK_TCK).unwrap_or(100)
}

fn configured(name: libc::c_int) -> Option<u64> {
    // SAFETY: sysconf only looks; an unknown name is -1.
    u64::try_from(unsafe { libc::sysconf(name) }).ok().filter(|value| *value > 0)
}
