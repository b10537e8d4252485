//! `agent/admin export`: a session as a file of JSON lines that can be read without an agent: a line that says what it is, the
//! events as they are in the log, the contents they name, and a line that says that it is whole. Not here: reading it back.
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tenon_protocol::admin::{AdminParams, AdminResult, Exported};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::base::base64;
use crate::daemon::Daemon;
use crate::daemon::doors::read_error;
use crate::journal::{BlobError, LogId, PageLimits};

/// The format's number; it rises when a reader of today would misunderstand a file of tomorrow.
const FORMAT: u32 = 1;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Line<'a> {
    #[serde(rename = "export")]
    Begin { format: u32, session: &'a str, at: String, version: &'a str },
    #[serde(rename = "blob")]
    Text { r#ref: String, text: &'a str },
    #[serde(rename = "blob")]
    Bytes { r#ref: String, base64: String },
    #[serde(rename = "export.end")]
    End { events: u64, blobs: u64 },
}

impl Daemon {
    /// Writes a session to a new file, which only its owner may read. One that cannot be finished is removed.
    pub(crate) async fn export(&self, params: AdminParams) -> Result<AdminResult, RpcError> {
        let (Some(session), Some(path)) = (params.session_id, params.path) else {
            return Err(RpcError::new(ErrorKind::InvalidParams, "export needs a sessionId and a path"));
        };
        let log = LogId::Session(session);
        // Before there is a file: nothing is left where there is no such session.
        self.0.resources.journal.ends(&log).await.map_err(|error| read_error(&error))?;
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            let message = format!("{} is no absolute path", path.display());
            return Err(RpcError::new(ErrorKind::InvalidParams, message));
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = io::BufWriter::new(file.map_err(|error| unwritable(&path, &error))?);
        let exported = self.export_to(&log, &path, &mut file).await;
        if exported.is_err() {
            drop(std::fs::remove_file(&path));
        }
        Ok(AdminResult { exported: Some(exported?), ..AdminResult::default() })
    }

    async fn export_to(
        &self,
        log: &LogId,
        path: &Path,
        file: &mut io::BufWriter<File>,
    ) -> Result<Exported, RpcError> {
        let journal = &self.0.resources.journal;
        let wrong = |error: io::Error| unwritable(path, &error);
        let ends = journal.ends(log).await.map_err(|error| read_error(&error))?;
        let at = self.0.resources.clock.now().to_rfc3339();
        let (session, version) = (log.as_str(), env!("CARGO_PKG_VERSION"));
        write(file, &Line::Begin { format: FORMAT, session, at, version }).map_err(wrong)?;
        let mut after = Cursor { epoch: ends.head.epoch, seq: ends.first.seq - 1 };
        let mut events = 0;
        // What is added meanwhile is for the next export.
        while after.seq < ends.head.seq {
            let page = journal.read_after(log, after, PageLimits::MAX, None).await;
            let page = page.map_err(|error| read_error(&error))?;
            for event in page.events.iter().filter(|event| event.seq() <= ends.head.seq) {
                file.write_all(event.bytes()).and_then(|()| file.write_all(b"\n")).map_err(wrong)?;
                events += 1;
            }
            after = page.next;
        }
        let mut blobs = 0;
        for digest in journal.blobs_of(log).await.map_err(|error| read_error(&error))? {
            let content = match journal.blobs().get_async(digest).await {
                Ok(content) => content,
                // Not every digest names a content.
                Err(BlobError::NotFound(_)) => continue,
                Err(error) => return Err(RpcError::new(ErrorKind::Internal, error.to_string())),
            };
            let r#ref = format!("b3:{digest}");
            let line = match std::str::from_utf8(&content) {
                Ok(text) => Line::Text { r#ref, text },
                Err(_) => Line::Bytes { r#ref, base64: base64::encode(&content) },
            };
            write(file, &line).map_err(wrong)?;
            blobs += 1;
        }
        write(file, &Line::End { events, blobs }).map_err(wrong)?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(wrong)?;
        Ok(Exported { path: path.display().to_string(), events, blobs })
    }
}

fn write(file: &mut io::BufWriter<File>, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}

fn unwritable(path: &Path, error: &io::Error) -> RpcError {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if is_full { ErrorKind::StorageFull } else { ErrorKind::InvalidParams };
    RpcError::new(kind, format!("{} cannot be written: {error}", path.display()))
}
