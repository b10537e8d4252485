//! Every case at every level, as each user.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;

use rustix::process::geteuid;
use tenon_tests::home::Home;
use tenon_tests::running::Running;
use tenon_tests::surroundings;

use super::cases::{By, CASES, page, page_path};

/// An ordinary user's number, for an agent that root starts; it needs no name.
const ORDINARY: u32 = 61_234;

/// Whom the cases are tried as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// Whoever runs the tests.
    Own,
    /// Another one than root, who runs the tests.
    Ordinary,
}

/// What answers outside of the sandbox, as long as it is held.
struct Outside {
    tcp: u16,
    udp: u16,
    name: String,
    _datagrams: UnixDatagram,
}

impl Outside {
    fn open(out: &Path) -> Self {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let udp = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let name = format!("tenon-test-{}-{}", std::process::id(), tcp.local_addr().unwrap().port());
        let path = UnixListener::bind(out.join("socket")).unwrap();
        fs::set_permissions(out.join("socket"), fs::Permissions::from_mode(0o777)).unwrap();
        let hidden = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let datagrams = UnixDatagram::bind(out.join("datagrams")).unwrap();
        fs::set_permissions(out.join("datagrams"), fs::Permissions::from_mode(0o777)).unwrap();
        let ports = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
        // These threads end with the test's process.
        std::thread::spawn(move || tcp.incoming().flatten().for_each(answer));
        std::thread::spawn(move || path.incoming().flatten().for_each(answer));
        std::thread::spawn(move || hidden.incoming().flatten().for_each(answer));
        std::thread::spawn(move || {
            while let Ok((_, from)) = udp.recv_from(&mut [0]) {
                udp.send_to(b"!", from).ok();
            }
        });
        Self { tcp: ports.0, udp: ports.1, name, _datagrams: datagrams }
    }
}

fn answer(mut stream: impl std::io::Read + std::io::Write) {
    if stream.read_exact(&mut [0]).is_ok() {
        stream.write_all(b"!").ok();
    }
}

/// Returns a command of the binary as a user.
pub(super) fn command(home: &Home, user: User, arguments: &[&str]) -> std::process::Command {
    match user {
        User::Own => home.command(arguments),
        User::Ordinary => {
            let mut command = home
                .shell(&format!("exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups \"$@\""));
            command.arg(home.root().join("tenon")).args(arguments);
            command
        }
    }
}

/// Tells whether something can be tried as an ordinary user beside the tests' own.
pub(super) fn can_be_ordinary() -> bool {
    let reason = if !geteuid().is_root() {
        "the tests run as an ordinary user already"
    } else if !Path::new("/usr/bin/setpriv").exists() {
        "there is no setpriv to become another user with"
    } else {
        return true;
    };
    eprintln!("skipped: {reason}");
    false
}

/// Gives a whole folder to a user.
pub(super) fn give(folder: &Path, user: User) {
    if user == User::Ordinary {
        chown(folder, Some(ORDINARY), Some(ORDINARY)).unwrap();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                give(&path, user);
            } else {
                std::os::unix::fs::lchown(&path, Some(ORDINARY), Some(ORDINARY)).unwrap();
            }
        }
    }
}

/// Makes a home with all that the cases name; returns it with the script that tries them.
fn prepare(user: User, level: u8) -> (Home, Outside) {
    let home = Home::new().unwrap();
    fs::set_permissions(home.root(), fs::Permissions::from_mode(0o755)).unwrap();
    home.configure(&format!("profile = \"full\"\n[sandbox]\nlevel = {level}\n")).unwrap();
    let out = home.root().join("home/out");
    let ssh = home.root().join("home/.ssh");
    for folder in [&out, &ssh, &home.workspace().join(".git/hooks")] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(ssh.join("id"), "test-key").unwrap();
    for name in ["kept", "removed"] {
        fs::write(out.join(name), "x").unwrap();
    }
    home.write(".git/config", "[core]\n").unwrap();
    fs::write(home.root().join("shared"), "x").unwrap();
    let probe = surroundings::probe("sandbox", &home.workspace()).unwrap();
    if user == User::Ordinary {
        fs::copy(surroundings::binary().unwrap(), home.root().join("tenon")).unwrap();
        give(home.root(), user);
    }
    let outside = Outside::open(&out);
    let mut script = String::new();
    for (number, case) in CASES.iter().enumerate() {
        if tries(user, case.by) {
            writeln!(script, "( {} ) >said 2>&1 && echo \"case {number} possible\" || echo \"case {number} refused $(head -c 300 said | tr '\\n' ' ')\"", case.command).unwrap();
        }
    }
    let variables = [
        ("PROBE", probe.display().to_string()),
        ("OUT", out.display().to_string()),
        ("SHARED", home.root().join("shared").display().to_string()),
        ("TCP", outside.tcp.to_string()),
        ("UDP", outside.udp.to_string()),
        ("ABSTRACT", outside.name.clone()),
    ];
    let mut head = String::from("OTHER=$1\n");
    for (name, value) in variables {
        writeln!(head, "{name}='{value}'").unwrap();
    }
    home.write("try.sh", &(head + &script)).unwrap();
    (home, outside)
}

fn tries(user: User, by: By) -> bool {
    by != By::Root || (user == User::Own && geteuid().is_root())
}

/// Tries every case; returns by number whether it was possible, and what was said.
fn attempt(user: User, level: u8) -> Result<BTreeMap<usize, (bool, String)>, String> {
    let (home, _outside) = prepare(user, level);
    // Another process of the same user.
    let sleeper = match user {
        User::Own => home.shell("exec sleep 600"),
        User::Ordinary => home
            .shell(&format!("exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups sleep 600")),
    };
    let sleeper = Running::start(sleeper).unwrap();
    let pid = sleeper.process().unwrap().pid;
    let run = |arguments: &[&str]| Running::start(command(&home, user, arguments)).unwrap().finish().unwrap();
    run(&["trust"]).expect(0).unwrap();
    let told = run(&["jobs", "run", &format!("sh try.sh {pid}")]);
    run(&["stop"]);
    sleeper.kill().unwrap();
    if told.stderr.contains("is demanded") {
        return Err(told.stderr);
    }
    let lines = told.stdout.lines().filter_map(|line| line.trim().strip_prefix("case "));
    let tried = lines.filter_map(|line| {
        let mut words = line.splitn(3, ' ');
        let number = words.next()?.parse().ok()?;
        Some((number, (words.next()? == "possible", words.next().unwrap_or_default().to_owned())))
    });
    let tried: BTreeMap<_, _> = tried.collect();
    let expected = CASES.iter().filter(|case| tries(user, case.by)).count();
    assert_eq!(tried.len(), expected, "{user:?} at level {level}: {}{}", told.stdout, told.stderr);
    Ok(tried)
}

/// Tries everything as a user; returns what is not as the table has it.
fn check(user: User) -> Vec<String> {
    let control = attempt(user, 1).unwrap();
    let mut wrong = Vec::new();
    for level in [1_u8, 2, 3] {
        let tried = match level {
            1 => Ok(control.clone()),
            _ => attempt(user, level),
        };
        let tried = match tried {
            Ok(tried) => tried,
            Err(reason) => {
                eprintln!("skipped: level {level} ({})", reason.trim());
                continue;
            }
        };
        for (number, (possible, said)) in &tried {
            let case = &CASES[*number];
            // Nothing is shown by refusing what nobody may do here.
            let is_off = case.by == By::Some && !control[number].0;
            if *possible != case.possible[usize::from(level - 1)] && !is_off {
                let was = if *possible { "possible" } else { "refused" };
                wrong.push(format!("level {level}, {user:?}: {} was {was}: {said}", case.name));
            }
            if is_off && level == 1 {
                eprintln!("skipped: {} (not possible here without a sandbox either: {said})", case.name);
            }
        }
    }
    wrong
}

#[test]
fn every_case_is_as_the_table_has_it() {
    assert_eq!(check(User::Own), Vec::<String>::new());
}

#[test]
fn every_case_is_as_the_table_has_it_for_an_ordinary_user() {
    if can_be_ordinary() {
        assert_eq!(check(User::Ordinary), Vec::<String>::new());
    }
}

#[test]
fn the_page_has_the_table() {
    if surroundings::updates() {
        fs::write(page_path(), page()).unwrap();
    }
    let found = fs::read_to_string(page_path()).unwrap_or_default();
    assert_eq!(found, page(), "UPDATE_EXPECT=1 writes the table into docs/security-cases.md");
}
