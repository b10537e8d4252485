//! Starts: on demand, many at once, and what a daemon keeps of its starter (nothing).
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use tenon_tests::home::Home;
use tenon_tests::running::{PATIENCE, Running};

#[test]
fn twenty_commands_at_once_start_one_daemon() {
    let home = Home::new().unwrap();
    let commands: Vec<Running> = (0..20).map(|_| home.start(&["sessions"]).unwrap()).collect();
    for command in commands {
        command.finish().unwrap().expect(0).unwrap();
    }
    let log = fs::read_to_string(home.state_dir().join("log/agent.log")).unwrap();
    assert_eq!(log.matches("listening").count(), 1, "{log}");
    assert!(home.daemon().unwrap().is_some());
}

#[test]
fn six_daemons_at_once_and_one_wins() {
    let home = Home::new().unwrap();
    let mut daemons: Vec<Running> = (0..6).map(|_| home.start(&["serve"]).unwrap()).collect();
    // Before one of them listens this would start a seventh.
    let deadline = Instant::now() + PATIENCE;
    while UnixStream::connect(home.state_dir().join("run/agent.sock")).is_err() {
        assert!(Instant::now() < deadline, "none of them listens");
        std::thread::yield_now();
    }
    // The winner stays, so exactly five of them end; which ones, the kernel decides.
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let owner = home.daemon().unwrap().expect("one of them owns the directory").pid;
    let is_owner = |daemon: &Running| daemon.process().is_ok_and(|process| process.pid == owner);
    let winner = daemons.iter().position(is_owner).expect("it is one of the six");
    let winner = daemons.swap_remove(winner);
    for loser in daemons {
        let loser = loser.finish().unwrap().expect(1).unwrap();
        assert!(loser.stderr.contains(&format!("process {owner} owns ")), "{loser:#?}");
        assert!(loser.stderr.contains("tenon attach"), "{loser:#?}");
    }
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    winner.finish().unwrap().expect(0).unwrap();
}

#[test]
fn a_daemon_keeps_nothing_of_its_starter() {
    let home = Home::new().unwrap().with("SOMETHING_PRIVATE", "of the starter");
    let script = "umask 000; exec 7>inherited; exec \"$0\" sessions";
    Running::start(home.shell(script)).unwrap().finish().unwrap().expect(0).unwrap();
    let daemon = home.daemon().unwrap().unwrap();
    assert_eq!(fs::read_link(daemon.proc("cwd")).unwrap(), Path::new("/"));
    assert_eq!(daemon.status("Umask").unwrap(), "0077");
    let stat = fs::read_to_string(daemon.proc("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let (parent, session, terminal) = (fields[1], fields[3], fields[4]);
    assert_ne!(parent, std::process::id().to_string());
    assert_ne!(session, own_session(), "a session of its own");
    assert_eq!(terminal, "0", "no terminal");
    let environment = fs::read_to_string(daemon.proc("environ")).unwrap();
    assert!(environment.contains("HOME=") && !environment.contains("SOMETHING_PRIVATE"), "{environment}");
    let state = home.state_dir();
    for entry in fs::read_dir(daemon.proc("fd")).unwrap() {
        // One that was closed while we looked is none.
        let Ok(target) = fs::read_link(entry.unwrap().path()) else { continue };
        let own = target.starts_with(&state)
            || target == Path::new("/dev/null")
            // A static build may take its random numbers from there.
            || target == Path::new("/dev/urandom")
            || ["socket:", "anon_inode:", "pipe:", "/memfd:"]
                .iter()
                .any(|kind| target.to_string_lossy().starts_with(kind));
        assert!(own, "{} is the starter's", target.display());
    }
    assert_private(&state);
}

fn own_session() -> String {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap().to_owned()
}

/// Everything beneath the state directory is the person's alone, whatever the umask was.
fn assert_private(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o7777;
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(mode, expected, "{} is {mode:o}", path.display());
    assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
    // What lies over a workspace looks like it; nobody else comes that far.
    let is_of_layers = path.ends_with("run/calls");
    if metadata.is_dir() && !is_of_layers {
        for entry in fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path());
        }
    }
}
