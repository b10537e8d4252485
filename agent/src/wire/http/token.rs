//! The token of the HTTP carrier: `run/http-token`, made at its first use and kept. Not here: who has to show it (`gate`).
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::base::secret::Secret;

/// Random bytes of a token, 256 bits; it is written as twice as many hex digits.
const TOKEN_BYTES: usize = 32;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// What is there cannot be trusted.
    #[error("{path} {problem}; remove it, and the next start makes another one")]
    Unsafe { path: PathBuf, problem: &'static str },
    /// The system refused.
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// Returns the token kept at `path`, made if there is none.
///
/// # Errors
/// What is there is a link, another user's, open to others, or no token; or the system refuses.
pub(super) fn token(path: &Path) -> Result<Secret, TokenError> {
    let failed = |action| move |source| TokenError::Io { action, path: path.to_owned(), source };
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => kept(&file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let token = made().map_err(failed("draw random bytes for"))?;
            let mut options = OpenOptions::new();
            // O_EXCL: a name that somebody else took in this moment is not followed.
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(path).map_err(failed("make"))?;
            file.write_all(token.expose().as_bytes()).map_err(failed("write"))?;
            Ok(token)
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            Err(TokenError::Unsafe { path: path.to_owned(), problem: "is a link" })
        }
        Err(source) => Err(failed("open")(source)),
    }
}

fn kept(file: &File, path: &Path) -> Result<Secret, TokenError> {
    let failed = |source| TokenError::Io { action: "read", path: path.to_owned(), source };
    let refused = |problem| Err(TokenError::Unsafe { path: path.to_owned(), problem });
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return refused("is no file");
    }
    if metadata.uid() != geteuid().as_raw() {
        return refused("belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        return refused("may be read by others");
    }
    let mut text = String::new();
    // One byte more than is wanted shows that there is more.
    let read = file.take(TOKEN_BYTES as u64 * 2 + 1).read_to_string(&mut text);
    let is_token =
        text.len() == TOKEN_BYTES * 2 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match read {
        Ok(_) if is_token => Ok(Secret::new(text)),
        Ok(_) => refused("holds no token"),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => refused("holds no token"),
        Err(error) => Err(failed(error)),
    }
}

fn made() -> io::Result<Secret> {
    let mut bytes = [0; TOKEN_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    let mut text = String::with_capacity(TOKEN_BYTES * 2);
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn refusal(path: &Path) -> String {
        token(path).unwrap_err().to_string()
    }

    #[test]
    fn a_token_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http-token");
        let made = token(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), made.expose());
        assert_eq!(made.expose().len(), 64);
        assert_eq!(token(&path).unwrap().expose(), made.expose());
        fs::remove_file(&path).unwrap();
        assert_ne!(token(&path).unwrap().expose(), made.expose());
    }

    #[test]
    fn a_file_that_others_had_a_hand_in_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http-token");
        drop(token(&path).unwrap());
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(refusal(&path).contains("may be read by others"));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(refusal(&link).contains("is a link"));
        for text in ["", "test-key", &"g".repeat(64), &"a".repeat(65)] {
            fs::write(&path, text).unwrap();
            assert!(refusal(&path).contains("holds no token"), "{text}");
        }
        fs::write(&path, b"\xff").unwrap();
        assert!(refusal(&path).contains("holds no token"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(refusal(&path).contains("is no file"));
        if !geteuid().is_root() {
            println!("skipped: only root can give a file away");
            return;
        }
        fs::remove_dir(&path).unwrap();
        drop(token(&path).unwrap());
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        assert!(refusal(&path).contains("belongs to another user"));
    }
}
