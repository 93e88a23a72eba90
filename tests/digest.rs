//! Tests of the example `digest` as a program: against `sha256sum`, and on trees made to trip it.
#![cfg(unix)]
mod support;

use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use support::{HUNG, Ran, binary, run, wait_or_kill};

/// A directory of one test, removed at its end.
struct Tree(PathBuf);

impl Tree {
    fn new(test: &str) -> Tree {
        let root = std::env::temp_dir().join(format!("dormouse-digest-{test}-{}", std::process::id()));
        fs::create_dir(&root).expect("a new directory can be made");
        // A user without rights looks into it in one of the tests.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Tree(root)
    }

    fn file(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it lies in the tree")).expect("directories can be made");
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// A file of 64 GiB of zeros, which takes no room and longer to digest than any test may take.
    fn endless(&self, name: &str) {
        let file = File::create(self.0.join(name)).expect("a file can be made");
        file.set_len(64 << 30).expect("a file can have holes");
    }

    fn fifo(&self, name: &str) {
        mknodat(CWD, self.0.join(name), FileType::Fifo, Mode::from(0o644), 0).expect("a FIFO can be made");
    }

    /// `digest ARGUMENTS`, run in the tree.
    fn digest<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ran {
        run("digest", Command::new(binary("digest")).args(arguments).current_dir(&self.0))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {e}", self.0.display());
        }
    }
}

/// What `find . -type f | LC_ALL=C sort | sha256sum` prints.
fn by_sha256sum(tree: &Tree) -> Vec<u8> {
    let script = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum";
    let ran = run("sha256sum", Command::new("sh").args(["-c", script]).current_dir(&tree.0));
    assert!(ran.status.success(), "{}", ran.stderr);
    ran.stdout
}

/// Has `sha256sum -c` accept the lines, and returns how many files it found to be right.
fn accepted_by_sha256sum(tree: &Tree, lines: &[u8]) -> usize {
    let sums = std::env::temp_dir().join(tree.0.with_extension("sums"));
    fs::write(&sums, lines).expect("a file can be written");
    let mut command = Command::new("sha256sum");
    let ran = run("sha256sum -c", command.args(["--strict", "-c"]).arg(&sums).current_dir(&tree.0));
    fs::remove_file(&sums).expect("it is ours");
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
    String::from_utf8_lossy(&ran.stdout).lines().filter(|line| line.ends_with(": OK")).count()
}

#[track_caller]
fn assert_text(ran: &Ran, code: i32, stdout: &str, stderr: &str) {
    let said = (ran.status.code(), String::from_utf8_lossy(&ran.stdout), ran.stderr.as_str());
    assert_eq!(said, (Some(code), stdout.into(), stderr));
}

const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BLAKE3_OF_ABC: &str = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
const BLAKE3_OF_NOTHING: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

/// Copies this repository without what was built or belongs to git, and returns how many files that are.
fn copy_sources(from: &Path, to: &Path) -> usize {
    let mut copied = 0;
    for entry in fs::read_dir(from).expect("the repository can be listed") {
        let entry = entry.expect("the repository can be listed");
        let (kind, name) = (entry.file_type().expect("it has a type"), entry.file_name());
        if kind.is_dir() && name != "target" && name != ".git" {
            fs::create_dir(to.join(&name)).expect("a directory can be made");
            copied += copy_sources(&entry.path(), &to.join(&name));
        } else if kind.is_file() {
            fs::copy(entry.path(), to.join(&name)).expect("a file can be copied");
            copied += 1;
        }
    }
    copied
}

#[test]
fn this_repository_as_sha256sum_sees_it() {
    let tree = Tree::new("repository");
    let files = copy_sources(Path::new(env!("CARGO_MANIFEST_DIR")), &tree.0);
    let expected = by_sha256sum(&tree);
    for arguments in [&["."][..], &[".", "--workers", "1"], &[".", "--workers=64", "--fail-fast"]] {
        let ran = tree.digest(arguments);
        assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ran.stdout == expected, "{arguments:?} differs from sha256sum");
    }
    assert_eq!(accepted_by_sha256sum(&tree, &expected), files);
}

#[test]
fn names_with_odd_bytes() {
    let tree = Tree::new("names");
    let names: [&[u8]; 14] = [
        b"plain",
        b"with space ",
        b"-dash",
        b"new\nline",
        b"back\\slash",
        b"\\",
        b"carriage\rreturn",
        b"all\\\n\r\\n",
        b"not utf-8 \xff\xfe\xc3",
        b"\xf0\x9f\x90\xad",
        b"a.b",
        b"a/b",
        b"a-/b",
        b"dir\n\\\xff/file\n",
    ];
    for name in names {
        tree.file(OsString::from_vec(name.to_vec()), name);
    }
    let ran = tree.digest(["."]);
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout == by_sha256sum(&tree), "{}", String::from_utf8_lossy(&ran.stdout));
    let escaped = ran.stdout.split(|&b| b == b'\n').filter(|line| line.starts_with(b"\\")).count();
    assert_eq!(escaped, 6, "names with a backslash, a newline or a carriage return");
    assert_eq!(accepted_by_sha256sum(&tree, &ran.stdout), names.len());
}

#[test]
fn contents_of_every_size_around_a_chunk() {
    let tree = Tree::new("sizes");
    for size in [0, 1, 63, 64, 65, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, (1 << 20) + 77] {
        let content: Vec<u8> = (0..size).map(|i| (i * 31 % 251) as u8).collect();
        tree.file(format!("{size}"), content);
    }
    let ran = tree.digest(["."]);
    assert!(ran.stdout == by_sha256sum(&tree), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn known_answers() {
    let tree = Tree::new("known");
    tree.file("abc", "abc");
    tree.file("nothing", "");
    let lines = |abc, nothing| format!("{abc}  ./abc\n{nothing}  ./nothing\n");
    assert_text(&tree.digest(["."]), 0, &lines(SHA256_OF_ABC, SHA256_OF_NOTHING), "");
    let blake3 = tree.digest([".", "--algorithm", "blake3"]);
    assert_text(&blake3, 0, &lines(BLAKE3_OF_ABC, BLAKE3_OF_NOTHING), "");
}

#[test]
fn a_path_is_printed_as_it_was_given() {
    let tree = Tree::new("given");
    let absolute = tree.file("dir/abc", "abc");
    let absolute = absolute.to_str().expect("the name of the temporary directory is text");
    for (given, printed) in
        [("dir", "dir/abc"), ("dir/", "dir/abc"), ("dir/abc", "dir/abc"), (absolute, absolute)]
    {
        assert_text(&tree.digest([given]), 0, &format!("{SHA256_OF_ABC}  {printed}\n"), "");
    }
}

#[test]
fn links_are_passed_over_and_loops_end() {
    let tree = Tree::new("links");
    tree.file("dir/abc", "abc");
    for (target, link) in [
        (".", "dir/loop"),
        ("../..", "dir/up"),
        ("self", "dir/self"),
        ("abc", "dir/to-file"),
        ("nowhere", "dir/dangling"),
        ("dir", "to-dir"),
        ("/dev/zero", "to-device"),
    ] {
        symlink(target, tree.0.join(link)).expect("a link can be made");
    }
    assert_text(&tree.digest(["."]), 0, &format!("{SHA256_OF_ABC}  ./dir/abc\n"), "");
    // The path itself may be a link.
    assert_text(&tree.digest(["to-dir"]), 0, &format!("{SHA256_OF_ABC}  to-dir/abc\n"), "");
    assert_text(&tree.digest(["dir/to-file"]), 0, &format!("{SHA256_OF_ABC}  dir/to-file\n"), "");
    let loops = "digest: dir/self: Too many levels of symbolic links (os error 40)\n";
    assert_text(&tree.digest(["dir/self"]), 1, "", loops);
}

#[test]
fn an_empty_tree_prints_nothing() {
    let tree = Tree::new("empty");
    fs::create_dir_all(tree.0.join("a/b/c")).expect("directories can be made");
    assert_text(&tree.digest(["."]), 0, "", "");
}

#[test]
fn a_path_that_does_not_exist() {
    let tree = Tree::new("missing");
    let reason = "No such file or directory (os error 2)";
    assert_text(&tree.digest(["nowhere"]), 1, "", &format!("digest: nowhere: {reason}\n"));
    assert_text(&tree.digest(["no\nwhere"]), 1, "", &format!("digest: no\\nwhere: {reason}\n"));
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    let tree = Tree::new("usage");
    tree.file("abc", "abc");
    for (arguments, told) in [
        (&[".", "--workers", "0"][..], "'0' for '--workers <N>'"),
        (&[".", "--workers", "many"], "'many' for '--workers <N>'"),
        (&[".", "--workers", "1.5"], "'1.5' for '--workers <N>'"),
        (&[".", "--workers=-1"], "'-1' for '--workers <N>'"),
        (&[".", "--workers", "1025"], "1025 is not in 1..=1024"),
        (&[".", "--algorithm", "md5"], "[possible values: sha256, blake3]"),
        (&[".", "--slow"], "'--slow'"),
        (&[".", "twice"], "'twice'"),
        (&[""], "<PATH>"),
        (&[], "<PATH>"),
    ] {
        let ran = tree.digest(arguments);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn special_files_are_reported_and_never_read() {
    let tree = Tree::new("special");
    tree.file("abc", "abc");
    tree.fifo("pipe");
    let _socket =
        std::os::unix::net::UnixListener::bind(tree.0.join("socket")).expect("a socket can be bound");
    let reports = "digest: ./pipe: a FIFO is not digested\ndigest: ./socket: a socket is not digested\n";
    assert_text(&tree.digest(["."]), 1, &format!("{SHA256_OF_ABC}  ./abc\n"), reports);
    assert_text(&tree.digest(["pipe"]), 1, "", "digest: pipe: a FIFO is not digested\n");
    assert_text(&tree.digest(["/dev/zero"]), 1, "", "digest: /dev/zero: a device is not digested\n");
}

/// Makes a chain of directories that ends in a path of 3950 bytes, and returns its last one.
fn deep_directory(tree: &Tree) -> (std::os::fd::OwnedFd, PathBuf) {
    const DEPTH: usize = 3950;
    let open = |at: std::os::fd::BorrowedFd<'_>, name: &Path| {
        openat(at, name, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).expect("it can be opened")
    };
    let (mut path, mut directory) = (tree.0.clone(), open(CWD, &tree.0));
    while path.as_os_str().len() < DEPTH {
        let room = DEPTH - path.as_os_str().len() - 1; // for a name after the slash
        let name = PathBuf::from("d".repeat(if room > 255 { 200 } else { room }));
        mkdirat(&directory, &name, Mode::from(0o755)).expect("a directory can be made");
        directory = open(std::os::fd::AsFd::as_fd(&directory), &name);
        path.push(name);
    }
    (directory, path)
}

/// Paths longer than the system accepts cannot be opened by any user, not even by root.
#[test]
fn what_cannot_be_opened_is_reported_and_the_rest_goes_on() {
    let tree = Tree::new("unreadable");
    let (directory, path) = deep_directory(&tree);
    let write = |name: &str| {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&directory, name, flags, Mode::from(0o644)).expect("a file can be made");
        File::from(file).write_all(b"abc").expect("it can be written");
    };
    let (file, subdirectory) = ("f".repeat(200), "g".repeat(200));
    write("abc");
    write(&file);
    mkdirat(&directory, &subdirectory, Mode::from(0o755)).expect("a directory can be made");
    tree.file("zzz", "abc");

    let (root, path) = (tree.0.display(), path.display());
    let reason = "File name too long (os error 36)";
    let file = format!("digest: {path}/{file}: {reason}\n");
    let subdirectory = format!("digest: {path}/{subdirectory}: {reason}\n");
    let (abc, zzz) = (format!("{SHA256_OF_ABC}  {path}/abc\n"), format!("{SHA256_OF_ABC}  {root}/zzz\n"));
    assert_text(&tree.digest([&tree.0]), 1, &(abc.clone() + &zzz), &(file.clone() + &subdirectory));
    let fail_fast = [tree.0.as_os_str(), OsStr::new("--fail-fast")];
    assert_text(&tree.digest(fail_fast), 1, &abc, &file);
}

#[test]
fn what_may_not_be_read_is_reported_and_the_rest_goes_on() {
    const NOBODY: u32 = 65534;
    let tree = Tree::new("forbidden");
    tree.file("tree/abc", "abc");
    tree.file("tree/locked", "abc");
    tree.file("tree/locked-directory/file", "abc");
    tree.file("tree/zzz", "abc");
    let forbid = |name, mode| {
        fs::set_permissions(tree.0.join(name), fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    // To root nothing is forbidden: then the program, in a place that everybody can reach, runs as nobody.
    let program = tree.0.join("digest");
    fs::copy(binary("digest"), &program).expect("the program can be copied");
    let as_who = |command: &mut Command| {
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
    };
    let mut probe = Command::new("true");
    as_who(&mut probe);
    if let Err(e) = probe.status() {
        eprintln!("skipped: this root may not become another user: {e}");
        return;
    }

    forbid("tree/locked", 0);
    forbid("tree/locked-directory", 0);
    let mut command = Command::new(program);
    as_who(&mut command);
    let ran = run("digest", command.arg("tree").current_dir(&tree.0));
    forbid("tree/locked-directory", 0o755); // or it cannot be removed

    let lines = format!("{SHA256_OF_ABC}  tree/abc\n{SHA256_OF_ABC}  tree/zzz\n");
    let reason = "Permission denied (os error 13)";
    let reports = format!("digest: tree/locked: {reason}\ndigest: tree/locked-directory: {reason}\n");
    assert_text(&ran, 1, &lines, &reports);
}

#[cfg(target_os = "linux")]
#[test]
fn an_error_in_the_middle_of_reading_is_reported() {
    let tree = Tree::new("reading");
    // It can be opened, but its first page cannot be read.
    let report = "digest: /proc/self/mem: Input/output error (os error 5)\n";
    assert_text(&tree.digest(["/proc/self/mem"]), 1, "", report);
}

#[test]
fn fail_fast_stops_at_the_first_and_drops_what_is_in_progress() {
    let tree = Tree::new("fail-fast");
    tree.file("1", "abc");
    tree.fifo("2");
    tree.endless("3"); // on another worker when 2 is reported
    tree.fifo("4");
    for n in 0..500 {
        tree.file(format!("5/{n}"), "more than the pipeline holds");
    }
    for workers in ["1", "2", "8"] {
        let ran = tree.digest([".", "--fail-fast", "--workers", workers]);
        let line = format!("{SHA256_OF_ABC}  ./1\n");
        assert_text(&ran, 1, &line, "digest: ./2: a FIFO is not digested\n");
    }
}

/// `digest .` with its stdout still open after the first line.
fn start_and_read_a_line(tree: &Tree) -> (Child, ChildStdout, String) {
    let stderr = File::create(tree.0.with_extension("stderr")).expect("a file can be made");
    let mut child = Command::new(binary("digest"))
        .arg(".")
        .current_dir(&tree.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .expect("digest can be started");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (tell, line) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::with_capacity(1, &mut stdout).read_line(&mut line).expect("there is a line");
        let _ = tell.send((stdout, line));
    });
    match line.recv_timeout(HUNG) {
        Ok((stdout, line)) => (child, stdout, line),
        Err(_) => {
            let _ = child.kill();
            panic!("digest has not written a line for {HUNG:?}");
        }
    }
}

fn take_stderr(tree: &Tree) -> String {
    let path = tree.0.with_extension("stderr");
    let stderr = fs::read_to_string(&path).expect("it was made");
    fs::remove_file(path).expect("it is ours");
    stderr
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let tree = Tree::new("closed");
    for n in 0..2000 {
        tree.file(format!("{n:0>100}"), "abc"); // lines for more than a pipe holds
    }
    tree.endless("z");
    let (mut child, stdout, line) = start_and_read_a_line(&tree);
    drop(stdout); // as `head -1` does
    let status = wait_or_kill("digest with a closed stdout", &mut child);
    assert_eq!(line, format!("{SHA256_OF_ABC}  ./{:0>100}\n", 0));
    assert_eq!((status.code(), take_stderr(&tree).as_str()), (Some(0), ""));
}

#[test]
fn what_is_done_is_printed_while_a_file_is_in_progress() {
    let tree = Tree::new("progress");
    tree.file("1", "abc");
    tree.endless("2");
    let (mut child, _stdout, line) = start_and_read_a_line(&tree);
    let still_running = child.try_wait().expect("a child can be waited for").is_none();
    child.kill().expect("it can be killed");
    child.wait().expect("a child can be waited for");
    assert_eq!((line, still_running), (format!("{SHA256_OF_ABC}  ./1\n"), true), "{}", take_stderr(&tree));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_is_reported() {
    let tree = Tree::new("full");
    tree.file("abc", "abc");
    let script = "exec \"$0\" . > /dev/full";
    let mut command = Command::new("sh");
    let ran =
        run("digest > /dev/full", command.args(["-c", script]).arg(binary("digest")).current_dir(&tree.0));
    assert_text(&ran, 1, "", "digest: standard output: No space left on device (os error 28)\n");
}
