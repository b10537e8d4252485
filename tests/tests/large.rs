//! What is too large for a message, over every framing, from a model, a tool and a person: nothing is lost, and no message of
//! the agent is over its limit. Not here: what a conversation looks like to the model (the scenarios of `fetch.md`).
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::surroundings::slow_tests;
use tenon_tests::waiting;
use tenon_tests::web::Site;

/// The largest message of the agent.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Bytes of an image: what `read` shows at most. In base64 they are a whole message.
const IMAGE_BYTES: usize = 3 << 20;

/// How it begins there.
const IMAGE_BEGINS: &str = "iVBORw0KGgo";

/// Six bytes each as JSON: the worst that a text can be.
fn controls(bytes: usize) -> String {
    "\u{1}".repeat(bytes)
}

fn image() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(IMAGE_BYTES, 7);
    bytes
}

/// Looks at the image, then says much.
fn server() -> ModelServer {
    ModelServer::start(Script::function(|_, request| {
        let looked = request.raw.contains(IMAGE_BEGINS);
        if looked { Reply::text(answer()) } else { Reply::call("read", &json!({"path": "i.png"})) }
    }))
    .unwrap()
}

fn answer() -> String {
    format!("{}that was it", "all of it ".repeat(120_000))
}

/// Reads messages, none too large, up to an event of this type, and returns its data.
fn event(raw: &mut Raw, kind: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
    loop {
        let before = raw.received_bytes;
        let message = raw.message()?.context("the connection ended")?;
        let bytes = raw.received_bytes - before;
        ensure!(bytes <= MESSAGE_BYTES_MAX + 64, "a message of {bytes} bytes");
        let event = &message["params"]["result"];
        if event["type"] == kind && fits(&event["data"]) {
            return Ok(event["data"].clone());
        }
    }
}

/// Reads a content page after page.
fn fetched(raw: &mut Raw, reference: &Value) -> Result<Vec<u8>> {
    let (mut all, mut place) = (Vec::new(), json!(0));
    while !place.is_null() {
        let page = raw.call("agent/fetch", &json!({"ref": reference, "range": {"start": place}}))?;
        match page["text"].as_str() {
            Some(text) => all.extend(text.as_bytes()),
            None => all.extend(base64(page["base64"].as_str().context("neither")?)),
        }
        place = page["next"].clone();
    }
    Ok(all)
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut places = [0_u32; 256];
    for (place, letter) in (0..).zip(alphabet) {
        places[usize::from(*letter)] = place;
    }
    let digits = text.trim_end_matches('=').as_bytes();
    let group = |digits: &[u8]| {
        let bits = digits.iter().fold(0, |bits, digit| bits << 6 | places[usize::from(*digit)]);
        let bytes = (bits << (6 * (4 - digits.len()))).to_be_bytes();
        bytes[1..digits.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

fn nothing_is_too_large(home: &Home, way: Way) -> Result<()> {
    std::fs::write(home.workspace().join("i.png"), image())?;
    let session = waiting::open(home)?;
    let mut raw = Raw::connect(home, way)?;
    raw.call("agent/observe", &json!({"sessionId": session, "after": "now"}))?;
    let said = controls(300_000);
    let input = json!([{"type": "text", "text": said}, {"type": "text", "text": "look"}]);
    raw.request("agent/prompt", &json!({"sessionId": session, "input": input}))?;
    let shown = event(&mut raw, "tool.ended", |_| true)?;
    let image_shown = &shown["content"][1];
    ensure!(image_shown["mime"] == "image/png" && image_shown.get("data").is_none(), "{shown}");
    let told = event(&mut raw, "message.ended", |data| data["role"] == "assistant")?;
    ensure!(told["content"][0]["whole"] == true && told["content"][0]["bytes"] == answer().len(), "{told}");
    event(&mut raw, "turn.ended", |data| data["stop"] == "done")?;
    ensure!(fetched(&mut raw, &image_shown["ref"])? == image(), "the image is another");
    ensure!(fetched(&mut raw, &told["content"][0]["ref"])? == answer().as_bytes(), "the text is another");
    // From the log, as an observer reads it and page by page.
    raw.call("agent/observe", &json!({"sessionId": session, "after": "start"}))?;
    event(&mut raw, "prompt.admitted", |data| data["input"][0]["text"] == said.as_str())?;
    event(&mut raw, "turn.ended", |_| true)?;
    let before = raw.received_bytes;
    let page = raw.call("agent/log", &json!({"sessionId": session}))?;
    ensure!(page["events"].as_array().is_some_and(|events| !events.is_empty()));
    ensure!(raw.received_bytes - before <= MESSAGE_BYTES_MAX, "a page is too large");
    Ok(())
}

#[test]
fn no_message_is_too_large_over_any_framing() {
    let server = server();
    let home = Home::with_model("anthropic-messages", &server).unwrap();
    let (_serving, _) = Site::serve(&home, &[]).unwrap();
    let ways = if slow_tests() { &Way::ALL[..] } else { &[Way::Headers] };
    for way in ways.iter().copied() {
        nothing_is_too_large(&home, way).unwrap_or_else(|error| panic!("{way:?}: {error:#}"));
    }
    for request in server.requests().iter().filter(|request| request.raw.contains(IMAGE_BEGINS)) {
        let (_, rest) = request.raw.split_once(IMAGE_BEGINS).unwrap();
        let (rest, _) = rest.split_once('"').unwrap();
        assert!(base64(&format!("{IMAGE_BEGINS}{rest}")) == image(), "the model sees the whole image");
    }
}

#[test]
fn a_quiet_client_is_told_where_a_long_text_is() {
    let server = ModelServer::start(Script::always(Reply::text(answer()))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let session = waiting::open(&home).unwrap();
    let mut raw = Raw::dial(&home, Way::Headers).unwrap();
    raw.call("initialize", &json!({"capabilities": {"experimental": {"agent": {"protocol": [1]}}}})).unwrap();
    raw.call("agent/observe", &json!({"sessionId": session, "after": "now"})).unwrap();
    let input = json!([{"type": "text", "text": "speak"}]);
    raw.call("agent/prompt", &json!({"sessionId": session, "input": input})).unwrap();
    let body = loop {
        let event =
            raw.events.pop().unwrap_or_else(|| raw.message().unwrap().unwrap()["params"]["result"].clone());
        if event["type"] == "message.ended" && event["body"] != "speak" {
            break event["body"].as_str().unwrap().to_owned();
        }
    };
    let reference = body.split_once(" bytes in all: ").unwrap().1.trim_end_matches(']').to_owned();
    assert!(fetched(&mut raw, &json!(reference)).unwrap() == answer().as_bytes());
}

#[test]
fn the_command_line_prints_long_answers_whole() {
    let long = format!("{}end", "all of it ".repeat(200_000));
    let server = ModelServer::start(Script::always(Reply::text(&long).deltas(20))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["run", "--model", "fake/x"], more, &["go"]].concat();
        home.tenon(&arguments).unwrap().expect(0).unwrap()
    };
    assert!(run(&[]).stdout.trim_end_matches('\n') == long);
    let lines = run(&["--json"]).json_lines().unwrap();
    assert!(lines.last().unwrap()["data"]["text"] == long.as_str());
    let log = home.tenon(&["log"]).unwrap().expect(0).unwrap().stdout;
    let (_, reference) = log.split_once("[all of it: tenon fetch ").unwrap();
    let reference = reference.split(']').next().unwrap();
    assert!(home.tenon(&["fetch", reference]).unwrap().expect(0).unwrap().stdout == long);
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[test]
fn a_list_of_large_items_is_paged() {
    let write = json!({"path": "a.txt", "content": controls(300_000)});
    let server = ModelServer::start(Script::always(Reply::call("write", &write))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let sessions: Vec<String> = (0..3).map(|_| waiting::session(&home).unwrap()).collect();
    let mut raw = Raw::connect(&home, Way::Lines).unwrap();
    let (mut listed, mut after, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let mut params = json!({"kind": "request"});
        if !after.is_null() {
            params["after"] = after;
        }
        let before = raw.received_bytes;
        let page = raw.call("agent/list", &params).unwrap();
        assert!(raw.received_bytes - before <= MESSAGE_BYTES_MAX);
        pages += 1;
        let items = page["items"].as_array().unwrap().iter();
        listed.extend(
            items
                .filter(|item| item["kind"] == "approval")
                .map(|item| item["session"].as_str().unwrap().to_owned()),
        );
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    listed.reverse();
    assert_eq!(listed, sessions, "each once, the newest first");
    assert!(pages >= 3, "{pages} pages");
}

#[test]
fn an_error_that_repeats_what_was_said_is_bounded() {
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let mut raw = Raw::connect(&home, Way::Lines).unwrap();
    let before = raw.received_bytes;
    raw.request("agent/log", &json!({"sessionId": "s".repeat(12 << 20)})).unwrap();
    let answer = raw.message().unwrap().unwrap();
    assert!(raw.received_bytes - before <= 16 << 10, "an answer of {} bytes", raw.received_bytes - before);
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["data"]["kind"]),
        (&json!(1101), &json!("sessionNotFound"))
    );
}

#[test]
fn what_nothing_names_is_not_read_though_its_file_is_there() {
    let long = "all of it ".repeat(150_000);
    let server = ModelServer::start(Script::always(Reply::text(&long))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.tenon(&["run", "--model", "fake/x", "go"]).unwrap().expect(0).unwrap();
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let named = log.iter().find_map(|event| event["data"]["content"][0]["ref"].as_str()).unwrap();
    let digest = named.strip_prefix("b3:").unwrap();
    let path = home.state_dir().join("blobs").join(&digest[..2]).join(&digest[2..]);
    let kept = std::fs::read(&path).unwrap();
    home.tenon(&["fetch", named]).unwrap().expect(0).unwrap();
    home.tenon(&["sessions", "prune", "--keep", "0"]).unwrap().expect(0).unwrap();
    assert!(!path.exists());
    std::fs::write(&path, kept).unwrap();
    let refused = home.tenon(&["fetch", named]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("nothing is kept under"), "{refused:#?}");
}
