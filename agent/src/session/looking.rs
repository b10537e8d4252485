//! What people look at, as their clients tell it: kept for each connection in memory, gone with it. Not here: what becomes of
//! it in a turn (`turn::unsaved`), how the model is shown it (`shown`).
use std::collections::BTreeMap;
use std::sync::Arc;

use tenon_protocol::context::{ContextParams, ContextUsed, Diagnostic, DirtyFile, SelectedText};
use tenon_protocol::event::session::By;
use tenon_protocol::ids::SessionId;
use tokio::sync::watch;

use crate::base::uri;
use crate::projections::cut::size;
use crate::tools::context::{Unsaved, UnsavedFile};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Sessions of one connection that are told apart.
const SESSIONS_MAX: usize = 64;

/// Problems that are kept: a model that sees more fixes none.
const DIAGNOSTICS_MAX: usize = 50;

/// Visible files that are kept.
const VISIBLE_MAX: usize = 20;

/// Files with unsaved changes that are kept; one beyond is not protected, so it is more than anybody has open.
const DIRTY_MAX: usize = 256;

/// Bytes of one message of a problem, and of one path.
const LINE_BYTES_MAX: usize = 4096;

/// Bytes of a selection that a message takes along.
const SELECTION_BYTES_MAX: usize = 16 * 1024;

/// Bytes of the unsaved texts of one notification that are kept; a file whose text does not fit is known to be unsaved.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes, as JSON, of what a message takes along: it stands in an event beside the message itself.
const USED_BYTES_MAX: usize = 256 * 1024;

/// What everybody looks at.
#[derive(Debug)]
pub(crate) struct Board {
    views: watch::Sender<BTreeMap<u64, Views>>,
    /// Changes whenever a file becomes unsaved, or saved.
    pub(crate) unsaved: watch::Sender<u64>,
}

/// What one connection says: for a session, or for all.
type Views = BTreeMap<Option<SessionId>, Look>;

#[derive(Clone, Debug)]
struct Look {
    by: By,
    uri: Option<String>,
    selection: Option<SelectedText>,
    diagnostics: Vec<Diagnostic>,
    visible: Vec<String>,
    dirty: Vec<DirtyFile>,
}

impl Default for Board {
    fn default() -> Self {
        Self { views: watch::Sender::new(BTreeMap::new()), unsaved: watch::Sender::new(0) }
    }
}

impl Board {
    /// Takes what a connection tells.
    pub(crate) fn tell(&self, connection: u64, by: By, params: ContextParams) {
        let touches = params.dirty.is_some();
        self.views.send_modify(|views| {
            let views = views.entry(connection).or_default();
            if views.len() >= SESSIONS_MAX && !views.contains_key(&params.session_id) {
                views.pop_last();
            }
            let look = views.entry(params.session_id.clone()).or_insert_with(|| Look::of(by));
            look.take(params);
        });
        if touches {
            self.unsaved.send_modify(|revision| *revision += 1);
        }
    }

    /// A connection ended: what it told is over.
    pub(crate) fn forget(&self, connection: u64) {
        let mut gone = None;
        self.views.send_modify(|views| gone = views.remove(&connection));
        if gone.is_some_and(|views| views.values().any(|look| !look.dirty.is_empty())) {
            self.unsaved.send_modify(|revision| *revision += 1);
        }
    }

    /// Returns what the sender of a message looks at, as far as it is in the workspace; `None` where that is nothing.
    pub(crate) fn of_sender(&self, connection: u64, session: &SessionId, root: &Root) -> Option<ContextUsed> {
        let views = self.views.borrow();
        let views = views.get(&connection)?;
        let look = views.get(&Some(session.clone())).or_else(|| views.get(&None))?;
        let used = look.used(root);
        (used != ContextUsed::default()).then_some(used)
    }

    /// Returns the unsaved files of a workspace, whoever has them open.
    pub(crate) fn unsaved_in(&self, session: &SessionId, root: &Root) -> Unsaved {
        let mut files = BTreeMap::new();
        for views in self.views.borrow().values() {
            for (_, look) in views.iter().filter(|(of, _)| of.as_ref().is_none_or(|of| of == session)) {
                for file in &look.dirty {
                    if let Some(path) = within(root, &file.path) {
                        let real = root.canonical(&path).unwrap_or_else(|_| path.clone());
                        let text = file.text.as_deref().map(Arc::from);
                        let file = UnsavedFile { text, editor: look.by.kind.clone() };
                        files.insert(path, file.clone());
                        files.insert(real, file);
                    }
                }
            }
        }
        Unsaved(Arc::new(files))
    }
}

impl Look {
    fn of(by: By) -> Self {
        Self {
            by,
            uri: None,
            selection: None,
            diagnostics: Vec::new(),
            visible: Vec::new(),
            dirty: Vec::new(),
        }
    }

    fn take(&mut self, params: ContextParams) {
        if let Some(uri) = params.uri.filter(|uri| uri.len() <= LINE_BYTES_MAX) {
            self.uri = Some(uri).filter(|uri| !uri.is_empty());
            self.selection = None;
        }
        if let Some(mut selection) = params.selection {
            cut(&mut selection.text, SELECTION_BYTES_MAX);
            self.selection = Some(selection).filter(|selection| !selection.text.is_empty());
        }
        if let Some(mut diagnostics) = params.diagnostics {
            diagnostics.truncate(DIAGNOSTICS_MAX);
            for diagnostic in &mut diagnostics {
                cut(&mut diagnostic.message, LINE_BYTES_MAX);
            }
            self.diagnostics = diagnostics;
        }
        if let Some(mut visible) = params.visible {
            visible.truncate(VISIBLE_MAX);
            self.visible = visible;
        }
        if let Some(mut dirty) = params.dirty {
            dirty.truncate(DIRTY_MAX);
            let mut room = TEXT_BYTES_MAX;
            for file in &mut dirty {
                let length = file.text.as_ref().map_or(0, String::len);
                if length > room {
                    file.text = None;
                } else {
                    room -= length;
                }
            }
            self.dirty = dirty;
        }
    }

    fn used(&self, root: &Root) -> ContextUsed {
        let named = |path: &String| within(root, path).map(|path| path.to_wire().0.into_owned());
        let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        let diagnostics: Vec<Diagnostic> = self
            .diagnostics
            .iter()
            .filter_map(|diagnostic| {
                Some(Diagnostic { path: named(&diagnostic.path)?, ..diagnostic.clone() })
            })
            .collect();
        let path = self.uri.as_ref().and_then(named);
        bounded(ContextUsed {
            selection: self.selection.clone().filter(|_| path.is_some()),
            path,
            diagnostics: Some(diagnostics).filter(|list| !list.is_empty()),
            visible: some(self.visible.iter().filter_map(named).collect()),
            dirty: some(self.dirty.iter().filter_map(|file| named(&file.path)).collect()),
        })
    }
}

/// Leaves out what is too much, what a model has least use of first.
fn bounded(mut used: ContextUsed) -> ContextUsed {
    let leave_out: [fn(&mut ContextUsed); 3] =
        [|used| used.visible = None, |used| used.dirty = None, |used| used.diagnostics = None];
    for leave_out in leave_out {
        if size(&used) > USED_BYTES_MAX {
            leave_out(&mut used);
        }
    }
    used
}

/// Returns the path of the workspace that a client names; `None` for everything else.
fn within(root: &Root, named: &str) -> Option<RelPath> {
    let path = uri::to_path(named).map(|path| path.to_string_lossy().into_owned());
    let path = path.or_else(|| (!named.contains("://")).then(|| named.to_owned()))?;
    root.resolve(&path).ok().filter(|path| !path.is_root())
}

fn cut(text: &mut String, bytes_max: usize) {
    let end = text.floor_char_boundary(bytes_max);
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: serde_json::Value) -> ContextParams {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_is_said_replaces_and_stays_until_the_connection_ends() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let (board, session) = (Board::default(), SessionId::from("s_1"));
        let by = || By { id: "c".to_owned(), kind: "editor".to_owned() };
        let uri = uri::of_path(&root.path().join("src/a.rs"));
        let selection = serde_json::json!({"range": {"start": 1, "end": 2}, "text": "x"});
        board.tell(1, by(), params(serde_json::json!({"uri": uri, "selection": selection, "visible": ["b.rs", "/etc/passwd", "https://x/y"]})));
        let used = board.of_sender(1, &session, &root).unwrap();
        assert_eq!(used.path.as_deref(), Some("src/a.rs"));
        assert_eq!(used.visible.unwrap(), ["b.rs"]);
        board.tell(1, by(), params(serde_json::json!({"uri": "c.rs"})));
        let used = board.of_sender(1, &session, &root).unwrap();
        assert_eq!((used.path.as_deref(), used.selection), (Some("c.rs"), None));
        assert_eq!(board.of_sender(2, &session, &root), None);
        board.tell(1, by(), params(serde_json::json!({"sessionId": "s_2", "dirty": [{"path": "d.rs"}]})));
        assert!(board.unsaved_in(&session, &root).0.is_empty());
        assert!(!board.unsaved_in(&"s_2".into(), &root).0.is_empty());
        let before = *board.unsaved.borrow();
        board.forget(1);
        assert!(board.unsaved_in(&"s_2".into(), &root).0.is_empty());
        assert_ne!(before, *board.unsaved.borrow());
    }

    #[test]
    fn everything_that_is_kept_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let (board, by) = (Board::default(), By { id: "c".to_owned(), kind: "editor".to_owned() });
        let text = "ä".repeat(TEXT_BYTES_MAX / 2);
        let dirty = serde_json::json!([{"path": "a", "text": text}, {"path": "b", "text": "x"}]);
        board.tell(1, by.clone(), params(serde_json::json!({"dirty": dirty, "visible": vec!["v"; 1000]})));
        let unsaved = board.unsaved_in(&"s_1".into(), &root);
        let texts: Vec<bool> = unsaved.0.values().map(|file| file.text.is_some()).collect();
        assert_eq!(texts, [true, false]);
        assert_eq!(board.of_sender(1, &"s_1".into(), &root).unwrap().visible.unwrap().len(), VISIBLE_MAX);
        let paths: Vec<String> = (0..200).map(|n| format!("{n}{}", "/\u{1}".repeat(1_000))).collect();
        let dirty: Vec<_> = paths.iter().map(|path| serde_json::json!({"path": path})).collect();
        board.tell(1, by.clone(), params(serde_json::json!({"uri": "a.rs", "dirty": dirty})));
        let used = board.of_sender(1, &"s_1".into(), &root).unwrap();
        assert!(size(&used) <= USED_BYTES_MAX && used.path.is_some() && used.dirty.is_none());
        for n in 0..1000 {
            board.tell(1, by.clone(), params(serde_json::json!({"sessionId": format!("s_{n}")})));
        }
        assert_eq!(board.views.borrow()[&1].len(), SESSIONS_MAX);
    }
}
