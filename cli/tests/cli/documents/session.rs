//! A shell on a terminal of its own, in a folder that looks like the repository after `make demo`.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{
    page::{root, Page},
    script, vault,
};

/// No command is silent for longer.
const PATIENCE: Duration = Duration::from_secs(300);
/// The end of a question, as long as it is not answered.
const QUESTION: &str = "[y/N]";

/// Runs a document's commands, all of them.
///
/// # Panics
/// With the end of what was said, where a command fails.
pub fn run(page: &Page, lasting: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::create_dir_all(place.join("target/debug")).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_portcullis"),
        place.join("target/debug/portcullis"),
    )
    .unwrap();
    symlink(
        root().join("tests").canonicalize().unwrap(),
        place.join("tests"),
    )
    .unwrap();
    let vault = page
        .blocks
        .iter()
        .any(|block| block.text.contains("$vault"));
    let environment = if vault {
        vault::write_large(&place.join("large.so"));
        vault::environment(&place.join("large.so"))
    } else {
        BTreeMap::from([("LOCALNET_EXTRA", String::new())])
    };
    let path = home.path().join("document.sh");
    fs::write(&path, script::of(page, lasting)).unwrap();
    let mut shell = Shell::start(&path, place, home.path(), environment);
    let (said, ran) = shell.follow();
    // To be read by people who change a document.
    let transcript =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.log", page.name.replace('/', "-")));
    fs::write(&transcript, &said).unwrap();
    let tail = said.len().saturating_sub(6_000);
    let tail = said.get(tail..).unwrap_or(&said);
    assert!(said.contains("@@end"), "{} stopped:\n{tail}", page.name);
    assert_eq!(ran, page.runnable().count(), "{}: blocks", page.name);
    let never_said = page.never_said(&said);
    assert!(
        never_said.is_empty(),
        "{} shows what nothing printed: {never_said:#?}",
        page.name
    );
    let refused = said.matches(" # refused, exit code ").count();
    println!(
        "{}: {ran} blocks ran with {} commands, of which {refused} had to be refused; all that was said: {}",
        page.name,
        page.commands(),
        transcript.display()
    );
}

struct Shell {
    child: Child,
}

impl Drop for Shell {
    /// Closing its terminal ends the shell and what it has started.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shell {
    /// `script` gives it a terminal, on which commands ask.
    fn start(path: &Path, folder: &Path, home: &Path, environment: BTreeMap<&str, String>) -> Self {
        let cargo_home = env::var("CARGO_HOME")
            .unwrap_or_else(|_| format!("{}/.cargo", env::var("HOME").unwrap()));
        let child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command"])
            .arg(format!("bash --norc '{}'", path.display()))
            .arg("/dev/null")
            .current_dir(folder)
            .env_clear()
            .env("PATH", env::var("PATH").unwrap())
            .env("HOME", home)
            .env("CARGO_HOME", cargo_home)
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .env("SHELL", "/bin/bash")
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is there");
        Self { child }
    }

    /// Answers questions and markers until the end; gives all that was said, and how many blocks ran.
    fn follow(&mut self) -> (String, usize) {
        let mut stdin = self.child.stdin.take().unwrap();
        let mut stdout = self.child.stdout.take().unwrap();
        let (sender, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut piece) {
                if sender.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut bytes = Vec::new();
        let mut answered = 0;
        let mut sent = 0;
        loop {
            match pieces.recv_timeout(PATIENCE) {
                Ok(piece) => bytes.extend(piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bytes.extend(b"\nnothing was said for five minutes\n");
                    break;
                }
            }
            let said = String::from_utf8_lossy(&bytes);
            // Each question is answered once, each marker obeyed once.
            let questions = said.matches(QUESTION).count();
            while answered < questions {
                stdin.write_all(b"y").unwrap();
                answered += 1;
            }
            let markers = said
                .split("@@send ")
                .skip(1)
                .filter_map(|rest| rest.split_once(['\r', '\n']));
            for (marker, _) in markers.skip(sent) {
                let (url, file) = marker.split_once(' ').unwrap();
                let answer = vault::send(url, Path::new(file));
                stdin.write_all(answer.as_bytes()).unwrap();
                sent += 1;
            }
        }
        let said = String::from_utf8_lossy(&bytes).replace('\r', "");
        let ran = said.matches("\n@@ran ").count();
        (said, ran)
    }
}
