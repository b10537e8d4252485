//! Projects of three kinds under the profile `auto`, at the level that the machine has: their own tests run without a question,
//! with a server and its client on the loopback, and a commit asks for one thing and then works. Not here: installing what is
//! elsewhere (`network`), and what a command must not do (`matrix`).
use serde_json::json;
use tenon_tests::conversation;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply};
use tenon_tests::running::Running;
use tenon_tests::surroundings;

/// A project: its files, and how it is tested.
struct Project {
    program: &'static str,
    files: &'static [(&'static str, &'static str)],
    test: &'static str,
    /// What stands in the output of tests that ran and passed.
    passed: &'static str,
}

const RUST: Project = Project {
    program: "cargo",
    files: &[
        ("Cargo.toml", "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        (".gitignore", "target\n"),
        (
            "src/lib.rs",
            "#[test]\nfn served() {\n    use std::io::{Read, Write};\n    let server = std::net::TcpListener::bind(\"127.0.0.1:0\").unwrap();\n    \
             let at = server.local_addr().unwrap();\n    let it = std::thread::spawn(move || server.accept().unwrap().0.write_all(b\"hi\").unwrap());\n    \
             let mut said = String::new();\n    std::net::TcpStream::connect(at).unwrap().read_to_string(&mut said).unwrap();\n    \
             it.join().unwrap();\n    assert_eq!(said, \"hi\");\n}\n",
        ),
    ],
    test: "cargo test --offline",
    passed: "1 passed",
};

const NODE: Project = Project {
    program: "npm",
    files: &[
        (
            "package.json",
            "{\"name\": \"sample\", \"version\": \"1.0.0\", \"scripts\": {\"test\": \"node test.js\"}}\n",
        ),
        (
            "test.js",
            "const server = require('http').createServer((_, out) => out.end('hi'));\nserver.listen(0, '127.0.0.1', async () => {\n  \
             const said = await (await fetch('http://127.0.0.1:' + server.address().port)).text();\n  \
             console.log(said === 'hi' ? 'it passed' : 'it failed');\n  process.exit(0);\n});\n",
        ),
    ],
    test: "npm test",
    passed: "it passed",
};

const PYTHON: Project = Project {
    program: "python3",
    files: &[(
        "test_sample.py",
        "import socket, threading, unittest\n\nclass Served(unittest.TestCase):\n    def test_served(self):\n        \
         server = socket.create_server(('127.0.0.1', 0))\n        \
         threading.Thread(target=lambda: server.accept()[0].sendall(b'hi'), daemon=True).start()\n        \
         self.assertEqual(socket.create_connection(server.getsockname()).recv(2), b'hi')\n",
    )],
    test: "python3 -m unittest",
    passed: "OK",
};

const COMMIT: &str = "git add -A && git commit -qm second";

fn check(project: &Project) {
    let test = project.test;
    let server = ModelServer::start(conversation::by_exchanges(move |done| match done.len() {
        0 => Reply::call("shell", &json!({"command": test})),
        1 => Reply::call("shell", &json!({"command": COMMIT})),
        _ => Reply::text("Done."),
    }))
    .unwrap();
    let toolchain =
        surroundings::cargo().and_then(|cargo| cargo.parent().map(|folder| folder.display().to_string()));
    let own = Home::new().unwrap();
    let path = [toolchain, surroundings::bubblewrap().map(|folder| folder.display().to_string())];
    let path = path
        .into_iter()
        .flatten()
        .fold("/usr/local/bin:/usr/bin:/bin".to_owned(), |path, folder| format!("{path}:{folder}"));
    let home = own.with("PATH", &path);
    let shell = |script: &str| Running::start(home.shell(script)).unwrap().finish().unwrap();
    if shell(&format!("command -v {} git", project.program)).code != Some(0) {
        return eprintln!("skipped: there is no {}, or no git", project.program);
    }
    for (name, text) in project.files {
        home.write(name, text).unwrap();
    }
    let begin = "git init -q && git config user.name a && git config user.email a@b && git add -A && git commit -qm first";
    shell(begin).expect(0).unwrap();
    let configuration = |rules: &str| {
        format!("profile = \"auto\"\nmodel = \"fake/x\"\n{rules}{}", provider("openai-chat", &server))
    };
    home.configure(&configuration("")).unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();

    // Nobody is there to be asked.
    let ran = home.tenon(&["run", "go"]).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let started = log.iter().find(|event| event["type"] == "tool.started");
    if started.is_none_or(|started| started["data"]["sandbox"] != 3) {
        return eprintln!("skipped: level 3");
    }
    assert_eq!(ran.code, Some(5), "{ran:#?}");
    let asked: Vec<_> = log.iter().filter(|event| event["type"] == "request.opened").collect();
    let [asked] = asked[..] else { panic!("one question: {asked:#?}\n{ran:#?}") };
    assert_eq!(asked["data"]["subject"]["needs"], json!(["write:.git"]), "{asked:#}");
    let tested = log.iter().find(|event| event["type"] == "tool.ended").unwrap();
    assert_eq!(tested["data"]["status"], "ok", "{tested:#}");
    assert!(tested["data"]["content"].to_string().contains(project.passed), "{tested:#}");
    let commits = || shell("git rev-list --count HEAD").stdout;
    assert_eq!(commits(), "1\n");

    home.write("more.txt", "more\n").unwrap();
    home.configure(&configuration("[rules]\nallow = [\"write:.git\"]\n")).unwrap();
    home.tenon(&["run", "go"]).unwrap().expect(0).unwrap();
    assert_eq!(commits(), "2\n");
    shell("git fsck --strict && test -z \"$(git status --porcelain)\"").expect(0).unwrap();
}

#[test]
fn a_rust_project_tests_itself_and_is_committed() {
    check(&RUST);
}

#[test]
fn a_project_of_npm_tests_itself_and_is_committed() {
    check(&NODE);
}

#[test]
fn a_python_project_tests_itself_and_is_committed() {
    check(&PYTHON);
}
