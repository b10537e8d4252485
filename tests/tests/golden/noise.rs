//! What a later client or agent may add, made from a seed: members, methods, notifications, types of events, values of enums.
//! Not here: what must not change because of it (`golden`).
use serde_json::{Map, Value, json};

/// Objects whose members are names that somebody chose: one more would mean something.
const OPEN: [&str; 3] = ["variables", "environment", "from"];

/// A source of oddities.
#[derive(Debug)]
pub(crate) struct Noise {
    seed: Option<u64>,
    state: u64,
    made: u64,
}

impl Noise {
    /// Makes none.
    pub(crate) fn none() -> Self {
        Self { seed: None, state: 0, made: 0 }
    }

    /// Makes the same for the same seed (splitmix64).
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed: Some(seed), state: seed, made: 0 }
    }

    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// Tells whether an id, as JSON, is of a request made here.
    pub(crate) fn is_own(id: &str) -> bool {
        id.starts_with("\"odd-")
    }

    /// Returns a value that nobody expects.
    pub(crate) fn value(&mut self) -> Value {
        match self.below(7) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1.5),
            3 => json!("later"),
            4 => json!([{"later": []}, 1]),
            5 => json!({"type": "later", "id": 7, "seq": 9}),
            _ => json!("é漢\u{1f600}\n"),
        }
    }

    /// Returns messages that an agent does not know.
    pub(crate) fn before(&mut self) -> Vec<Value> {
        let count = if self.seed.is_some() { self.below(4) } else { 0 };
        (0..count).map(|_| self.message()).collect()
    }

    fn message(&mut self) -> Value {
        self.made += 1;
        let odd = self.value();
        match self.below(5) {
            0 => json!({"jsonrpc": "2.0", "method": "$/later", "params": {"odd": odd}}),
            1 => json!({"jsonrpc": "2.0", "method": "agent/later"}),
            2 => json!({"jsonrpc": "2.0", "id": format!("odd-{}", self.made), "result": odd}),
            3 => {
                json!({"jsonrpc": "2.0", "id": 1_000_000 + self.made, "error": {"code": 1, "message": "no", "data": {"kind": "later", "odd": odd}}})
            }
            _ => {
                json!({"jsonrpc": "2.0", "id": format!("odd-{}", self.made), "method": "agent/later", "params": {"odd": odd}})
            }
        }
    }

    /// Adds members to some of the objects of a message.
    pub(crate) fn adorn(&mut self, value: &mut Value) {
        if self.seed.is_none() {
            return;
        }
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.adorn(item)),
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if !OPEN.contains(&name.as_str()) {
                        self.adorn(member);
                    }
                }
                self.add_to(members);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn add_to(&mut self, members: &mut Map<String, Value>) {
        for number in 0..self.below(3) {
            let odd = self.value();
            members.insert(format!("_later{number}"), odd);
        }
    }
}
