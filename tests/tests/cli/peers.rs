//! Who may reach the socket of a real daemon: nobody through a directory that is not ours, no other user, nothing inside a
//! sandbox. Each with its control. Not here: HTTP (`http`).
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Uid, geteuid};
use rustix::thread::set_thread_res_uid;
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::raw::hello;
use tenon_tests::running::{Finished, PATIENCE, Running};

/// A user who owns nothing here.
const STRANGER: u32 = 65_534;

/// With which exit code the shell says that something is missing.
const MISSING: i32 = 77;

fn is_root() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        println!("skipped: only root can be somebody else");
    }
    is_root
}

fn refused(home: &Home, expected: &str) {
    let refused = home.tenon(&["serve"]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains(expected), "{refused:#?}");
    assert!(home.daemon().unwrap().is_none());
}

fn serves(home: &Home) {
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
}

#[test]
fn a_directory_that_is_a_link_is_refused() {
    let home = Home::new().unwrap();
    let (state, elsewhere) = (home.state_dir(), home.root().join("elsewhere"));
    fs::create_dir_all(&state).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, state.join("run")).unwrap();
    refused(&home, "run is no directory");
    assert!(!elsewhere.join("agent.sock").exists(), "nobody listens behind the link");
    fs::remove_dir_all(&state).unwrap();
    symlink(&elsewhere, &state).unwrap();
    refused(&home, "is a symbolic link");
    assert!(!elsewhere.join("journal.db").exists() && !elsewhere.join("run").exists());
    fs::remove_file(&state).unwrap();
    serves(&home);
}

#[test]
fn a_directory_of_somebody_else_is_refused() {
    if !is_root() {
        return;
    }
    let home = Home::new().unwrap();
    serves(&home);
    let run = home.state_dir().join("run");
    for directory in [&run, &home.state_dir()] {
        chown(directory, Some(STRANGER), None).unwrap();
        refused(&home, "belongs to another user");
        chown(directory, Some(0), None).unwrap();
        serves(&home);
    }
    // What lies where the socket should be is not removed either.
    fs::write(run.join("agent.sock"), "kept").unwrap();
    refused(&home, "agent.sock is no socket");
    fs::remove_file(run.join("agent.sock")).unwrap();
    serves(&home);
}

/// Connects as `user`, introduces itself, and returns what is answered.
fn greeted_as(user: u32, socket: &Path) -> std::io::Result<Vec<u8>> {
    let socket = socket.to_owned();
    let asking = std::thread::spawn(move || {
        // Users belong to threads; the process stays who it is.
        let user = Uid::from_raw(user);
        set_thread_res_uid(user, user, user)?;
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello()});
        // It may be closed before that.
        drop(writeln!(stream, "{request}"));
        let mut answer = vec![0; 1];
        match stream.read(&mut answer) {
            Ok(count) => answer.truncate(count),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => answer.clear(),
            Err(error) => return Err(error),
        }
        Ok(answer)
    });
    asking.join().unwrap()
}

#[test]
fn another_user_is_not_spoken_to() {
    if !is_root() {
        return;
    }
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let socket = home.state_dir().join("run/agent.sock");
    assert_eq!(greeted_as(0, &socket).unwrap(), b"{", "the control");
    assert_eq!(greeted_as(STRANGER, &socket).unwrap_err().kind(), ErrorKind::PermissionDenied);
    // The second wall: somebody has opened every door.
    for door in socket.ancestors().take_while(|path| path.starts_with(home.root())) {
        fs::set_permissions(door, Permissions::from_mode(0o777)).unwrap();
    }
    match greeted_as(STRANGER, &socket) {
        Ok(answer) => assert_eq!(answer, b"", "closed without a word"),
        Err(error) => println!("skipped: the temporary directory itself is closed: {error}"),
    }
    assert_eq!(greeted_as(0, &socket).unwrap(), b"{", "and others go on");
}

/// How a sandbox is made: with the processes outside in sight, and without.
const SANDBOXES: [(&str, &str); 2] = [
    ("--unshare-user --dev-bind / /", "--user --map-root-user"),
    ("--unshare-user --unshare-pid --dev-bind / / --proc /proc", "--user --map-root-user --pid --fork"),
];

/// Runs the binary in a user namespace of its own, with bubblewrap where there is one; `None` where neither works.
fn inside_a_sandbox(home: &Home, (bwrap, unshare): (&str, &str), arguments: &str) -> Option<Finished> {
    let script = format!(
        "if command -v bwrap >/dev/null && bwrap {bwrap} true 2>/dev/null; then \
           exec bwrap {bwrap} \"$0\" {arguments}; \
         elif unshare {unshare} true 2>/dev/null; then exec unshare {unshare} \"$0\" {arguments}; \
         else exit {MISSING}; fi"
    );
    let done = Running::start(home.shell(&script)).unwrap().finish().unwrap();
    if done.code == Some(MISSING) {
        println!("skipped: no user namespace can be made here");
        return None;
    }
    Some(done)
}

#[test]
fn a_tool_inside_a_sandbox_is_refused_with_the_remedy() {
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let list = "rpc agent/list '{\"kind\":\"tool\"}'";
    for sandbox in SANDBOXES {
        let Some(refused) = inside_a_sandbox(&home, sandbox, list) else { return };
        let refused = refused.expect(1).unwrap();
        assert!(refused.stderr.contains("another user namespace"), "{sandbox:?}: {refused:#?}");
        assert!(refused.stderr.contains("daemon.accept = [\"user-namespace\"]"), "{refused:#?}");
    }
    home.tenon(&["rpc", "agent/list", r#"{"kind":"tool"}"#]).unwrap().expect(0).unwrap();
    // The person may say otherwise.
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    home.configure("[daemon]\naccept = [\"user-namespace\"]\n").unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    for sandbox in SANDBOXES {
        inside_a_sandbox(&home, sandbox, list).unwrap().expect(0).unwrap();
    }
}
