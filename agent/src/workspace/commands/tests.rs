//! Which files are commands.
use std::fs;
use std::time::Duration;

use super::*;

struct Case {
    folder: tempfile::TempDir,
    root: Root,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("work")).unwrap();
        let root = Root::open(&folder.path().join("work")).unwrap();
        Self { folder, root }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commands(&self, trusted: bool) -> Commands {
        Commands::of(trusted.then_some(&self.root), &self.folder.path().join("own/config.toml"))
    }

    fn look(&self, trusted: bool) -> Looked {
        self.commands(trusted).look(&Stop::after(Duration::from_mins(1)))
    }

    fn listed(&self, trusted: bool) -> Vec<String> {
        let looked = self.look(trusted);
        looked.of(Kind::Command).map(|command| format!("{} {:?}", command.name, command.from)).collect()
    }
}

#[test]
fn the_first_of_a_name_counts_and_folders_are_part_of_it() {
    let case = Case::new();
    for (name, text) in [
        ("work/.tenon/commands/both.md", "ours"),
        ("work/.claude/commands/both.md", "theirs"),
        ("work/.claude/commands/git/commit.md", "commit $1"),
        ("work/.agents/commands/c.md", "c"),
        ("work/.opencode/command/d.md", "d"),
        ("work/.opencode/commands/e.md", "e"),
        ("own/commands/both.md", "own"),
        ("own/commands/mine.md", "mine"),
        ("work/.gitignore", ".claude/"),
    ] {
        case.write(name, text);
    }
    assert_eq!(case.listed(false), ["both User", "mine User"]);
    let all = ["both", "c", "d", "e", "git:commit"].map(|name| format!("{name} Workspace"));
    assert_eq!(case.listed(true), [&all[..], &["mine User".to_owned()]].concat());
    let expand = |trusted, message: &str| case.commands(trusted).expand(message);
    assert_eq!(expand(true, "/both").unwrap(), "ours");
    assert_eq!(expand(false, "/both").unwrap(), "own");
    assert_eq!(expand(true, "/git:commit all").unwrap(), "commit all");
    assert_eq!(
        (expand(false, "/git:commit"), expand(true, "/none"), expand(true, "/git")),
        (None, None, None)
    );
}

#[test]
fn what_is_no_small_text_inside_is_no_command() {
    let case = Case::new();
    let at = |name: &str| case.folder.path().join("work/.tenon/commands").join(name);
    let length = usize::try_from(find::FILE_BYTES_MAX).unwrap();
    case.write("work/.tenon/commands/fits.md", "x".repeat(length));
    case.write("work/.tenon/commands/long.md", "x".repeat(length + 1));
    case.write("work/.tenon/commands/bytes.md", [0xff, 0xfe]);
    case.write("work/.tenon/commands/empty.md", "---\ndescription: x\n---\n");
    case.write("work/.tenon/commands/a b.md", "x");
    case.write("work/.tenon/commands/a:b.md", "x");
    case.write("work/.tenon/commands/.hidden.md", "x");
    case.write("work/.tenon/commands/notes.txt", "x");
    case.write("work/.tenon/commands/deep/1/2/3/x.md", "x");
    fs::create_dir(at("folder.md")).unwrap();
    case.write("outside.md", "secret");
    case.write("work/inside.md", "inside");
    std::os::unix::fs::symlink(case.folder.path().join("outside.md"), at("out.md")).unwrap();
    std::os::unix::fs::symlink("../../inside.md", at("in.md")).unwrap();
    assert_eq!(case.listed(true), ["fits Workspace", "in Workspace"]);
    let skipped = case.look(true).skipped;
    let skipped = skipped
        .iter()
        .map(|skipped| format!("{}: {}", skipped.file.file_name().unwrap().to_string_lossy(), skipped.why));
    assert_eq!(
        skipped.collect::<Vec<_>>(),
        [
            "a b.md: its name cannot be typed behind a slash",
            "a:b.md: its name cannot be typed behind a slash",
            "bytes.md: it is no UTF-8",
            "empty.md: it has no text",
            "long.md: it has 262145 bytes, and may have 262144",
            "out.md: it leads outside through a link",
        ]
    );
    for name in ["long", "bytes", "empty", "out", ".hidden", "folder"] {
        assert_eq!(case.commands(true).expand(&format!("/{name}")), None, "{name}");
    }
    assert_eq!(case.commands(true).expand("/in").unwrap(), "inside");
}

#[test]
fn a_folder_that_leads_outside_has_no_commands() {
    let case = Case::new();
    case.write("elsewhere/commands/x.md", "x");
    std::os::unix::fs::symlink(case.folder.path().join("elsewhere"), case.folder.path().join("work/.tenon"))
        .unwrap();
    assert_eq!(case.listed(true), Vec::<String>::new());
    assert_eq!(case.commands(true).expand("/x"), None);
}

#[test]
fn skills_are_folders_and_say_where_their_files_are() {
    let case = Case::new();
    case.write(
        "work/.claude/skills/pdf/SKILL.md",
        "---\nname: pdf\ndescription: Fills forms\n---\nRun fill.py on $1.",
    );
    case.write("work/.claude/skills/pdf/fill.py", "");
    case.write("work/.tenon/skills/pdf2/SKILL.md", "ours");
    case.write("work/.tenon/skills/both/SKILL.md", "a skill");
    case.write("work/.tenon/commands/both.md", "a command");
    case.write("work/.tenon/skills/README.md", "none");
    case.write("work/.tenon/skills/none/readme.md", "none");
    case.write("work/.tenon/skills/empty/SKILL.md", "");
    case.write("work/.tenon/skills/a b/SKILL.md", "x");
    case.write("own/skills/mine/SKILL.md", "my own");
    let looked = case.look(true);
    let names: Vec<_> = looked.of(Kind::Skill).map(|skill| (skill.name.as_str(), skill.from)).collect();
    let here = Origin::Workspace;
    assert_eq!(names, [("both", here), ("mine", Origin::User), ("pdf", here), ("pdf2", here)]);
    let pdf = looked.of(Kind::Skill).find(|skill| skill.name == "pdf").unwrap();
    assert_eq!(
        (pdf.description.as_deref(), pdf.file.as_str()),
        (Some("Fills forms"), ".claude/skills/pdf/SKILL.md")
    );
    assert_eq!(looked.skipped.len(), 2, "{:?}", looked.skipped);
    let expand = |trusted, message: &str| case.commands(trusted).expand(message);
    let told = "Use the skill pdf, which follows. Files that it names lie in .claude/skills/pdf.\n\nRun fill.py on a.pdf.";
    assert_eq!(expand(true, "/pdf a.pdf").unwrap(), told);
    assert_eq!(expand(true, "/both").unwrap(), "a command");
    assert!(expand(false, "/mine").unwrap().ends_with("own/skills/mine.\n\nmy own"));
    for none in ["/pdf", "/none", "/empty", "/README"] {
        assert_eq!(expand(false, none), None, "{none}");
    }
    assert_eq!((expand(true, "/none"), expand(true, "/empty")), (None, None));
}
