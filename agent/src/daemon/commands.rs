//! The commands and skills that a message may begin with, for lists and menus. Not here: what becomes of such a message
//! (`session`), and telling that they change (`texts`).
use std::path::PathBuf;

use tenon_protocol::complete::{ByteRange, CompleteResult, CompletionItem, CompletionKind};
use tenon_protocol::error::RpcError;
use tenon_protocol::json::Json;
use tenon_protocol::list::{CommandItem, CommandOrigin, ListParams, SkillItem};

use crate::daemon::Daemon;
use crate::workspace::commands::{Kind, Listed, Looked, Origin};

impl Daemon {
    /// Returns the commands or the skills that a session or a workspace has; without either the person's own.
    pub(in crate::daemon) async fn list_commands(
        &self,
        params: &ListParams,
        kind: Kind,
    ) -> Result<Vec<Json>, RpcError> {
        let workspace = params.filter.as_ref().and_then(|filter| filter.workspace.as_deref());
        let root = self.root_of(params.session_id.as_ref(), workspace).await?;
        let looked = self.texts(root).await?;
        let item = |listed: &Listed| match kind {
            Kind::Command => Json::from_serialize(&command_item(listed)),
            Kind::Skill => Json::from_serialize(&skill_item(listed)),
        };
        Ok(looked.of(kind).map(item).collect())
    }

    /// Returns the commands and skills whose names fit what is typed: those that begin with it first, and commands before skills.
    pub(in crate::daemon) async fn complete_command(
        &self,
        root: Option<PathBuf>,
        typed: &str,
        range: ByteRange,
        items_max: usize,
    ) -> Result<CompleteResult, RpcError> {
        let typed = typed.to_lowercase();
        let looked = self.texts(root).await?;
        let found = invocable(&looked);
        let mut fitting: Vec<(usize, &Listed)> = found
            .filter_map(|listed| listed.name.to_lowercase().find(&typed).map(|at| (at, listed)))
            .collect();
        fitting.sort_by_key(|(at, _)| *at > 0);
        let more = (fitting.len() > items_max).then_some(true);
        let item = |(_, listed): (usize, &Listed)| CompletionItem {
            label: format!("/{}", listed.name),
            kind: match listed.kind {
                Kind::Command => CompletionKind::Command,
                Kind::Skill => CompletionKind::Skill,
            },
            insert: format!("/{}", listed.name),
            range: range.clone(),
            detail: listed.description.clone().or_else(|| listed.hint.clone()),
        };
        Ok(CompleteResult { items: fitting.into_iter().take(items_max).map(item).collect(), more })
    }
}

/// Returns what a message can begin with: a skill behind a command of its name is out of reach.
fn invocable(looked: &Looked) -> impl Iterator<Item = &Listed> {
    let hidden = |skill: &&Listed| looked.of(Kind::Command).any(|command| command.name == skill.name);
    looked.of(Kind::Command).chain(looked.of(Kind::Skill).filter(move |skill| !hidden(skill)))
}

const fn origin(from: Origin) -> CommandOrigin {
    match from {
        Origin::Workspace => CommandOrigin::Workspace,
        Origin::User => CommandOrigin::User,
    }
}

/// Returns a command as clients list it.
pub(in crate::daemon) fn command_item(listed: &Listed) -> CommandItem {
    CommandItem {
        id: listed.name.clone(),
        file: listed.file.clone(),
        from: origin(listed.from),
        description: listed.description.clone(),
        hint: listed.hint.clone(),
    }
}

/// Returns a skill as clients list it.
pub(in crate::daemon) fn skill_item(listed: &Listed) -> SkillItem {
    SkillItem {
        id: listed.name.clone(),
        file: listed.file.clone(),
        from: origin(listed.from),
        description: listed.description.clone(),
    }
}
