//! `tenon auth`: logging in by a pipe and at a terminal, the list, logging out. The key is shown nowhere.
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;
use tenon_client::protocol::list::ListParams;
use tenon_client::protocol::log::After;
use tenon_client::protocol::methods::List;
use tenon_client::{Item, ObserveOptions};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::{Finished, PATIENCE, Running};

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

/// Answers requests for the list of models: the first one, which has the key, when it is told to, and no other.
fn slow_server() -> (SocketAddr, Receiver<()>, SyncSender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ((told, asked), (go, gone)) = (sync_channel(1), sync_channel::<()>(1));
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let status = if number == 0 { "200 OK" } else { "401 Unauthorized" };
            if number == 0 {
                told.send(()).unwrap();
                gone.recv().ok();
            }
            let head = "Content-Type: application/json\r\nContent-Length: 11\r\nConnection: close";
            write!(stream, "HTTP/1.1 {status}\r\n{head}\r\n\r\n{{\"data\":[]}}").ok();
        }
    });
    (address, asked, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_given_up_while_its_key_is_tried_is_finished() {
    let (address, asked, go) = slow_server();
    let home = Home::new().unwrap();
    let own = format!("[providers.fake]\nwire = \"openai-chat\"\nbase_url = \"http://{address}/v1\"\n");
    home.configure(&format!("model = \"fake/x\"\n{own}api_key = {{ env = \"MY_KEY\" }}\n")).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let client = crate::races::controller(&home, "login").await;
    let mut all = client.observe("all", After::Now, ObserveOptions::default()).await.unwrap();
    let params = json!({"provider": "fake", "op": "submit", "key": KEY});
    let login = client.call_raw("agent/auth", &params);
    tokio::select! {
        told = login => panic!("the key is not tried yet: {told:?}"),
        asked = tokio::task::spawn_blocking(move || asked.recv_timeout(PATIENCE)) => asked.unwrap().unwrap(),
    }
    // It is answered behind the word that nobody waits for the login any more.
    client.call::<List>(&ListParams::of("provider")).await.unwrap();
    go.send(()).unwrap();
    loop {
        let item = tokio::time::timeout(PATIENCE, all.next()).await.expect("it is told").unwrap();
        if let Item::Event(event) = item
            && event.kind == "auth.changed"
        {
            assert_eq!(event.data.0["state"], "loggedIn");
            break;
        }
    }
    assert!(home.state_dir().join("credentials.json").exists());
}
