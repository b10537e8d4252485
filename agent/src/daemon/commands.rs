//! The commands that a message may begin with, for lists and menus. Not here: what becomes of such a message (`session`).
use std::path::PathBuf;
use std::time::Duration;

use tenon_protocol::complete::{ByteRange, CompleteResult, CompletionItem, CompletionKind};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::list::{CommandItem, CommandOrigin, ListParams};

use crate::base::uri;
use crate::daemon::Daemon;
use crate::workspace::commands::{Commands, Listed, Origin};
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// How long is looked for commands; what was found by then is told.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

impl Daemon {
    /// Returns the commands that a session or a workspace has; without either the person's own.
    pub(in crate::daemon) async fn list_commands(
        &self,
        params: &ListParams,
    ) -> Result<Vec<CommandItem>, RpcError> {
        let workspace = params.filter.as_ref().and_then(|filter| filter.workspace.as_deref());
        let root = self.root_of(params.session_id.as_ref(), workspace).await?;
        Ok(self.commands(root).await?.into_iter().map(item).collect())
    }

    /// Returns the commands whose names fit what is typed: those that begin with it first.
    pub(in crate::daemon) async fn complete_command(
        &self,
        root: Option<PathBuf>,
        typed: &str,
        range: ByteRange,
        items_max: usize,
    ) -> Result<CompleteResult, RpcError> {
        let typed = typed.to_lowercase();
        let mut fitting: Vec<(usize, Listed)> = self
            .commands(root)
            .await?
            .into_iter()
            .filter_map(|command| command.name.to_lowercase().find(&typed).map(|at| (at, command)))
            .collect();
        fitting.sort_by_key(|(at, _)| *at > 0);
        let more = (fitting.len() > items_max).then_some(true);
        let item = |(_, command): (usize, Listed)| CompletionItem {
            label: format!("/{}", command.name),
            kind: CompletionKind::Command,
            insert: format!("/{}", command.name),
            range: range.clone(),
            detail: command.description.or(command.hint),
        };
        Ok(CompleteResult { items: fitting.into_iter().take(items_max).map(item).collect(), more })
    }

    async fn commands(&self, root: Option<PathBuf>) -> Result<Vec<Listed>, RpcError> {
        let standing = &self.0.resources.standing;
        let trusted = root.filter(|root| standing.trust_of(&uri::of_path(root)).reads_configuration());
        let user_file = self.0.resources.files.user_file().to_owned();
        // Waits for the disk.
        let looked = tokio::task::spawn_blocking(move || {
            let root = trusted.and_then(|root| Root::open(&root).ok());
            Commands::of(root.as_ref(), &user_file).list(&Stop::after(LOOK_TIMEOUT))
        });
        looked.await.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))
    }
}

fn item(command: Listed) -> CommandItem {
    CommandItem {
        id: command.name,
        file: command.file,
        from: match command.from {
            Origin::Workspace => CommandOrigin::Workspace,
            Origin::User => CommandOrigin::User,
        },
        description: command.description,
        hint: command.hint,
    }
}
