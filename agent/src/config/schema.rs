//! The table of keys: name, shape, what a workspace may do with it, and a line of help. Reading, environment names,
//! narrowing, `explain` and `set` follow from it. Not here: the values (`value`).
use crate::config::value::Shape;

/// What a workspace's configuration may do with a key: it may narrow what is permitted, never widen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narrowing {
    /// It may set the key: nothing is permitted by it.
    Free,
    /// It may add entries to the list: each of them narrows.
    Add,
    /// It may lower the number.
    Lower,
    /// It may lower the number, where 0 is the highest.
    Bound,
    /// It may raise the number.
    Raise,
    /// It may switch the key off.
    Off,
    /// It may choose a built-in profile that lies within the present one.
    Profile,
    /// It may not touch the key.
    Refused,
}

impl Narrowing {
    /// Returns what a workspace may do, behind "a workspace may".
    pub(crate) const fn of_workspaces(self) -> Option<&'static str> {
        match self {
            Self::Free => Some("set it"),
            Self::Add => Some("add to it"),
            Self::Lower | Self::Bound => Some("lower it"),
            Self::Raise => Some("raise it"),
            Self::Off => Some("switch it off"),
            Self::Profile => Some("narrow it"),
            Self::Refused => None,
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The dotted name; `*` stands for a name that the person chooses.
    pub(crate) name: &'static str,
    /// What values it takes.
    pub(crate) shape: Shape,
    /// What a workspace may do with it.
    pub(crate) narrowing: Narrowing,
    /// One line for people and for the schema.
    pub(crate) help: &'static str,
}

const fn key(name: &'static str, shape: Shape, narrowing: Narrowing, help: &'static str) -> Key {
    Key { name, shape, narrowing, help }
}

use Narrowing::{Add, Bound, Free, Lower, Off, Raise, Refused};

/// The longest time in seconds that any key takes: a week.
const WEEK_S: i64 = 7 * 24 * 3600;

/// The most MiB that any key takes: what no machine has.
const MIB_MAX: i64 = 1 << 40;

/// Sandbox levels.
const LEVELS: Shape = Shape::Integer(0, 3);

const VERDICTS: Shape = Shape::Choice(&["deny", "ask", "allow"]);
const WIRES: Shape =
    Shape::Choice(&["openai-chat", "openai-responses", "anthropic-messages", "gemini", "script"]);

/// Every key there is, in the order of the manual.
pub(crate) const KEYS: &[Key] = &[
    key("model", Shape::Text, Free, "the model, as provider/model, or only the provider"),
    key("profile", Shape::Name, Narrowing::Profile, "read, review, edit, auto, full, or one of your own"),
    key("providers.*.wire", WIRES, Refused, "the format the provider speaks"),
    key("providers.*.base_url", Shape::Url, Refused, "where it is reached"),
    key("providers.*.api_key.env", Shape::Variable, Refused, "the variable that holds its key"),
    key("providers.*.api_key.file", Shape::Path, Refused, "the file that holds its key"),
    key("providers.*.headers.*", Shape::Secret, Refused, "a header sent with every request"),
    key(
        "providers.*.max_tokens_field",
        Shape::Choice(&["max_tokens", "max_completion_tokens"]),
        Refused,
        "the member that bounds the output",
    ),
    key("providers.*.model", Shape::Text, Refused, "the model where only the provider is named"),
    key("providers.*.file", Shape::Path, Refused, "the scenario file of wire = \"script\""),
    key(
        "providers.*.timeouts.first_byte_s",
        Shape::Integer(1, 3600),
        Refused,
        "seconds until the first byte of an answer",
    ),
    key(
        "providers.*.timeouts.chunk_s",
        Shape::Integer(1, 3600),
        Refused,
        "seconds between two chunks of an answer",
    ),
    key("limits.steps", Shape::Integer(1, 10_000), Lower, "steps of a turn before it asks whether to go on"),
    key("limits.cost_usd", Shape::Number(0.0, 1_000_000.0), Lower, "US dollars a turn may cost"),
    key("limits.turn_timeout_s", Shape::Integer(1, WEEK_S), Lower, "seconds a turn may take"),
    key(
        "limits.retry_budget_s",
        Shape::Integer(0, WEEK_S),
        Lower,
        "seconds that all attempts of a request may take",
    ),
    key("limits.retry_attempts", Shape::Integer(1, 100), Lower, "attempts of a request, the first included"),
    key("rules.allow", Shape::Rules, Refused, "what needs no question"),
    key("rules.ask", Shape::Rules, Add, "what needs a question whatever the profile says"),
    key("rules.deny", Shape::Rules, Add, "what never happens"),
    key(
        "network.private",
        Shape::Hosts,
        Refused,
        "hosts of this machine or its own network that the tool fetch and commands may ask for",
    ),
    key("sandbox.unix_sockets", Shape::Switch, Off, "whether commands may connect to Unix sockets"),
    key(
        "sandbox.capture",
        Shape::Choice(&["exact", "compared"]),
        Refused,
        "how it is found what commands change: exact holds it back until they end, compared looks before and after",
    ),
    key(
        "sandbox.level",
        LEVELS,
        Refused,
        "the level that commands run at; the highest that the machine has where absent",
    ),
    key("sandbox.level_min", LEVELS, Raise, "the level below which no command runs"),
    key(
        "sandbox.memory_mib",
        Shape::Integer(0, MIB_MAX),
        Bound,
        "MiB of memory for a command and all it starts; 0 is three quarters of the machine's",
    ),
    key("sandbox.processes", Shape::Integer(1, 1_000_000), Lower, "processes of a command at one time"),
    key(
        "sandbox.cpu_s",
        Shape::Integer(0, WEEK_S),
        Bound,
        "seconds of processor time of a command; 0 is no limit",
    ),
    key(
        "sandbox.output_mib",
        Shape::Integer(1, MIB_MAX),
        Lower,
        "MiB that a command may print before it is ended",
    ),
    key(
        "sandbox.caches_mib",
        Shape::Integer(0, MIB_MAX),
        Lower,
        "MiB of a workspace's copies of caches; 0 makes none",
    ),
    key(
        "daemon.linger_s",
        Shape::Integer(0, WEEK_S),
        Refused,
        "seconds a daemon stays after its last client and job",
    ),
    key(
        "daemon.unload_s",
        Shape::Integer(0, WEEK_S),
        Refused,
        "seconds without use after which a session leaves memory until it is wanted again",
    ),
    key("daemon.listen", Shape::Address, Refused, "the address of the HTTP carrier; empty is off"),
    key("daemon.origins", Shape::Origins, Refused, "origins of pages that may use the HTTP carrier"),
    key("daemon.accept", Shape::Choices(&["user-namespace"]), Refused, "peers admitted beyond the default"),
    key("profiles.*.extends", Shape::Name, Refused, "the profile it builds on; review where absent"),
    key("profiles.*.read", VERDICTS, Refused, "reading files"),
    key("profiles.*.write", VERDICTS, Refused, "writing files"),
    key("profiles.*.shell", VERDICTS, Refused, "running commands"),
    key("profiles.*.network", VERDICTS, Refused, "reaching a host"),
    key(
        "profiles.*.unattended",
        Shape::Choice(&["wait", "deny"]),
        Refused,
        "what becomes of a question without anybody to ask",
    ),
];

/// Returns the row that a dotted key belongs to.
pub(crate) fn find(key: &str) -> Option<&'static Key> {
    KEYS.iter().find(|row| matches(row.name, key))
}

/// Whether the pattern's segments are those of the key, with `*` for any name.
fn matches(pattern: &str, key: &str) -> bool {
    let mut segments = key.split('.');
    pattern
        .split('.')
        .all(|want| segments.next().is_some_and(|have| want == have || (want == "*" && is_name(have))))
        && segments.next().is_none()
}

/// Returns whether the text can be the name of a provider, a profile or a header.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Returns whether some key lies beneath the dotted prefix.
pub(crate) fn is_table(prefix: &str) -> bool {
    let depth = prefix.split('.').count();
    KEYS.iter().any(|row| {
        let head: Vec<&str> = row.name.split('.').take(depth).collect();
        row.name.split('.').count() > depth && matches(&head.join("."), prefix)
    })
}

/// Returns whether a key is the named one or lies beneath it; every key lies beneath the empty name.
pub(crate) fn is_within(key: &str, name: &str) -> bool {
    name.is_empty() || key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Returns the known key that an unknown one most likely means: the same place, with the last segment that differs
/// replaced by the nearest known one.
pub(crate) fn nearest(key: &str) -> Option<String> {
    /// Below this the two words have little in common.
    const SIMILAR_MIN: f64 = 0.7;
    let concrete = |row: &Key| -> String {
        let have: Vec<&str> = key.split('.').collect();
        let fill = |(at, want): (usize, &str)| match (want, have.get(at)) {
            ("*", Some(name)) if is_name(name) => (*name).to_owned(),
            (want, _) => want.to_owned(),
        };
        row.name.split('.').enumerate().map(fill).collect::<Vec<_>>().join(".")
    };
    KEYS.iter()
        .map(|row| (strsim::jaro_winkler(key, &concrete(row)), concrete(row)))
        .filter(|(similarity, name)| *similarity >= SIMILAR_MIN && !name.contains('*'))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod manual;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_pattern() {
        assert_eq!(find("limits.steps").unwrap().name, "limits.steps");
        assert_eq!(find("providers.my-server.api_key.env").unwrap().name, "providers.*.api_key.env");
        assert!(find("providers.a b.wire").is_none());
        assert!(find("limits").is_none() && find("limits.steps.x").is_none());
        assert!(is_table("limits") && is_table("providers.x") && is_table("providers.x.headers"));
        assert!(!is_table("limits.steps") && !is_table("limit"));
    }

    #[test]
    fn the_nearest_key_is_named() {
        assert_eq!(nearest("limits.step").unwrap(), "limits.steps");
        assert_eq!(nearest("limit.steps").unwrap(), "limits.steps");
        assert_eq!(nearest("providers.local.baseurl").unwrap(), "providers.local.base_url");
        assert_eq!(nearest("modle").unwrap(), "model");
        assert_eq!(nearest("zzz"), None);
    }
}
