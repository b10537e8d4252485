//! Nothing outside the root is reached: by name, by link, by swap, by the kernel's way or by our own.
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;
use crate::workspace::identity::Kind;

struct Case {
    folder: tempfile::TempDir,
    outside: tempfile::TempDir,
    root: Root,
}

fn case() -> Case {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "outside").unwrap();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("a/b/f"), "inside").unwrap();
    let root = Root::open(folder.path()).unwrap();
    Case { folder, outside, root }
}

fn path(name: &str) -> RelPath {
    RelPath::parse(name).unwrap()
}

impl Case {
    fn link(&self, target: impl AsRef<Path>, name: &str) {
        symlink(target, self.folder.path().join(name)).unwrap();
    }

    /// Reads by the kernel's lookup and by our own, which must agree.
    fn read(&self, name: &str) -> Result<String, String> {
        let by_kernel = self.root.read(&path(name)).map(|file| String::from_utf8(file.bytes).unwrap());
        let by_hand =
            open::walk(self.root.dir(), self.root.path(), &path(name), OFlags::RDONLY, Links::Follow)
                .map(|fd| std::io::read_to_string(fs::File::from(fd)));
        assert_eq!(by_kernel.is_ok(), matches!(by_hand, Ok(Ok(_))), "{name}: {by_kernel:?} {by_hand:?}");
        by_kernel.map_err(|error| error.to_string())
    }
}

#[test]
fn names_are_resolved_absolute_or_relative() {
    let case = case();
    let absolute = |name: &str| case.folder.path().join(name).to_str().unwrap().to_owned();
    for input in ["a/b/f", "./a//b/f", "a/x/../b/f", &absolute("a/b/f")] {
        assert_eq!(case.root.resolve(input).unwrap(), path("a/b/f"), "{input}");
    }
    assert_eq!(case.root.resolve(&absolute("")).unwrap(), RelPath::root());
    let sibling = format!("{}x/f", case.folder.path().display());
    for input in ["/etc/passwd", "..", "a/../../x", &sibling, &absolute("../x")] {
        let error = case.root.resolve(input).unwrap_err().to_string();
        assert!(
            error.contains("outside the workspace") && error.contains("name a path beneath /"),
            "{error}"
        );
    }
    assert!(matches!(Root::open(Path::new("relative")), Err(RootError::Relative(_))));
    assert!(matches!(Root::open(&case.folder.path().join("a/b/f")), Err(RootError::Open { .. })));
}

#[test]
fn a_root_named_through_a_link_understands_both_names() {
    let case = case();
    let alias = case.outside.path().join("alias");
    symlink(case.folder.path(), &alias).unwrap();
    let root = Root::open(&alias).unwrap();
    assert_eq!(root.path(), case.root.path());
    assert_eq!(root.resolve(alias.join("a/b/f").to_str().unwrap()).unwrap(), path("a/b/f"));
}

#[test]
fn links_that_stay_inside_are_read_and_those_that_leave_are_not() {
    let case = case();
    case.link("a/b", "relative");
    case.link(case.root.path().join("a/b/f"), "absolute");
    case.link("../a/./b/f", "a/up");
    case.link("f", "a/b/next");
    case.link("loop", "loop");
    case.link(case.outside.path(), "out");
    case.link("../../../../../../../etc/hostname", "a/climb");
    case.link(case.outside.path().join("secret"), "secret");
    for name in ["a/b/f", "relative/f", "absolute", "a/up", "relative/next"] {
        assert_eq!(case.read(name).as_deref(), Ok("inside"), "{name}");
        assert_eq!(case.root.canonical(&path(name)).unwrap(), path("a/b/f"), "{name}");
    }
    for name in ["out/secret", "a/climb", "secret"] {
        assert!(case.read(name).unwrap_err().contains("leads out"), "{name}");
        assert!(matches!(case.root.canonical(&path(name)), Err(FileError::Outside(_))), "{name}");
    }
    assert!(case.read("loop").is_err());
    // The control: the standard library follows the same name out.
    assert_eq!(fs::read_to_string(case.folder.path().join("out/secret")).unwrap(), "outside");
    assert_eq!(case.root.canonical(&path("relative/new/x")).unwrap(), path("a/b/new/x"));
    assert!(matches!(case.root.canonical(&path("out/new")), Err(FileError::Outside(_))));
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let case = case();
    let fifo = case.folder.path().join("fifo");
    rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(case.folder.path().join("socket")).unwrap();
    fs::File::create(case.folder.path().join("huge")).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(case.root.read(&path("fifo")), Err(FileError::Special(_))));
    assert!(matches!(case.root.read(&path("socket")), Err(FileError::Special(_))));
    assert!(matches!(case.root.read(&path("a")), Err(FileError::Folder(_))));
    assert!(matches!(case.root.read(&path("none")), Err(FileError::NotFound(_))));
    assert!(matches!(case.root.read(&path("huge")), Err(FileError::TooLarge { .. })));
    let proc = Root::open(Path::new("/proc/self")).unwrap();
    assert!(proc.read(&path("root/etc/passwd")).is_err(), "a magic link");
}

#[test]
fn stat_sees_the_link_and_not_its_target() {
    let case = case();
    case.link("a", "l");
    let kind = |name: &str| case.root.stat(&path(name)).unwrap().map(|stat| stat.kind);
    assert_eq!(kind("l"), Some(Kind::Link));
    assert_eq!(kind("l/b/f"), Some(Kind::File));
    assert_eq!(kind("."), Some(Kind::Folder));
    assert_eq!(kind("a/none/x"), None);
}

#[test]
fn a_folder_that_is_swapped_for_a_link_never_shows_what_is_outside() {
    let case = case();
    fs::write(case.folder.path().join("a/b/secret"), "inside").unwrap();
    case.link(case.outside.path(), "evil");
    let (folder, evil) = (case.folder.path().join("a/b"), case.folder.path().join("evil"));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(CWD, &folder, CWD, &evil, flags).unwrap();
            }
        });
        for _ in 0..2_000 {
            if let Ok(file) = case.root.read(&path("a/b/secret")) {
                assert_eq!(file.bytes, b"inside");
            }
            let flags = OFlags::RDONLY;
            if let Ok(fd) =
                open::walk(case.root.dir(), case.root.path(), &path("a/b/secret"), flags, Links::Follow)
            {
                assert_eq!(std::io::read_to_string(fs::File::from(fd)).unwrap(), "inside");
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The model: a canonical path by the standard library that lies beneath the root. Lookups by kernel and by hand must
    /// both agree with it, for every name made of these pieces over a tree full of links.
    #[test]
    fn lookup_agrees_with_a_model(pieces in prop::collection::vec(
        prop::sample::select(vec!["a", "b", "f", "..", ".", "", "rel", "abs", "out", "up", "secret", "none"]), 1..8)) {
        let case = case();
        case.link("a/b", "rel");
        case.link(case.root.path().join("a"), "abs");
        case.link(case.outside.path(), "out");
        case.link("../..", "a/up");
        case.link("../..", "a/b/up");
        let text = pieces.join("/");
        if let Ok(path) = case.root.resolve(&text) {
            let real = case.root.absolute(&path).canonicalize().ok();
            let inside = real.filter(|real| real.starts_with(case.root.path()));
            // A path that leaves and comes back is refused although it ends inside: only one direction is an equality.
            if let Ok(file) = case.root.read(&path) {
                prop_assert_eq!(file.bytes, b"inside".to_vec());
                prop_assert!(inside.is_some());
            }
            if let (Ok(canonical), Some(real)) = (case.root.canonical(&path), inside) {
                prop_assert_eq!(case.root.path().join(canonical.as_path()).as_os_str().as_bytes().len(),
                    if canonical.is_root() { real.as_os_str().len() + 1 } else { real.as_os_str().len() });
                prop_assert_eq!(case.root.absolute(&canonical), real);
            }
        }
    }
}
