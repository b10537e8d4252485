//! Which of two builds of the agent is the newer. Not here: what is done about it (`handover`).
use std::cmp::Ordering;

use tenon_protocol::handshake::Instance;

/// A build of the agent: the one that a client would start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its version, such as `0.1.0`.
    pub version: String,
    /// What tells it from other builds of that version.
    pub id: String,
    /// The time of its file, as the handshake has it (`instance.builtAt`).
    pub at: Option<String>,
}

impl Build {
    /// Tells whether this build is newer than the agent that runs: of a later version, or of the same one and another
    /// build whose file is of a later time.
    ///
    /// The order is total, so of two builds that are used in turn only one ever takes over. Where it cannot be told, the
    /// answer is no.
    pub fn is_newer_than(&self, instance: &Instance) -> bool {
        match compare_versions(&self.version, &instance.version) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => {
                // Both are RFC 3339 in UTC with three decimals: their order as text is their order in time.
                let later =
                    self.at.as_ref().zip(instance.built_at.as_ref()).is_some_and(|(own, its)| own > its);
                self.id != instance.build && later
            }
        }
    }
}

/// Compares versions as `MAJOR.MINOR.PATCH`, with a pre-release (`-rc.1`) before its release. What stands behind a `+` does
/// not count, and what is no number counts as the lowest.
fn compare_versions(a: &str, b: &str) -> Ordering {
    let split = |version: &str| {
        let version = version.split('+').next().unwrap_or_default().to_owned();
        match version.split_once('-') {
            Some((core, pre)) => (numbers(core), Some(pre.to_owned())),
            None => (numbers(&version), None),
        }
    };
    let ((a, a_pre), (b, b_pre)) = (split(a), split(b));
    a.cmp(&b).then_with(|| match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => compare_pre_releases(&a, &b),
    })
}

fn numbers(core: &str) -> [u64; 3] {
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// Semantic Versioning 2.0.0, §11: by parts; numbers by value and before words; the longer one is later.
fn compare_pre_releases(a: &str, b: &str) -> Ordering {
    let key = |part: &str| match part.parse::<u64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, part.to_owned()),
    };
    a.split('.').map(key).cmp(b.split('.').map(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(version: &str, build: &str, built_at: Option<&str>) -> Instance {
        Instance {
            id: "i".to_owned(),
            version: version.to_owned(),
            build: build.to_owned(),
            pid: 1,
            started_at: String::new(),
            built_at: built_at.map(str::to_owned),
        }
    }

    #[test]
    fn versions_have_the_order_of_semantic_versioning() {
        let rising = [
            "0.1.0-alpha",
            "0.1.0-alpha.1",
            "0.1.0-alpha.beta",
            "0.1.0-beta.2",
            "0.1.0-beta.11",
            "0.1.0-rc.1",
            "0.1.0",
            "0.1.1",
            "0.2.0",
            "0.10.0",
            "1.0.0",
        ];
        for (place, lower) in rising.iter().enumerate() {
            for higher in &rising[place + 1..] {
                assert_eq!(compare_versions(lower, higher), Ordering::Less, "{lower} {higher}");
                assert_eq!(compare_versions(higher, lower), Ordering::Greater, "{higher} {lower}");
            }
        }
        assert_eq!(compare_versions("1.0.0+a", "1.0.0+b"), Ordering::Equal);
    }

    #[test]
    fn of_two_builds_of_a_version_at_most_one_is_the_newer() {
        let (old, new) = ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.679Z");
        let build = |id: &str, at: Option<&str>| Build {
            version: "0.1.0".to_owned(),
            id: id.to_owned(),
            at: at.map(str::to_owned),
        };
        assert!(build("b", Some(new)).is_newer_than(&instance("0.1.0", "a", Some(old))));
        assert!(!build("a", Some(old)).is_newer_than(&instance("0.1.0", "b", Some(new))));
        // A copy of the same program is the same build, however late it was made.
        assert!(!build("a", Some(new)).is_newer_than(&instance("0.1.0", "a", Some(old))));
        assert!(!build("b", None).is_newer_than(&instance("0.1.0", "a", Some(old))));
        assert!(!build("b", Some(new)).is_newer_than(&instance("0.1.0", "a", None)));
        // The version decides before the time does.
        assert!(build("b", Some(old)).is_newer_than(&instance("0.0.9", "a", Some(new))));
        assert!(!build("b", Some(new)).is_newer_than(&instance("0.1.1", "a", Some(old))));
    }
}
