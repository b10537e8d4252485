//! The system calls that a confined command does without: a table, compiled to seccomp programs. Not here: when they are put
//! in force (`confine`).
//!
//! What would lead out of a sandbox, or see into another program, answers EPERM. What the C library and runtimes try first and
//! do without where a kernel is old answers ENOSYS: `clone3`, whose flags no filter can see, and `io_uring`, whose operations
//! it cannot see.
use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

use crate::sandbox::confinement::{Confinement, Network};
use crate::sandbox::level::Level;

/// Never needed by what runs in a workspace, or a way out of it.
const REFUSED: &[i64] = &[
    // Other programs' memory, registers and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Keys of the person's session.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // The kernel's own machinery.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    // Mounts.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Namespaces of others.
    libc::SYS_setns,
];

/// Tried first and done without.
const UNKNOWN: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Flags of `clone` and `unshare` that make a namespace.
const NAMESPACES: [libc::c_int; 8] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
    // CLONE_NEWTIME, which `clone` takes for a part of the exit signal.
    0x80,
];

/// Requests that write into a terminal as if somebody typed it: TIOCSTI and TIOCLINUX.
const TYPING: [u64; 2] = [0x5412, 0x541c];

/// The bits of a socket's type that name it; the others are flags.
const TYPE_MASK: u64 = 0xf;

/// The flag of a message that begins its connection (`MSG_FASTOPEN`).
const FAST_OPEN: u64 = 0x2000_0000;

/// The first number of the calls of another calling convention of the same machine (x32), which no table here names.
const FOREIGN_FIRST: u32 = 0x4000_0000;

/// Returns the programs, in the order in which they are put in force.
///
/// # Errors
/// There is no filter for this machine's processor.
pub(in crate::sandbox) fn programs(confinement: &Confinement) -> Result<[BpfProgram; 2], String> {
    let told = |error: BackendError| error.to_string();
    let arch = std::env::consts::ARCH.try_into().map_err(told)?;
    let compile = |rules: BTreeMap<i64, Vec<SeccompRule>>, errno: libc::c_int| {
        let action = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).map_err(told)?;
        let program: BpfProgram = filter.try_into().map_err(told)?;
        Ok::<_, String>(program)
    };
    let unknown = compile(UNKNOWN.iter().map(|call| (*call, Vec::new())).collect(), libc::ENOSYS)?;
    let refused = compile(refused(confinement).map_err(told)?, libc::EPERM)?;
    Ok([own_convention(unknown), refused])
}

/// Puts in front of a program that calls of another convention do not exist.
fn own_convention(program: BpfProgram) -> BpfProgram {
    let line = |code: u32, jt, jf, k| sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k };
    let head = [
        // The number of the call is the first word that a filter sees.
        line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        line(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, FOREIGN_FIRST),
        line(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()),
    ];
    head.into_iter().chain(program).collect()
}

fn refused(confinement: &Confinement) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let flags = |flag: &libc::c_int| {
        let flag = u64::from(flag.unsigned_abs());
        rule(vec![word(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    };
    rules.insert(libc::SYS_unshare, NAMESPACES.iter().map(flags).collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_clone, NAMESPACES[..7].iter().map(flags).collect::<Result<_, _>>()?);
    let typed = |request: &u64| rule(vec![word(1, SeccompCmpOp::Eq, *request)?]);
    rules.insert(libc::SYS_ioctl, TYPING.iter().map(typed).collect::<Result<_, _>>()?);
    let families = families(confinement);
    let others = families.iter().map(|family| word(0, SeccompCmpOp::Ne, family.unsigned_abs().into()));
    let others: Vec<_> = others.collect::<Result<_, _>>()?;
    let mut sockets = if others.is_empty() { Vec::new() } else { vec![rule(others)?] };
    if is_kept_to_door(confinement) {
        sockets.extend(all_but_tcp()?);
        // It connects without `connect`, and so without anybody who looks at the port.
        for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
            rules.insert(call, vec![rule(vec![word(flags, SeccompCmpOp::MaskedEq(FAST_OPEN), FAST_OPEN)?])?]);
        }
        // Listening needs no port that Landlock would be asked about.
        rules.extend([libc::SYS_bind, libc::SYS_listen].map(|call| (call, Vec::new())));
    }
    rules.insert(libc::SYS_socket, sockets);
    if !confinement.unix_sockets {
        // A pair is connected for good, but for datagrams: those can be sent to any name.
        rules.insert(libc::SYS_socketpair, unconnected()?);
    }
    if families.is_empty() {
        for call in [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen] {
            rules.insert(call, Vec::new());
        }
    }
    Ok(rules)
}

/// Types of sockets but those of a connection.
fn unconnected() -> Result<Vec<SeccompRule>, BackendError> {
    let allowed = [libc::SOCK_STREAM, libc::SOCK_SEQPACKET].map(libc::c_int::unsigned_abs).map(u64::from);
    (0..=TYPE_MASK)
        .filter(|kind| !allowed.contains(kind))
        .map(|kind| rule(vec![word(1, SeccompCmpOp::MaskedEq(TYPE_MASK), kind)?]))
        .collect()
}

/// Whether a command sees the machine's network and has nothing of it but its door.
fn is_kept_to_door(confinement: &Confinement) -> bool {
    confinement.level == Level::Confined && matches!(confinement.network, Network::Door { .. })
}

/// Sockets of the internet that are none of TCP, which is all that Landlock looks at: other types, and other protocols of the
/// same type.
fn all_but_tcp() -> Result<Vec<SeccompRule>, BackendError> {
    let internet = [libc::AF_INET, libc::AF_INET6].map(|family| u64::from(family.unsigned_abs()));
    let tcp = [0, libc::IPPROTO_TCP].map(|protocol| u64::from(protocol.unsigned_abs()));
    let stream = u64::from(libc::SOCK_STREAM.unsigned_abs());
    let mut rules = Vec::new();
    for family in internet.map(|family| word(0, SeccompCmpOp::Eq, family)) {
        let family = family?;
        for kind in (0..=TYPE_MASK).filter(|kind| *kind != stream) {
            rules.push(rule(vec![family.clone(), word(1, SeccompCmpOp::MaskedEq(TYPE_MASK), kind)?])?);
        }
        let others = tcp.map(|protocol| word(2, SeccompCmpOp::Ne, protocol));
        rules.push(rule([Ok(family)].into_iter().chain(others).collect::<Result<_, _>>()?)?);
    }
    Ok(rules)
}

/// Returns the families of sockets that may be made.
fn families(confinement: &Confinement) -> Vec<libc::c_int> {
    let mut families = Vec::new();
    if is_kept_to_door(confinement) {
        families.extend([libc::AF_INET, libc::AF_INET6]);
    } else if confinement.level == Level::Isolated || confinement.network == Network::Machine {
        // Netlink tells a program the addresses it has.
        families.extend([libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK]);
    }
    if confinement.unix_sockets {
        families.push(libc::AF_UNIX);
    }
    families
}

fn word(index: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}
