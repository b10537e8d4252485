//! What a person should know of the machine and of the agent, by real causes: a disk that fills up, another build. Not here: wrong configurations and command files
//! (the scenarios `configuration` and `slash_commands`), and clocks, which a test cannot set (`daemon::health`).
use serde_json::Value;
use tenon_tests::builds;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

/// With which exit code the shell says that it may not mount anything.
const MISSING: i32 = 77;

/// A small disk of its own for the state directory, which fills up while an agent works and is emptied again. The mount is seen
/// by this shell and what it starts alone.
const SCRIPT: &str = r#"
state=$1
mkdir -p -m 700 "$state"
mount -t tmpfs -o size=24m,mode=0700 tmpfs "$state" 2>/dev/null || exit 77
trap '"$0" stop >/dev/null 2>&1' EXIT
notices() { "$0" rpc agent/log '{"sessionId": "all", "types": ["notice"]}'; }
told() { for _ in $(seq 400); do notices | grep -q "$1" && return; done; echo "never told: $1" >&2; notices >&2; exit 1; }
"$0" run hello >/dev/null || exit 1
told 'nearly full'
for n in $(seq 20); do
  dd if=/dev/zero of="$state/filler$n" bs=64k >/dev/null 2>&1
  head -c 900000 /dev/zero | tr '\0' x | "$0" run --stdin hello >/dev/null 2>&1
  notices | grep -q 'is full' && break
done
told 'is full'
"$0" doctor | grep -q 'notice .* is full' || { "$0" doctor >&2; exit 1; }
rm "$state"/filler*
"$0" run hello >/dev/null || exit 1
told 'room on the disk again'
notices
"#;

#[test]
fn a_disk_that_fills_up_is_told_and_needs_no_restart() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = Home::new().unwrap();
    home.configure(&format!("model = \"fake/x\"\n{}", provider("openai-chat", &server))).unwrap();
    let mut command = home.shell("exec unshare --mount --map-root-user -- sh -c \"$1\" \"$0\" \"$2\"");
    command.arg(SCRIPT).arg(home.state_dir());
    let done = Running::start(command).unwrap().finish().unwrap();
    if done.code == Some(MISSING) || done.stderr.contains("unshare:") {
        println!("skipped: no file system can be mounted here");
        return;
    }
    let done = done.expect(0).unwrap();
    let page: Value = serde_json::from_str(&done.stdout).unwrap();
    let texts: Vec<&str> =
        page["events"].as_array().unwrap().iter().filter_map(|event| event["text"].as_str()).collect();
    let is = |at: usize, what: &str| texts[at].contains(what);
    assert!(is(0, "nearly full") && is(1, "is full") && is(texts.len() - 1, "again"), "{texts:#?}");
    assert!(page["events"].as_array().unwrap().iter().all(|event| event["data"]["kind"] == "disk"));
}

#[test]
fn an_agent_of_another_build_is_told_and_the_same_one_is_not() {
    let home = Home::new().unwrap();
    let changes = |home: &Home| {
        home.tenon(&["rpc", "agent/list", r#"{"kind": "session"}"#]).unwrap().expect(0).unwrap();
        let types = r#"{"sessionId": "all", "types": ["agent.changed"]}"#;
        let page = home.tenon(&["rpc", "agent/log", types]).unwrap().expect(0).unwrap();
        let mut page: Value = serde_json::from_str(&page.stdout).unwrap();
        home.tenon(&["stop"]).unwrap().expect(0).unwrap();
        std::mem::take(page["events"].as_array_mut().unwrap())
    };
    assert_eq!((changes(&home).len(), changes(&home).len()), (0, 0));
    let newer = builds::newer(&home, 1).unwrap();
    let home = home.with_binary(&newer);
    // It is told a moment after the first answer.
    let told = (0..100).map(|_| changes(&home)).find(|told| !told.is_empty()).unwrap();
    let data = &told[0]["data"];
    assert!(data["instance"]["build"].is_string() && data["can"]["shell"]["sandbox"].is_object(), "{data}");
    assert_eq!(changes(&home).len(), 1, "the same one again");
}
