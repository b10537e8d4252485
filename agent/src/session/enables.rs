//! What trusting a workspace would enable, line by line, for the question. Not here: the question, and who is trusted.
use std::path::Path;
use std::time::Duration;

use crate::config::paths::workspace_config;
use crate::workspace::commands::{Commands, Kind};
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// How long is looked for what the workspace brings; the session waits for it.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// Names in one line; of more their number is told.
const NAMES_MAX: usize = 20;

/// Looks at a workspace that nobody has trusted; `profile` is the one that it would be worked with.
pub(crate) async fn enables(root: &Root, profile: &str) -> Vec<String> {
    let mut lines = vec![format!("profile {profile} in place of read")];
    if workspace_config(root.path()).exists() {
        lines.push("the workspace's own .tenon/config.toml, which can only narrow".to_owned());
    }
    let root = root.clone();
    // Waits for the disk. The person's own commands and skills are there without trust.
    let looked = tokio::task::spawn_blocking(move || {
        Commands::of(Some(&root), Path::new("")).look(&Stop::after(LOOK_TIMEOUT))
    });
    let looked = looked.await.unwrap_or_default();
    let names = |kind| looked.of(kind).map(|listed| format!("/{}", listed.name)).collect::<Vec<_>>();
    lines.extend(line("commands, texts that are sent in place of", &names(Kind::Command)));
    lines.extend(line("skills, texts that are sent in place of", &names(Kind::Skill)));
    lines
}

/// Returns a line that names things; `None` where there are none.
fn line(what: &str, names: &[String]) -> Option<String> {
    let (first, more) = names.split_at(names.len().min(NAMES_MAX));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    (!first.is_empty()).then(|| format!("{what} {}{more}", first.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_few_and_counts_the_rest() {
        let names = |count: usize| (0..count).map(|number| format!("/{number}")).collect::<Vec<_>>();
        assert_eq!(line("commands", &[]), None);
        assert_eq!(line("commands", &names(2)).unwrap(), "commands /0, /1");
        assert!(line("commands", &names(NAMES_MAX)).unwrap().ends_with(", /19"));
        assert!(line("commands", &names(NAMES_MAX + 5)).unwrap().ends_with(", /19 and 5 more"));
    }
}
