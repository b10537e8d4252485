//! `kill -9` of the daemon behind every event of a session with an approval and an interrupt: a client that comes back at its
//! cursor ends with the log that one has who never left, and what was allowed is done once. Not here: turns without a person
//! (`everywhere`).
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tenon_tests::conversation;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::surroundings::slow_tests;
use tenon_tests::waiting;

/// Errors of a repeated wish that was fulfilled before the kill: already resolved, no turn.
const FULFILLED: [i64; 3] = [1205, 1206, 1108];

/// Reads, writes, answers; the second answer never ends by itself.
fn model(gate: Gate) -> Script {
    Script::function(move |_, request| {
        if conversation::prompts(request).len() > 1 {
            return Reply::text("one two three").deltas(3).gate_after(1, &gate);
        }
        match conversation::exchanges(request).map(|done| done.len()) {
            Ok(0) => Reply::text("Looking.").and_call("read", &json!({"path": "a.txt"})),
            Ok(1) => Reply::call("write", &json!({"path": "b.txt", "content": "two\n"})),
            Ok(_) => Reply::text("It is written."),
            Err(error) => Reply::status(400, &format!("{error:#}")),
        }
    })
}

/// A client that does what a person would, by what it sees.
struct Person<'a> {
    home: &'a Home,
    session: String,
    raw: Raw,
    seen: Vec<Value>,
    turns: usize,
}

impl<'a> Person<'a> {
    fn new(home: &'a Home) -> Result<Self> {
        let session = waiting::open(home)?;
        let mut person =
            Self { home, session, raw: Raw::connect(home, Way::Lines)?, seen: Vec::new(), turns: 0 };
        person.observe()?;
        person.prompt("write it")?;
        Ok(person)
    }

    fn observe(&mut self) -> Result<()> {
        let after = self
            .seen
            .last()
            .map_or_else(|| "start".to_owned(), |event| format!("{}.{}", event["epoch"], event["seq"]));
        self.raw.call("agent/observe", &json!({"sessionId": self.session, "after": after})).map(drop)
    }

    /// Comes back after the daemon was killed.
    fn come_back(&mut self) -> Result<()> {
        self.home.kill_daemon()?;
        self.home.tenon(&["sessions"])?.expect(0)?;
        self.raw = Raw::connect(self.home, Way::Headers)?;
        self.observe()
    }

    fn prompt(&mut self, text: &str) -> Result<()> {
        let input = json!([{"type": "text", "text": text}]);
        self.wish("agent/prompt", &json!({"sessionId": self.session, "input": input, "key": text}))
    }

    fn wish(&mut self, method: &str, params: &Value) -> Result<()> {
        self.raw.request(method, params)?;
        let answer = self.raw.answer()?.context("the connection ended")?;
        let is_fulfilled = answer["error"]["code"].as_i64().is_some_and(|code| FULFILLED.contains(&code));
        ensure!(answer.get("result").is_some() || is_fulfilled, "{method}: {answer}");
        Ok(())
    }

    /// Waits for the next durable event; every one has the number behind the one before it.
    fn look(&mut self) -> Result<Value> {
        loop {
            let event = self.raw.event()?;
            if let Some(seq) = event["seq"].as_u64() {
                ensure!(seq == self.seen.len() as u64 + 1, "{event} came behind {:?}", self.seen.last());
                self.seen.push(event.clone());
                return Ok(event);
            }
        }
    }

    /// Does what an event asks for. Returns whether that was all.
    fn act(&mut self, event: &Value) -> Result<bool> {
        match event["type"].as_str() {
            Some("request.opened") if event["data"]["kind"] == "approval" => {
                let request = &event["data"]["requestId"];
                self.wish("agent/answer", &json!({"requestId": request, "decision": "allow"}))?;
            }
            Some("turn.ended") => {
                self.turns += 1;
                if self.turns == 2 {
                    return Ok(true);
                }
                self.prompt("count")?;
            }
            Some("message.started") if self.turns == 1 => {
                self.wish("agent/interrupt", &json!({"sessionId": self.session}))?;
            }
            _ => {}
        }
        Ok(false)
    }
}

/// Kills the daemon behind the event of that number. Returns how many there were; `None` where it was never reached.
fn killed_behind(number: usize) -> Result<Option<usize>> {
    let gate = Gate::new();
    let server = ModelServer::start(model(gate))?;
    let home = Home::with_model("openai-chat", &server)?;
    home.write("a.txt", "one\n")?;
    let mut person = Person::new(&home)?;
    loop {
        let event = person.look()?;
        if person.seen.len() == number {
            person.come_back().with_context(|| format!("killed behind {event}"))?;
        }
        if person.act(&event).with_context(|| format!("killed behind {number}, at {event}"))? {
            break;
        }
    }
    let count = person.seen.len();
    if count < number {
        return Ok(None);
    }
    check(&home, person).with_context(|| format!("killed behind {number}"))?;
    Ok(Some(count))
}

fn check(home: &Home, person: Person<'_>) -> Result<()> {
    let log = home.tenon(&["log", "--json", "--session", &person.session])?.expect(0)?.json_lines()?;
    let without_mark = |mut event: Value| {
        event.as_object_mut().map(|members| members.remove("replay"));
        event
    };
    let seen: Vec<Value> = person.seen.into_iter().map(without_mark).collect();
    ensure!(log[..seen.len()] == seen, "the log is another: {log:#?}");
    let of = |kind: &str| log.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    ensure!((of("prompt.admitted").len(), of("turn.started").len(), of("turn.ended").len()) == (2, 2, 2));
    ensure!(of("turn.ended")[1]["data"]["stop"] == "interrupted", "{log:#?}");
    let written: Vec<&Value> =
        of("tool.proposed").into_iter().filter(|call| call["data"]["name"] == "write").collect();
    let of_call = |kind: &str, call: &Value| {
        let of_it = |event: &&Value| event["data"]["callId"] == call["data"]["callId"];
        of(kind).into_iter().filter(of_it).collect::<Vec<_>>()
    };
    // A kill between a proposal and the end of its answer has the model asked again: what it wanted first is closed.
    let is_done = |call: &Value| of_call("tool.ended", call).iter().any(|end| end["data"]["status"] == "ok");
    let (done, closed): (Vec<&Value>, Vec<&Value>) = written.into_iter().partition(|call| is_done(call));
    ensure!(done.len() == 1, "it was done {} times: {log:#?}", done.len());
    ensure!(closed.iter().all(|call| of_call("tool.ended", call).len() == 1), "it is open: {log:#?}");
    ensure!(closed.iter().all(|call| of_call("tool.started", call).is_empty()), "it was begun: {log:#?}");
    // One that certainly did nothing before the kill is started again; what it does is done once.
    let counts = (of_call("tool.ended", done[0]).len(), of("change.applied").len());
    ensure!(counts == (1, 1), "it was allowed: {log:#?}");
    ensure!(home.read("b.txt") == "two\n", "what is done is there");
    home.tenon(&["log", "--verify"])?.expect(0).map(drop)
}

#[test]
fn whoever_comes_back_has_the_log_of_one_who_never_left() {
    let step = if slow_tests() { 1 } else { 11 };
    let mut kills = 0;
    for number in (1..).step_by(step) {
        match killed_behind(number).unwrap() {
            Some(_) => kills += 1,
            None => break,
        }
    }
    assert!(kills > 30 / step, "only {kills} places to kill at");
}
