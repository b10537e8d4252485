//! What a message that begins with a command is to the model. Not here: where commands are (`workspace::commands`).
use tenon_protocol::content::Content;

use crate::session::actor::Actor;
use crate::session::prefix::digest_of;
use crate::workspace::commands::{Commands, invoked};

impl Actor {
    /// Returns what the model is sent in place of a message's first text: a command's own text, if it begins with one. It is
    /// looked up once, when the message is delivered, and recorded; so the file may change.
    pub(super) fn expansion(&self, input: &[Content]) -> Option<String> {
        let first = input.iter().find(|piece| piece.is_text())?;
        let read;
        let text = if let Content::Text { text } = first {
            text
        } else {
            // A message that waited with a text too large to wait in the log.
            let kept = self.blobs().get(digest_of(first.long_text()?)?).ok()?;
            read = String::from_utf8(kept).ok()?;
            &read
        };
        invoked(text)?;
        let trusted = self.resources.standing.trust_of(&self.state.listed.item.workspace);
        let workspace = trusted.reads_configuration().then_some(&*self.root);
        Commands::of(workspace, self.resources.files.user_file()).expand(text)
    }
}
