//! Transcripts of releases: what a client sent and was told, with words for what differs from run to run, and whether a later
//! agent still says it. Not here: what is said in them (`tests/golden.rs`).
//!
//! A later agent may say more: further members, further items of a list, further types of events. What the transcript has
//! must be there, in the transcript's order.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// Letters of ids.
const ID_LETTERS: &str = "stmxckprjwg";

/// An id has this many characters.
const ID_LEN: usize = 28;

/// Members whose values are for people, or are about the machine and the build.
const UNTOLD: [&str; 9] =
    ["at", "message", "hints", "instance", "can", "schema", "serverInfo", "rev", "limits"];

/// Words for what differs, and what stands for them in this run.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Words with what they stand for: ids, the workspace.
    texts: BTreeMap<String, String>,
    /// Places in the log: the transcript's, and this run's.
    places: BTreeMap<u64, u64>,
}

impl Words {
    /// Starts with the workspace.
    pub fn new(workspace: &str) -> Self {
        let texts = BTreeMap::from([("WORKSPACE".to_owned(), workspace.to_owned())]);
        Self { texts, places: BTreeMap::new() }
    }

    /// Returns a message as it stands in a transcript, and remembers what it brings.
    pub fn written(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text_written(text)),
            Value::Array(items) => items.iter().map(|item| self.written(item)).collect(),
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| !UNTOLD.contains(&name.as_str()))
                .map(|(name, member)| match member.as_u64() {
                    Some(seq) if name == "seq" => {
                        self.places.insert(seq, seq);
                        (name.clone(), Value::String(format!("SEQ#{seq}")))
                    }
                    _ => (name.clone(), self.written(member)),
                })
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn text_written(&mut self, text: &str) -> String {
        if let Some(seq) = cursor(text) {
            self.places.insert(seq, seq);
            return format!("CURSOR#{seq}");
        }
        let text = text.replace(&self.texts["WORKSPACE"], "WORKSPACE");
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(next) = rest.chars().next() {
            let length = if let Some(id) = id(rest) {
                out.push_str(&self.word_for(id));
                ID_LEN
            } else if time(rest).is_some() {
                out.push_str("TIME");
                24
            } else if digest(rest).is_some() {
                out.push_str("DIGEST");
                64
            } else {
                out.push(next);
                next.len_utf8()
            };
            rest = &rest[length..];
        }
        out
    }

    fn word_for(&mut self, id: &str) -> String {
        if let Some((word, _)) = self.texts.iter().find(|(_, known)| *known == id) {
            return word.clone();
        }
        let letter = &id[..1];
        let count = self.texts.keys().filter(|word| word.starts_with(&format!("{letter}#"))).count();
        let word = format!("{letter}#{}", count + 1);
        self.texts.insert(word.clone(), id.to_owned());
        word
    }

    /// Returns a message of a transcript as it is sent in this run.
    ///
    /// # Errors
    /// It has a word that nothing has brought.
    pub fn said(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.text_said(text)?),
            Value::Array(items) => items.iter().map(|item| self.said(item)).collect::<Result<_>>()?,
            Value::Object(members) => {
                let members = members.iter().map(|(name, member)| Ok((name.clone(), self.said(member)?)));
                Value::Object(members.collect::<Result<_>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn text_said(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let Some((word, length)) = word(rest) else {
                out.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            rest = &rest[length..];
            if let Some(seq) = place(word, "CURSOR#") {
                let seq = self.places.get(&seq).with_context(|| format!("nothing brought {word}"))?;
                write!(out, "1.{seq}")?;
            } else {
                out += self.texts.get(word).with_context(|| format!("nothing brought {word}"))?;
            }
        }
        Ok(out)
    }

    /// Checks that a message says what the transcript says, and remembers what its words stand for.
    ///
    /// # Errors
    /// It does not; the error names the place.
    pub fn check(&mut self, golden: &Value, told: &Value) -> Result<()> {
        match (golden, told) {
            (Value::Object(golden), Value::Object(told)) => golden.iter().try_for_each(|(name, golden)| {
                let told = told.get(name).with_context(|| format!("{name} is missing: {told:?}"))?;
                self.check(golden, told).with_context(|| format!("in {name}"))
            }),
            (Value::Array(golden), Value::Array(all)) => {
                let mut told = all.iter();
                golden.iter().try_for_each(|golden| {
                    let found = told.find(|told| {
                        let mut tried = self.clone();
                        let fits = tried.check(golden, told).is_ok();
                        if fits {
                            *self = tried;
                        }
                        fits
                    });
                    found.map(drop).with_context(|| format!("{golden} is not among {all:?}"))
                })
            }
            (Value::String(golden), Value::Number(told)) => {
                let (seq, told) = place(golden, "SEQ#").zip(told.as_u64()).context("a number")?;
                self.check_place(seq, told)
            }
            (Value::String(golden), Value::String(told)) => self.check_text(golden, told),
            _ if golden == told => Ok(()),
            _ => bail!("{told} instead of {golden}"),
        }
    }

    fn check_place(&mut self, golden: u64, told: u64) -> Result<()> {
        let known = *self.places.entry(golden).or_insert(told);
        ensure!(known == told, "place {golden} was {known} and is now {told}");
        Ok(())
    }

    fn check_text(&mut self, golden: &str, told: &str) -> Result<()> {
        let differs = || format!("{told:?} instead of {golden:?}");
        if let Some(seq) = place(golden, "CURSOR#") {
            return self.check_place(seq, cursor(told).with_context(differs)?);
        }
        let (mut left, mut right) = (golden, told);
        while let Some(next) = left.chars().next() {
            let Some((word, length)) = word(left) else {
                right = right.strip_prefix(next).with_context(differs)?;
                left = &left[next.len_utf8()..];
                continue;
            };
            left = &left[length..];
            let found = match word {
                "TIME" => time(right),
                "DIGEST" => digest(right),
                "WORKSPACE" => right.get(..self.texts[word].len()),
                _ => id(right).filter(|id| id.starts_with(&word[..1])),
            };
            let found = found.with_context(differs)?;
            right = &right[found.len()..];
            if !["TIME", "DIGEST"].contains(&word) {
                let known = self.texts.entry(word.to_owned()).or_insert_with(|| found.to_owned());
                ensure!(known == found, "{word} was {known} and is now {found}");
            }
        }
        ensure!(right.is_empty(), "{}", differs());
        Ok(())
    }
}

/// Returns the word that a text begins with, and its length.
fn word(text: &str) -> Option<(&str, usize)> {
    for fixed in ["TIME", "DIGEST", "WORKSPACE"] {
        if text.starts_with(fixed) {
            return Some((fixed, fixed.len()));
        }
    }
    let (name, rest) = text.split_once('#')?;
    let known = name == "CURSOR" || (name.len() == 1 && ID_LETTERS.contains(name));
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    (known && digits > 0).then(|| (&text[..=name.len() + digits], name.len() + 1 + digits))
}

fn place(text: &str, word: &str) -> Option<u64> {
    text.strip_prefix(word)?.parse().ok()
}

fn cursor(text: &str) -> Option<u64> {
    let (epoch, seq) = text.split_once('.')?;
    (epoch == "1").then(|| seq.parse().ok()).flatten()
}

fn id(text: &str) -> Option<&str> {
    let id = text.get(..ID_LEN)?;
    let is_id = ID_LETTERS.contains(&id[..1])
        && id[1..].starts_with('_')
        && id[2..].bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    is_id.then_some(id)
}

fn digest(text: &str) -> Option<&str> {
    let digest = text.get(..64)?;
    digest.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digest)
}

fn time(text: &str) -> Option<&str> {
    let time = text.get(..24)?;
    let shape: String =
        time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    (shape == "0000-00-00T00:00:00.000Z").then_some(time)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(digit: &str) -> String {
        format!("s_{}", digit.repeat(26))
    }

    #[test]
    fn what_is_written_is_said_and_found_again_in_another_run() {
        let first = json!({"seq": 3, "data": {"of": [session("0"), "1.3"], "in": "/a/b", "at": "now"}});
        let golden = Words::new("/a").written(&first);
        assert_eq!(golden, json!({"seq": "SEQ#3", "data": {"of": ["s#1", "CURSOR#3"], "in": "WORKSPACE/b"}}));
        let mut other = Words::new("/c");
        let second =
            json!({"seq": 9, "new": 1, "data": {"of": [{}, session("1"), "1.9", "x"], "in": "/c/b"}});
        other.check(&golden, &second).unwrap();
        assert_eq!(other.said(&json!(["s#1", "CURSOR#3"])).unwrap(), json!([session("1"), "1.9"]));
        assert!(other.said(&json!("s#2")).is_err());
    }

    #[test]
    fn what_is_missing_or_different_is_found() {
        let golden = json!({"seq": "SEQ#3", "of": ["s#1", "s#1"], "cursor": "CURSOR#3", "n": 1});
        let told = json!({"seq": 3, "of": [session("0"), session("0")], "cursor": "1.3", "n": 1});
        Words::new("/").check(&golden, &told).unwrap();
        for (member, wrong) in [
            ("seq", json!(4)),
            ("of", json!([session("0"), session("1")])),
            ("of", json!([session("0")])),
            ("cursor", json!("2.3")),
            ("n", json!("1")),
            ("n", Value::Null),
        ] {
            let mut other = told.clone();
            other[member] = wrong;
            assert!(Words::new("/").check(&golden, &other).is_err(), "{other}");
        }
    }
}
