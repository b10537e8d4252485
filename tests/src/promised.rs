//! What `spec/protocol.md` promises of each kind of error: the advice and the members of its `data`.
//! Not here: which kinds there are.
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

/// What holds for every error of a kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Promise {
    /// The kind's name.
    pub kind: String,
    /// Its `retry`, if it always has the same.
    pub retry: Option<String>,
    /// The members that are always there.
    pub members: Vec<String>,
}

/// The rows of the page's table.
#[derive(Debug)]
pub struct Promises(pub Vec<Promise>);

/// Returns what the page promises, read once; `None` if it has no such table.
pub fn promises() -> Option<&'static Promises> {
    static READ: OnceLock<Option<Promises>> = OnceLock::new();
    READ.get_or_init(|| {
        let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/protocol.md");
        read(&std::fs::read_to_string(page).ok()?)
    })
    .as_ref()
}

fn read(page: &str) -> Option<Promises> {
    let (_, table) = page.split_once("| kind | `retry` | members |\n| --- | --- | --- |\n")?;
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let kind = words(cells.next()?).pop()?;
        let retry = words(cells.next()?).pop();
        Some(Promise { kind, retry, members: words(cells.next()?) })
    };
    Some(Promises(table.lines().map_while(row).collect()))
}

impl Promises {
    /// Tells what a JSON-RPC error object lacks of what is promised of its kind.
    pub fn broken(&self, error: &Value) -> Option<String> {
        let data = &error["data"];
        let promise = self.0.iter().find(|promise| data["kind"] == promise.kind.as_str())?;
        if promise.retry.as_ref().is_some_and(|retry| data["retry"] != retry.as_str()) {
            return Some(format!("`retry` is {:?} for every {}: {error}", promise.retry, promise.kind));
        }
        let lacks = promise.members.iter().find(|name| data.get(name.as_str()).is_none())?;
        Some(format!("every {} has `{lacks}`: {error}", promise.kind))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_that_lacks_what_is_promised_is_found() {
        let promises = promises().unwrap();
        let whole = json!({"data": {"kind": "draining", "retry": "later", "retryAfterMs": 1}});
        assert_eq!(promises.broken(&whole), None);
        for (name, value) in [("retry", json!("now")), ("retry", Value::Null)] {
            let mut wrong = whole.clone();
            wrong["data"][name] = value;
            assert!(promises.broken(&wrong).unwrap().contains("`retry`"));
        }
        let short = json!({"data": {"kind": "draining", "retry": "later"}});
        assert!(promises.broken(&short).unwrap().contains("`retryAfterMs`"));
    }
}
