//! The HTTP carrier of a real daemon: what it serves, and whom it turns away. Not here: that a transcript is the same over every
//! carrier (`scenarios`).
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::running::Running;
use tenon_tests::web::{Answer, Site, answer};

/// Starts a daemon that serves HTTP, and returns when it does.
fn serve(home: &Home, arguments: &[&str]) -> (Running, Site) {
    Site::serve(home, arguments).unwrap()
}

fn list(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "agent/list", "params": {"kind": "tool"}})
}

fn code(answer: &Answer) -> i64 {
    answer.json().unwrap()["error"]["code"].as_i64().unwrap()
}

#[test]
fn a_post_is_one_request_and_a_socket_many() {
    let home = Home::new().unwrap();
    let (_serving, site) = serve(&home, &[]);
    let posted = site.post(&list(7)).unwrap();
    assert_eq!(posted.status, 200, "{posted:?}");
    assert!(!posted.head.to_lowercase().contains("access-control"), "{posted:?}");
    let posted = posted.json().unwrap();
    assert_eq!(posted["id"], 7);

    let (reader, mut writer) = site.socket().unwrap();
    let mut lines =
        BufReader::new(reader).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let params = json!({"capabilities": {"experimental": {"agent": {"protocol": [1], "render": {}}}}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    writeln!(writer, "{hello}\n{}", list(7)).unwrap();
    let greeted = lines.next().unwrap();
    assert_eq!(greeted["result"]["capabilities"]["experimental"]["agent"]["protocol"], 1, "{greeted}");
    assert_eq!(lines.next().unwrap(), posted);
    // A message in pieces, with a ping between them, is one message; the ping is answered.
    let text = list(8).to_string();
    let (before, after) = text.as_bytes().split_at(9);
    writer.frame(1, false, before).unwrap();
    writer.frame(9, true, b"there?").unwrap();
    writer.frame(0, true, after).unwrap();
    assert_eq!(lines.next().unwrap()["result"], posted["result"]);
    writer.frame(8, true, &1000_u16.to_be_bytes()).unwrap();
    assert!(lines.next().is_none());
}

#[test]
fn what_needs_a_connection_is_refused_over_post() {
    let home = Home::new().unwrap();
    let (_serving, site) = serve(&home, &[]);
    let call = |method: &str, params: Value| {
        site.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).unwrap()
    };
    let observe = call("agent/observe", json!({"sessionId": "all", "after": "now"}));
    let error = observe.json().unwrap()["error"].take();
    assert_eq!((observe.status, &error["code"]), (200, &json!(-32600)));
    assert!(error["message"].as_str().unwrap().contains("needs a connection"), "{error}");
    assert_eq!(code(&call("agent/unobserve", json!(["1"]))), -32600);
    assert_eq!(code(&call("initialize", json!({"capabilities": {}}))), -32600);
    assert_eq!(code(&call("agent/nothing", json!({}))), -32601);
    let told = site.post(&json!({"jsonrpc": "2.0", "method": "initialized"})).unwrap();
    assert_eq!((told.status, told.body.as_str()), (204, ""));
    for (body, expected) in [("{", -32700), ("[]", -32600), (r#"{"id":1,"method":"agent/list"}"#, -32600)] {
        let headers = format!("{}Content-Length: {}\r\n", site.headers(), body.len());
        assert_eq!(code(&site.ask("POST / HTTP/1.1", &headers, body).unwrap()), expected, "{body}");
    }
}

/// What everybody may ask for who knows of nothing, or of too much.
const LINES: [&str; 8] = [
    "POST /",
    "GET /",
    "GET /index.html",
    "GET /static/app.js",
    "POST /rpc",
    "OPTIONS /",
    "HEAD /",
    "PUT /x",
];

/// Sends a request with these headers; a GET asks for a WebSocket, anything else brings a message.
fn ask(site: &Site, line: &str, headers: &str) -> Answer {
    let body = list(1).to_string();
    let posted = format!("Content-Length: {}\r\n", body.len());
    let (extra, body) =
        if line.starts_with("GET") { (Site::upgrade(), "") } else { (posted.as_str(), body.as_str()) };
    site.ask(&format!("{line} HTTP/1.1"), &format!("{headers}{extra}"), body).unwrap()
}

#[test]
fn nobody_gets_past_the_gate() {
    let home = Home::new().unwrap();
    home.configure("[daemon]\norigins = [\"https://console.test\"]\n").unwrap();
    let (_serving, site) = serve(&home, &[]);
    let Site { host, token } = &site;
    let own = format!("Host: {host}\r\n");
    let shown = format!("Authorization: Bearer {token}\r\n");
    let wrong = format!("Authorization: Bearer {}\r\n", token.replace(|c: char| c != '0', "0"));
    let whole = site.headers();
    let refusals = [
        ("no token", own.clone(), 401),
        ("a wrong token", format!("{own}{wrong}"), 401),
        ("another scheme", format!("{own}Authorization: Basic {token}\r\n"), 401),
        ("a foreign host", format!("Host: evil.test\r\n{shown}"), 403),
        ("a host bound to this address", format!("Host: 127.0.0.1.evil.test\r\n{shown}"), 403),
        ("no host", shown, 403),
        ("a foreign origin", format!("{whole}Origin: https://evil.test\r\n"), 403),
        ("no origin at all", format!("{whole}Origin: null\r\n"), 403),
        ("our own address as an origin", format!("{whole}Origin: http://{host}\r\n"), 403),
    ];
    for (what, headers, status) in &refusals {
        for line in LINES {
            let refused = ask(&site, line, headers);
            assert_eq!(refused.status, *status, "{what}, {line}: {refused:?}");
            let head = refused.head.to_lowercase();
            assert_eq!(head.contains("www-authenticate: bearer"), *status == 401, "{refused:?}");
            assert!(!head.contains("access-control"), "{refused:?}");
            assert!(line == "HEAD /" || code(&refused) == 1403, "{refused:?}");
            assert!(!refused.body.contains(token.as_str()), "{refused:?}");
        }
    }
    for headers in [&own, &whole] {
        for address in [format!("/?token={token}"), format!("/?access_token={token}"), format!("/x?{token}")]
        {
            for verb in ["GET", "POST"] {
                let refused = ask(&site, &format!("{verb} {address}"), headers);
                assert_eq!(refused.status, 403, "a token in the address: {refused:?}");
            }
        }
    }
    assert_eq!(ask(&site, &format!("POST /{token}"), &own).status, 401);
}

/// The control: the same with everything in its place.
#[test]
fn whoever_shows_the_token_gets_past_the_gate() {
    let home = Home::new().unwrap();
    home.configure("[daemon]\norigins = [\"https://console.test\"]\n").unwrap();
    let (_serving, site) = serve(&home, &[]);
    for origin in ["", "Origin: https://console.test\r\n"] {
        let headers = format!("{}{origin}", site.headers());
        let statuses = LINES[2..].iter().map(|line| ask(&site, line, &headers).status);
        assert_eq!(statuses.collect::<Vec<_>>(), [404, 404, 404, 405, 405, 404]);
        assert_eq!(ask(&site, "POST /", &headers).status, 200);
        let plain = site.ask("GET / HTTP/1.1", &headers, "").unwrap();
        assert_eq!(plain.status, 426, "{plain:?}");
        assert!(plain.head.to_lowercase().contains("sec-websocket-version: 13"), "{plain:?}");
        let mut stream = site.dial().unwrap();
        write!(stream, "GET / HTTP/1.1\r\n{headers}{}\r\n", Site::upgrade()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 101");
    }
}

#[test]
fn the_token_is_private_kept_and_trusted_only_if_it_is() {
    let home = Home::new().unwrap();
    let (serving, site) = serve(&home, &[]);
    let run = home.state_dir().join("run");
    let (token, address) = (run.join("http-token"), run.join("http-address"));
    assert!(site.token.len() == 64 && site.token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(fs::metadata(&token).unwrap().mode() & 0o7777, 0o600);
    let shown = home.tenon(&["doctor"]).unwrap().stdout;
    assert!(shown.contains(&format!("http://{}/", site.host)) && shown.contains("http-token"), "{shown}");
    assert!(!shown.contains(&site.token), "{shown}");
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    serving.finish().unwrap().expect(0).unwrap();
    assert!(!address.exists(), "nobody listens there any more");
    let (serving, again) = serve(&home, &[]);
    assert_eq!(again.token, site.token);
    drop(serving);
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = home.tenon(&["serve", "--listen", "127.0.0.1:0"]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("http-token may be read by others; remove it"), "{refused:?}");
}

#[test]
fn other_machines_need_a_word_of_the_person() {
    let home = Home::new().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "host.test:0"] {
        let refused = home.tenon(&["serve", "--listen", address]).unwrap().expect(2).unwrap();
        assert!(refused.stderr.contains("--allow-remote"), "{refused:?}");
    }
    home.tenon(&["serve", "--listen", "nonsense"]).unwrap().expect(2).unwrap();
    home.configure("[daemon]\nlisten = \"0.0.0.0:0\"\n").unwrap();
    home.tenon(&["serve"]).unwrap().expect(2).unwrap();
    // A command that needs a daemon gets one, which listens nowhere.
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    assert!(!home.state_dir().join("run/http-address").exists());
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let (_serving, site) = serve(&home, &["--allow-remote"]);
    assert_eq!(site.post(&list(1)).unwrap().status, 200);
}

#[test]
fn the_configuration_can_ask_for_it_too() {
    let home = Home::new().unwrap();
    home.configure("[daemon]\nlisten = \"localhost:0\"\n").unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let site = Site::of(&home.state_dir()).unwrap();
    assert!(site.host.starts_with("127.0.0.1:"), "{site:?}");
    assert_eq!(site.post(&list(1)).unwrap().status, 200);
    home.kill_daemon().unwrap();
    home.configure("").unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    assert!(Site::of(&home.state_dir()).is_err(), "an address of a dead daemon is forgotten");
}

/// Returns the addresses at which a process listens for TCP, as `/proc` writes them: what `ss -ltn` shows of it.
fn listened_at(home: &Home) -> Vec<String> {
    let daemon = home.daemon().unwrap().unwrap();
    let sockets: Vec<String> = fs::read_dir(daemon.proc("fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let mut found = Vec::new();
    for table in ["net/tcp", "net/tcp6"] {
        // Without version 6 of the protocol there is no such table.
        let rows = fs::read_to_string(daemon.proc(table)).unwrap_or_default();
        for row in rows.lines().skip(1) {
            let columns: Vec<&str> = row.split_whitespace().collect();
            let is_listening = columns[3] == "0A";
            if is_listening && sockets.contains(&format!("socket:[{}]", columns[9])) {
                found.push(columns[1].to_owned());
            }
        }
    }
    found
}

#[test]
fn without_a_word_there_is_no_tcp_port() {
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    assert_eq!(listened_at(&home), [""; 0]);
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let (_serving, _site) = serve(&home, &[]);
    let listened = listened_at(&home);
    assert!(matches!(listened.as_slice(), [one] if one.starts_with("0100007F:")), "{listened:?}");
}

/// What the published example does, done by our own client.
#[test]
fn the_example_of_the_specification_works() {
    let spec = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/protocol.md")).unwrap();
    let example = spec.split("```sh\n").find(|block| block.starts_with("curl ")).expect("an example");
    let example = example.split("```").next().unwrap();
    let body = example.split("--data '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    let home = Home::new().unwrap();
    let (_serving, site) = serve(&home, &[]);
    let posted = site.post(&serde_json::from_str(body).unwrap()).unwrap();
    assert!(posted.json().unwrap()["result"]["items"].is_array(), "{posted:?}");
    let mut shell =
        home.shell(&format!("command -v curl >/dev/null || {{ echo missing; exit 0; }}\n{example}"));
    shell.env("STATE", home.state_dir());
    let ran = Running::start(shell).unwrap().finish().unwrap().expect(0).unwrap();
    if ran.stdout.trim() == "missing" {
        println!("skipped: there is no curl");
        return;
    }
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), posted.json().unwrap());
}

#[test]
fn a_body_over_the_limit_is_told_so() {
    let home = Home::new().unwrap();
    let (_serving, site) = serve(&home, &[]);
    let mut stream = site.dial().unwrap();
    let length = 16 * 1024 * 1024 + 1;
    write!(stream, "POST / HTTP/1.1\r\n{}Content-Length: {length}\r\n\r\n", site.headers()).unwrap();
    let told = answer(&mut stream).unwrap();
    assert_eq!((told.status, code(&told)), (413, -32700));
}
