//! `agent/configure`: reading and changing the layers of the configuration. Not here: the layers (`config`), and telling
//! what has changed (`reload`).
use std::path::{Path, PathBuf};

use tenon_protocol::configure::{ConfigScope, ConfigureParams, ConfigureResult};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::json::Json;

use crate::base::digest::Digest;
use crate::base::task;
use crate::base::uri;
use crate::config::edit::{self, EditError};
use crate::config::error::ConfigError;
use crate::config::files::{Files, Good};
use crate::config::layer::{Layer, Source};
use crate::config::paths::workspace_config;
use crate::config::resolve::Resolved;
use crate::config::tree::{Changes, Patch};
use crate::daemon::doors::resolve;
use crate::daemon::reload::rejected;
use crate::daemon::{Caller, Daemon};
use crate::session::command::Command;
use crate::session::configure::{entry, layer_word};
use crate::session::load::config_error;

/// How often a file is looked at that changes while it is.
const LOOKS_MAX: usize = 100;

/// The layer of a file that is meant.
struct Target {
    layer: Layer,
    file: PathBuf,
    /// The workspace's root, where it is its layer.
    root: Option<PathBuf>,
}

impl Daemon {
    /// Reads a layer, and changes it first where a patch says so.
    pub(crate) async fn configure(
        &self,
        caller: &Caller,
        params: ConfigureParams,
    ) -> Result<ConfigureResult, RpcError> {
        if params.scope == ConfigScope::Session {
            let id = params.session_id.ok_or_else(|| {
                RpcError::new(ErrorKind::InvalidParams, "the scope session needs a `sessionId`")
            })?;
            let changes =
                params.patch.as_ref().map(changes).transpose().map_err(|error| config_error(&error))?;
            let (if_rev, explain, variables) = (params.if_rev, params.explain, caller.variables.clone());
            let handle = self.session(&id).await?;
            let command = |reply| Command::Configure { changes, if_rev, explain, variables, reply };
            return handle.call(command).await?;
        }
        let target = self.target(&params).await?;
        let mut seq = None;
        if let Some(patch) = &params.patch {
            let changes = changes(patch).map_err(|error| in_file(&error, &target.file))?;
            self.change(&target, changes, params.if_rev).await?;
            self.0.resources.files.look_at_all();
            seq = self.tell_configuration().await?;
        }
        let read = self.read_layer(caller, &target, params.explain.as_deref())?;
        Ok(ConfigureResult { seq, ..read })
    }

    async fn target(&self, params: &ConfigureParams) -> Result<Target, RpcError> {
        if params.scope == ConfigScope::User {
            let file = self.0.resources.files.user_file().to_owned();
            return Ok(Target { layer: Layer::User, file, root: None });
        }
        let root = match (&params.session_id, &params.workspace) {
            (_, Some(workspace)) => resolve(workspace)?,
            (Some(id), None) => {
                let item = self.session(id).await?.call(|reply| Command::Item { reply }).await?;
                resolve(&item.workspace)?
            }
            (None, None) => {
                let message = "the scope workspace needs a `sessionId` or a `workspace`";
                return Err(RpcError::new(ErrorKind::InvalidParams, message));
            }
        };
        if !self.0.resources.standing.trusts(&uri::of_path(&root)) {
            let message =
                format!("workspace {} is not trusted: its configuration is not read", root.display());
            let error = RpcError::new(ErrorKind::Forbidden, message).retry(Retry::Never);
            return Err(error.hint("`tenon trust` trusts it"));
        }
        Ok(Target { layer: Layer::Workspace, file: workspace_config(&root), root: Some(root) })
    }

    /// Writes the changes, all or none. One writes at a time, so that a revision that was checked is the one that is replaced.
    async fn change(
        &self,
        target: &Target,
        changes: Changes,
        if_rev: Option<String>,
    ) -> Result<(), RpcError> {
        let Ok(_turn) = self.0.configuring.acquire().await else { return Ok(()) };
        let (file, root) = (target.file.clone(), target.root.clone());
        let below = self.0.resources.files.look(None).map_err(|error| config_error(&error));
        let below = if root.is_some() { below?.user } else { None };
        // Waits for the disk.
        let written = tokio::task::spawn_blocking(move || {
            if let Some(wanted) = if_rev {
                check_rev(&rev(&file), &wanted)?;
            }
            if let Some(root) = &root {
                check_place(&file, root)?;
                return edit::workspace(&file, below.as_ref(), &changes)
                    .map_err(|error| edit_error(&error, &file));
            }
            edit::user(&file, &changes).map_err(|error| edit_error(&error, &file))
        });
        let written = written.await.map_err(|error| {
            let why = error
                .try_into_panic()
                .map_or_else(|_| "ended".to_owned(), |payload| task::panic_text(&*payload));
            RpcError::new(ErrorKind::Internal, format!("the configuration could not be written: {why}"))
        })?;
        written.map(drop)
    }

    fn read_layer(
        &self,
        caller: &Caller,
        target: &Target,
        explain: Option<&str>,
    ) -> Result<ConfigureResult, RpcError> {
        let files = &self.0.resources.files;
        let (rev, good) = look_at_one(files, target)?;
        let resolved = good.layers(&caller.variables).resolve().map_err(|error| config_error(&error))?;
        let layers = explain.map(|key| resolved.explain(key)).transpose();
        let layers = layers.map_err(|error| config_error(&error))?;
        let seen = files.seen().into_iter().find(|seen| seen.file == target.file);
        let warnings: Vec<String> = resolved.warnings.iter().map(ToString::to_string).collect();
        Ok(ConfigureResult {
            rev,
            file: Some(target.file.display().to_string()),
            rejected: seen.as_ref().and_then(rejected),
            warnings: (!warnings.is_empty()).then_some(warnings),
            layers: layers.map(|rows| rows.into_iter().map(entry).collect()),
            ..layer_result(&resolved, target.layer)
        })
    }
}

/// Returns what is in force, and the revision that it is of: a file that changes meanwhile is looked at again, so that nobody
/// replaces under its new revision what they read of its old one.
fn look_at_one(files: &Files, target: &Target) -> Result<(String, Good), RpcError> {
    let mut before = rev(&target.file);
    for _ in 0..LOOKS_MAX {
        let good = files.look(target.root.as_deref()).map_err(|error| config_error(&error))?;
        let after = rev(&target.file);
        if before == after {
            return Ok((after, good));
        }
        before = after;
    }
    let message = format!("{} changes all the time", target.file.display());
    Err(RpcError::new(ErrorKind::Failed, message).retry(Retry::Later))
}

/// Returns a layer and what all come to, without its revision.
fn layer_result(resolved: &Resolved, layer: Layer) -> ConfigureResult {
    ConfigureResult {
        rev: String::new(),
        value: Json::from_serialize(&resolved.of_layer(layer)),
        effective: Json::from_serialize(&resolved.effective()),
        from: resolved.origins().map(|(key, layer)| (key.to_owned(), layer_word(layer))).collect(),
        file: None,
        rejected: None,
        warnings: None,
        seq: None,
        layers: None,
    }
}

fn changes(patch: &Json) -> Result<Changes, ConfigError> {
    let message = |error: serde_json::Error| format!("the patch does not fit: {error}");
    let parsed: Result<Patch, _> = patch.parse();
    let unfit =
        |error| ConfigError { place: None, key: String::new(), message: message(error), allowed: None };
    parsed.map_err(unfit)?.changes()
}

/// Returns the revision of a file: what it holds decides, not when it was written.
fn rev(file: &Path) -> String {
    match Source::read(file) {
        Ok(Some(source)) => Digest::of(source.text.as_bytes()).to_string().chars().take(16).collect(),
        Ok(None) => "none".to_owned(),
        Err(_) => "unreadable".to_owned(),
    }
}

/// Refuses a change that was made for another revision.
fn check_rev(rev: &str, wanted: &str) -> Result<(), RpcError> {
    if rev == wanted {
        return Ok(());
    }
    let message = format!("the configuration is at revision {rev}, not {wanted}");
    let error = RpcError::new(ErrorKind::RevMismatch, message).retry(Retry::Never).with("rev", rev);
    Err(error.hint("read it again, and decide anew"))
}

/// A workspace's file lies in the workspace: a link that leads out of it is not followed for writing.
fn check_place(file: &Path, root: &Path) -> Result<(), RpcError> {
    let real = file.ancestors().find_map(|place| place.canonicalize().ok());
    if real.is_some_and(|real| real.starts_with(root)) {
        return Ok(());
    }
    let message = format!("{} leads out of the workspace", file.display());
    Err(RpcError::new(ErrorKind::InvalidConfig, message).with("file", file.display().to_string()))
}

fn edit_error(error: &EditError, file: &Path) -> RpcError {
    match error {
        EditError::Invalid(error) => in_file(error, file),
        EditError::Write { source, .. } => RpcError::new(ErrorKind::Failed, format!("{error}: {source}"))
            .with("file", file.display().to_string()),
    }
}

/// Tells the file also where the change alone is wrong.
fn in_file(error: &ConfigError, file: &Path) -> RpcError {
    let told = config_error(error).retry(Retry::Never);
    if error.file().is_some() { told } else { told.with("file", file.display().to_string()) }
}
