//! Writes that must happen whole, and those that must not happen at all.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

struct Case {
    folder: tempfile::TempDir,
    root: Root,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        Self { folder, root }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &str, expected: Expected) -> Result<Written, FileError> {
        confined_write(&self.root, &path(name), bytes.as_bytes(), None, expected)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn path(name: &str) -> RelPath {
    RelPath::parse(name).unwrap()
}

fn of(text: &str) -> Expected {
    Expected::Contents(Digest::of(text.as_bytes()))
}

#[test]
fn a_new_file_gets_its_folders_and_a_usual_mode() {
    let case = Case::new();
    let written = case.write("a/b/c.txt", "new", Expected::Absent).unwrap();
    assert_eq!(written.created, [path("a"), path("a/b")]);
    assert_eq!(fs::read_to_string(case.at("a/b/c.txt")).unwrap(), "new");
    assert_eq!(fs::metadata(case.at("a/b/c.txt")).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(fs::metadata(case.at("a")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn a_replaced_file_keeps_its_mode_and_other_names_keep_their_bytes() {
    let case = Case::new();
    fs::write(case.at("run"), "old").unwrap();
    fs::set_permissions(case.at("run"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::hard_link(case.at("run"), case.at("twin")).unwrap();
    case.write("run", "new", of("old")).unwrap();
    assert_eq!(fs::read_to_string(case.at("run")).unwrap(), "new");
    assert_eq!(fs::read_to_string(case.at("twin")).unwrap(), "old");
    assert_eq!(fs::metadata(case.at("run")).unwrap().mode() & 0o7777, 0o750);
    assert_eq!(case.names(), ["run", "twin"]);
}

#[test]
fn what_was_not_expected_is_not_overwritten() {
    let case = Case::new();
    fs::write(case.at("f"), "human").unwrap();
    for (name, expected) in [("f", Expected::Absent), ("f", of("old")), ("gone", of("old"))] {
        assert!(
            matches!(case.write(name, "agent", expected), Err(FileError::Changed { .. })),
            "{name} {expected:?}"
        );
    }
    assert!(matches!(
        confined_delete(&case.root, &path("f"), Expected::Contents(Digest::of(b"old"))),
        Err(FileError::Changed { found: Some(_), .. })
    ));
    assert_eq!(fs::read_to_string(case.at("f")).unwrap(), "human");
    assert_eq!(case.names(), ["f"]);
    confined_delete(&case.root, &path("f"), Expected::Contents(Digest::of(b"human"))).unwrap();
    assert_eq!(case.names(), [""; 0]);
}

#[test]
fn whoever_watches_a_file_sees_a_new_one_come_last() {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    let case = Case::new();
    fs::write(case.at("f"), "old").unwrap();
    let inotify = init(CreateFlags::NONBLOCK).unwrap();
    let names = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
    add_watch(&inotify, case.folder.path(), names).unwrap();
    case.write("f", "new", of("old")).unwrap();
    let (mut buffer, mut last) = ([std::mem::MaybeUninit::uninit(); 4096], None);
    let mut events = Reader::new(&inotify, &mut buffer);
    while let Ok(event) = events.next() {
        if event.file_name().is_some_and(|name| name.to_bytes() == b"f") {
            last = Some(event.events());
        }
    }
    assert_eq!(last, Some(ReadFlags::MOVED_TO));
}

#[test]
fn a_save_between_the_look_and_the_exchange_is_put_back() {
    let case = Case::new();
    fs::write(case.at("f"), "saved at the last moment").unwrap();
    fs::write(case.at("temporary"), "agent").unwrap();
    let name = path("f");
    let place = Place::open(&case.root, &name, false).unwrap();
    let outcome = place.exchange(
        OsStr::new("temporary"),
        Expected::Contents(Digest::of(b"old")),
        Expected::Contents(Digest::of(b"agent")),
    );
    assert!(matches!(outcome, Err(FileError::Changed { .. })), "{outcome:?}");
    assert_eq!(fs::read_to_string(case.at("f")).unwrap(), "saved at the last moment");
}

#[test]
fn links_are_never_written_through() {
    let case = Case::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("victim"), "old").unwrap();
    fs::write(case.at("inside"), "old").unwrap();
    symlink(outside.path(), case.at("folder")).unwrap();
    symlink(outside.path().join("victim"), case.at("file")).unwrap();
    symlink("inside", case.at("alias")).unwrap();
    for name in ["folder/victim", "file", "alias"] {
        assert!(matches!(case.write(name, "agent", of("old")), Err(FileError::Link(_))), "{name}");
        assert!(case.write(name, "agent", Expected::Absent).is_err(), "{name}");
        assert!(
            confined_delete(&case.root, &path(name), Expected::Contents(Digest::of(b"old"))).is_err(),
            "{name}"
        );
    }
    assert!(matches!(case.write("folder/new/x", "agent", Expected::Absent), Err(FileError::Link(_))));
    assert_eq!(fs::read_to_string(outside.path().join("victim")).unwrap(), "old");
    assert_eq!(fs::read_to_string(case.at("inside")).unwrap(), "old");
    // The control: the standard library writes through the same name.
    fs::write(case.at("folder/victim"), "control").unwrap();
    assert_eq!(fs::read_to_string(outside.path().join("victim")).unwrap(), "control");
}

/// Writes against somebody who swaps names for links all the time.
#[expect(clippy::disallowed_methods, reason = "how much is tried is the tester's choice")]
fn races() -> usize {
    if std::env::var_os("RUN_SLOW_TESTS").is_some() { 100_000 } else { 2_000 }
}

/// A folder where nothing waits for a disk, where there is one.
fn quick() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn a_folder_or_a_file_that_is_swapped_for_a_link_never_leads_a_write_outside() {
    let (folder, outside) = (quick(), quick());
    let root = Root::open(folder.path()).unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(outside.path().join("f"), "victim").unwrap();
    fs::create_dir(at("a")).unwrap();
    symlink(outside.path(), at("folder-link")).unwrap();
    symlink(outside.path().join("f"), at("file-link")).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    let swap = |one: &str, other: &str| {
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        // A write may have just put a new file there; the next swap meets it.
        let _met = rustix::fs::renameat_with(rustix::fs::CWD, at(one), rustix::fs::CWD, at(other), flags);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                swap("a", "folder-link");
                swap("g", "file-link");
            }
        });
        for number in 0..races() {
            let (name, text) = (if number % 2 == 0 { "a/f" } else { "g" }, format!("{number}"));
            let before = root
                .read(&path(name))
                .map_or(Expected::Absent, |file| Expected::Contents(Digest::of(&file.bytes)));
            let _raced = confined_write(&root, &path(name), text.as_bytes(), None, before);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let names: Vec<_> =
        fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["f"]);
    assert_eq!(fs::read_to_string(outside.path().join("f")).unwrap(), "victim");
}

#[test]
fn folders_made_for_a_failed_write_go_again() {
    let case = Case::new();
    fs::write(case.at("f"), "x").unwrap();
    assert!(case.write("f/below", "y", Expected::Absent).is_err());
    let big = vec![0; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    assert!(matches!(
        confined_write(&case.root, &path("n/big"), &big, None, Expected::Absent),
        Err(FileError::TooLarge { .. })
    ));
    assert_eq!(case.names(), ["f"]);
    case.write("n/m/x", "y", Expected::Absent).unwrap();
    fs::write(case.at("n/other"), "z").unwrap();
    fs::remove_file(case.at("n/m/x")).unwrap();
    confined_remove_folders(&case.root, &[path("n"), path("n/m")]);
    assert!(case.at("n").exists() && !case.at("n/m").exists());
}

#[test]
fn the_sweep_removes_only_what_is_stored_elsewhere() {
    let case = Case::new();
    for (name, text) in [(".tenon-tmp-1", "known"), (".tenon-tmp-2", "unknown"), ("known", "known")] {
        fs::write(case.at(name), text).unwrap();
    }
    confined_sweep(&case.root, &RelPath::root(), &|bytes| bytes == b"known").unwrap();
    assert_eq!(case.names(), [".tenon-tmp-2", "known"]);
}
