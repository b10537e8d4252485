//! `tenon auth`: logging in by a pipe and at a terminal, the list, logging out. The key is shown nowhere.
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::{Finished, Running};

const KEY: &str = "test-key-of-a-person";

fn home() -> (ModelServer, Home) {
    let server = ModelServer::start_for(Script::always(Reply::text("Yes.")), KEY).unwrap();
    let home = Home::new().unwrap();
    let own = provider("openai-chat", &server) + "api_key = { env = \"MY_KEY\" }\n";
    home.configure(&format!("model = \"fake/x\"\n{own}")).unwrap();
    (server, home)
}

fn login(home: &Home, key: &str) -> Finished {
    let mut command = home.command(&["auth", "login", "fake", "--stdin"]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command).unwrap();
    running.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    running.finish().unwrap()
}

#[test]
fn a_key_from_a_pipe_is_tried_stored_and_used() {
    let (_server, home) = home();
    let without = home.tenon(&["run", "hello"]).unwrap().expect(1).unwrap();
    assert!(without.stderr.contains("tenon auth login fake"), "{without:#?}");
    let wrong = login(&home, "test-key-of-nobody\n").expect(1).unwrap();
    assert!(
        wrong.stderr.contains("did not take the key") && !wrong.stderr.contains("of-nobody"),
        "{wrong:#?}"
    );
    let stored = home.state_dir().join("credentials.json");
    assert!(!stored.exists(), "a key that was refused is not stored");
    let good = login(&home, &format!("{KEY}\n")).expect(0).unwrap();
    assert_eq!(good.stdout, "");
    assert!(good.stderr.contains("stored") && !good.stderr.contains(KEY), "{good:#?}");
    assert_eq!(fs::metadata(&stored).unwrap().permissions().mode() & 0o777, 0o600);
    let list = home.tenon(&["auth"]).unwrap().expect(0).unwrap();
    let of_fake = list.stdout.lines().find(|line| line.starts_with("fake")).unwrap();
    assert!(of_fake.contains("stored") && !list.stdout.contains(KEY), "{list:#?}");
    assert!(
        list.stdout.lines().any(|line| line.starts_with("anthropic") && line.ends_with("none")),
        "{list:#?}"
    );
    home.tenon(&["run", "hello"]).unwrap().expect(0).unwrap();
    home.tenon(&["auth", "logout", "fake"]).unwrap().expect(0).unwrap();
    home.tenon(&["run", "hello"]).unwrap().expect(1).unwrap();
    let empty = login(&home, "").expect(2).unwrap();
    assert!(empty.stderr.contains("empty"), "{empty:#?}");
    let unknown = home.tenon(&["auth", "login", "nobody", "--stdin"]).unwrap().expect(2).unwrap();
    assert!(unknown.stderr.contains("anthropic"), "{unknown:#?}");
}

#[test]
fn a_key_typed_at_a_terminal_is_not_shown() {
    let (_server, home) = home();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    // Held open, for a terminal that nobody has open any more is hung up.
    let _slave = rustix::fs::open(
        name.as_str(),
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    // A session of its own, whose terminal is what its leader opens first.
    let mut command =
        home.shell("exec setsid -w sh -c ': <> \"$2\"; exec \"$1\" auth login fake' sh \"$0\" \"$TTY\"");
    command.env("TTY", name).env("TERM", "dumb");
    let running = Running::start(command).unwrap();
    let mut master = fs::File::from(master);
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("not shown): ") {
        let mut chunk = [0; 256];
        let count = master.read(&mut chunk).unwrap();
        seen.extend_from_slice(&chunk[..count]);
    }
    master.write_all(format!("wrong\u{15}{KEY}\r").as_bytes()).unwrap();
    let finished = running.finish().unwrap().expect(0).unwrap();
    assert!(finished.stderr.contains("stored"), "{finished:#?}");
    rustix::io::ioctl_fionbio(&master, true).unwrap();
    master.read_to_end(&mut seen).ok();
    let shown = String::from_utf8_lossy(&seen).into_owned();
    assert!(!shown.contains("wrong") && !shown.contains("test-key"), "{shown}");
}
