//! Questions: what a person may answer to a request, and how it is shown. Pure. Not here: reading the answer (`person`).
use std::fmt::Write as _;

use tenon_protocol::answer::AnswerParams;
use tenon_protocol::ids::RequestId;
use tenon_protocol::json::Json;
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};

use crate::cli::run::patch;
use crate::cli::sessions::path_of;
use crate::cli::terminal::{Terminal, safe, safe_line};

/// A request as it is put to a person.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) item: RequestItem,
    choices: Vec<Choice>,
    /// The choice that was made, while its reason is asked for.
    chosen: Option<usize>,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    /// What may be typed for it; the first is shown.
    words: Vec<String>,
    label: String,
    decision: String,
    scope: Option<Scope>,
    pattern: Option<String>,
    /// Whether a reason is asked for, which the model is told.
    wants_reason: bool,
}

/// What a typed line came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    /// It is no answer: the prompt is shown again.
    Nothing,
    /// The choice is made, a reason may follow.
    Reason,
    /// This is the answer.
    Answer(AnswerParams),
}

impl Question {
    /// Prepares a request.
    pub(crate) fn new(item: RequestItem) -> Self {
        let choices = choices(&item);
        Self { item, choices, chosen: None }
    }

    /// Returns what is shown before the prompt.
    pub(crate) fn render(&self, terminal: Terminal) -> String {
        let mut text = format!("{} {}\n", terminal.bold("?"), terminal.bold(&safe_line(&self.item.title)));
        text.push_str(&subject(terminal, &self.item.subject));
        if let Some(reason) = &self.item.reason {
            text.push_str(&terminal.faint(&format!("  asked because: {}", safe_line(reason))));
            text.push('\n');
        }
        for choice in self.choices.iter().filter(|choice| choice.label != choice.words[0]) {
            let word = format!("  {:>6}", choice.words[0]);
            writeln!(text, "{}  {}", terminal.cyan(&word), safe_line(&choice.label)).ok();
        }
        text
    }

    /// Returns the prompt that the line is typed behind.
    pub(crate) fn prompt(&self, terminal: Terminal) -> String {
        if self.chosen.is_some() {
            return format!("{} ", terminal.bold("reason (or nothing):"));
        }
        let words: Vec<&str> = self.choices.iter().map(|choice| choice.words[0].as_str()).collect();
        format!("{} ", terminal.bold(&format!("[{}]:", words.join("/"))))
    }

    /// Takes a typed line.
    pub(crate) fn hear(&mut self, line: &str) -> Heard {
        let line = line.trim();
        if let Some(chosen) = self.chosen {
            let note = (!line.is_empty()).then(|| line.to_owned());
            return Heard::Answer(self.answer(&self.choices[chosen], note));
        }
        let word = line.to_lowercase();
        let found = self.choices.iter().position(|choice| choice.words.contains(&word));
        match found {
            Some(at) if self.choices[at].wants_reason => {
                self.chosen = Some(at);
                Heard::Reason
            }
            Some(at) => Heard::Answer(self.answer(&self.choices[at], None)),
            None if self.item.kind == RequestKind::Question && !line.is_empty() => {
                Heard::Answer(AnswerParams {
                    form: Some(Json(serde_json::json!({"text": line}))),
                    ..self.params("answer")
                })
            }
            None => Heard::Nothing,
        }
    }

    fn params(&self, decision: &str) -> AnswerParams {
        AnswerParams {
            request_id: self.item.request_id.clone(),
            decision: decision.to_owned(),
            scope: None,
            pattern: None,
            form: None,
            note: None,
            select: None,
        }
    }

    fn answer(&self, choice: &Choice, note: Option<String>) -> AnswerParams {
        let (scope, pattern) = (choice.scope, choice.pattern.clone());
        AnswerParams { scope, pattern, note, ..self.params(&choice.decision) }
    }
}

/// Returns the answer that is given where there is nobody.
pub(crate) fn nobody(request: RequestId) -> AnswerParams {
    let note = Some("nobody to ask".to_owned());
    AnswerParams {
        request_id: request,
        decision: "deny".to_owned(),
        scope: None,
        pattern: None,
        form: None,
        note,
        select: None,
    }
}

/// The answers to a request: yes and no, then the options it offers beyond them.
fn choices(item: &RequestItem) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    let plain = match item.kind {
        RequestKind::Approval | RequestKind::Trust | RequestKind::Limit | RequestKind::Login => true,
        // The options of a request of a later kind say what can be done.
        RequestKind::Question | RequestKind::Recovery | RequestKind::Conflict | RequestKind::Unheard(_) => {
            false
        }
    };
    if plain {
        choices.push(choice(&["y", "yes", "allow"], "allow", false));
        choices.push(choice(&["n", "no", "deny"], "deny", item.kind == RequestKind::Approval));
    }
    for option in &item.options {
        if choices.iter().any(|choice| choice.decision == option.id) {
            continue;
        }
        choices.push(offered(item.kind, option, choices.len() + 1));
    }
    if choices.is_empty() {
        choices.push(choice(&["n", "no", "deny"], "deny", true));
    }
    choices
}

fn choice(words: &[&str], decision: &str, wants_reason: bool) -> Choice {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    Choice {
        label: words[0].clone(),
        words,
        decision: decision.to_owned(),
        scope: None,
        pattern: None,
        wants_reason,
    }
}

fn offered(kind: RequestKind, option: &RequestOption, number: usize) -> Choice {
    let id = option.id.to_lowercase();
    let refuses = id.starts_with("deny") || id.starts_with("never");
    let word = match (refuses, option.scope) {
        (false, Some(Scope::Always)) => "always".to_owned(),
        (false, Some(Scope::Session)) => "session".to_owned(),
        (true, Some(Scope::Always | Scope::Session)) => "never".to_owned(),
        (_, Some(Scope::Once | Scope::Unheard(_)) | None) => number.to_string(),
    };
    let mut words = vec![word];
    if words[0] != id {
        words.push(id);
    }
    // The first letter is enough where the word is one.
    if matches!(words[0].as_str(), "always" | "session") {
        words.push(words[0][..1].to_owned());
    }
    let label = match option.pattern.as_deref().filter(|pattern| !option.label.contains(pattern)) {
        Some(pattern) => format!("{} ({pattern})", option.label),
        None => option.label.clone(),
    };
    Choice {
        words,
        label,
        // An approval that reaches further is still one: the word of the protocol, with the reach beside it.
        decision: if kind == RequestKind::Approval && !refuses {
            "allow".to_owned()
        } else {
            option.id.clone()
        },
        scope: option.scope,
        pattern: option.pattern.clone(),
        wants_reason: refuses,
    }
}

/// Says a need as a person would; what this build does not know stays as it is.
fn need_told(need: &str) -> String {
    match need.split_once(':') {
        Some(("write", path)) => format!("to write {path}"),
        Some(("net", host)) => format!("to reach {host}"),
        _ => need.to_owned(),
    }
}

fn subject(terminal: Terminal, subject: &Subject) -> String {
    match subject {
        Subject::Command { argv, cwd, exe, sandbox, needs, notes } => {
            let command = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            let mut text = format!("  {}\n", terminal.cyan(&format!("$ {command}")));
            let place = if cwd.is_empty() || cwd == "." { String::new() } else { format!("in {cwd}, ") };
            let how = match sandbox {
                0 => "in no sandbox (level 0)".to_owned(),
                level => format!("at sandbox level {level}"),
            };
            let line = format!("  {place}runs {exe} {how}");
            text.push_str(&terminal.faint(&safe_line(&line)));
            text.push('\n');
            for note in notes {
                // Writing to a String cannot fail.
                writeln!(text, "  {}", terminal.bold(&safe_line(note))).ok();
            }
            for need in needs {
                // Writing to a String cannot fail.
                writeln!(text, "  {}", terminal.bold(&safe_line(&format!("needs {}", need_told(need))))).ok();
            }
            text
        }
        Subject::Edit { patch, .. } => patch::render(terminal, patch),
        Subject::Network { hosts, url } => {
            let url = url.as_ref().map(|url| format!("  address: {}\n", safe_line(url))).unwrap_or_default();
            format!("  host: {}\n{url}", safe_line(&hosts.join(", ")))
        }
        Subject::Limit { limit, value } => format!("  {}: {value}\n", safe_line(limit)),
        Subject::Login { provider, how } => format!("  {}: {}\n", safe_line(provider), safe(how)),
        Subject::Trust { workspace, enables } => {
            let mut text = format!("  {}\n", safe_line(&path_of(workspace)));
            for line in enables {
                writeln!(text, "  - {}", safe_line(line)).ok();
            }
            text
        }
        Subject::Conflict { conflicts } => {
            let mut text = String::new();
            for conflict in conflicts {
                writeln!(text, "  {}", safe_line(&conflict.text)).ok();
            }
            text
        }
        // Of a later version: what it says is shown as it came.
        Subject::Unheard(json) => format!("  {}\n", safe_line(&json.0.to_string())),
    }
}

/// A word of a command as it would have to be typed, so that one with a space is not read as two.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte);
    let word = safe_line(word);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::environment::Variables;

    fn approval() -> Question {
        let item = json!({
            "requestId": "r_1", "kind": "approval", "title": "run cargo test", "session": "s_1",
            "subject": {
                "type": "command", "argv": ["cargo", "test", "a b"], "cwd": ".", "exe": "/usr/bin/cargo",
                "sandbox": 3, "needs": [],
            },
            "options": [
                {"id": "allow", "label": "allow once"},
                {"id": "always", "label": "always allow", "scope": "always", "pattern": "cargo test *"},
                {"id": "deny_always", "label": "never", "scope": "always"},
            ],
            "reason": "profile review",
        });
        Question::new(serde_json::from_value(item).unwrap())
    }

    fn answered(lines: &[&str]) -> Option<AnswerParams> {
        let mut question = approval();
        lines.iter().find_map(|line| match question.hear(line) {
            Heard::Answer(answer) => Some(answer),
            Heard::Nothing | Heard::Reason => None,
        })
    }

    #[test]
    fn only_a_word_that_was_offered_is_an_answer() {
        for line in ["", "\n", "ja", "yy", "2 ", "allow it", "\u{1b}y"] {
            assert_eq!(answered(&[line]), None, "{line:?}");
        }
        assert_eq!(answered(&["Y\n"]).unwrap().decision, "allow");
    }

    #[test]
    fn always_sends_back_the_pattern_that_was_shown() {
        let answer = answered(&["always"]).unwrap();
        assert_eq!(answer.decision, "allow");
        assert_eq!((answer.scope, answer.pattern.as_deref()), (Some(Scope::Always), Some("cargo test *")));
    }

    #[test]
    fn a_refusal_may_give_its_reason() {
        let answer = answered(&["n", "use make\n"]).unwrap();
        assert_eq!((answer.decision.as_str(), answer.note.as_deref()), ("deny", Some("use make")));
        assert_eq!(answered(&["never", ""]).unwrap().note, None);
    }

    #[test]
    fn what_is_asked_is_shown_whole() {
        let terminal = Terminal::of(&Variables::new(), true);
        let question = approval();
        insta::assert_snapshot!(question.render(terminal), @r"
        ? run cargo test
          $ cargo test 'a b'
          runs /usr/bin/cargo at sandbox level 3
          asked because: profile review
          always  always allow (cargo test *)
        ");
        assert_eq!(question.prompt(terminal), "[y/n/always/never]: ");
    }
}
