//! The shipped binary in a root file system that holds nothing else: no loader, no shell, no certificates, no users.
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tenon_tests::home::Home;
use tenon_tests::running::Running;
use tenon_tests::surroundings::shipped_binary;

/// Mounts what there has to be, and plays the demo; the arguments are the new root and the binary's name in it.
const PLAY: &str = r#"
root=$0
mount -t proc proc "$root/proc" || exit 99
mount -t tmpfs tmp "$root/tmp" || exit 99
mount --rbind /dev "$root/dev" || exit 99
PATH=$PATH:/usr/sbin:/sbin
exec env -i HOME=/tmp "$(command -v chroot)" "$root" /tenon demo
"#;

#[test]
fn the_demo_runs_where_there_is_nothing_else() {
    let Some(shipped) = shipped_binary() else {
        println!("skipped: no static binary");
        return;
    };
    let home = Home::new().unwrap();
    let root = home.root().join("root");
    for directory in ["proc", "dev", "tmp"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::copy(shipped, root.join("tenon")).unwrap();
    fs::set_permissions(root.join("tenon"), fs::Permissions::from_mode(0o755)).unwrap();
    let user: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["--map-root-user"] };
    let mut command = home.shell("exec unshare \"$@\"");
    command.args(user).args(["--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", PLAY]).arg(&root);
    let demo = Running::start(command).unwrap().finish().unwrap();
    if demo.code == Some(99) || demo.stderr.contains("unshare:") {
        println!("skipped: no namespaces here: {}", demo.stderr);
        return;
    }
    let demo = demo.expect(0).unwrap();
    assert!(demo.stdout.contains("3 expectations passed"), "{demo:#?}");
    assert!(demo.stdout.contains("The other one stays staged"), "{demo:#?}");
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0, "it left nothing behind");
}
