//! What the chain is compared with: files, builds, commits, another tool's word; and the releases that the gate remembers.

use std::{
    fs::{self, File},
    os::unix::fs::{symlink, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use portcullis_client::pda;
use serde_json::Value;

use crate::net::{address, Net};

impl Net {
    /// A command with a folder of its own for temporary files.
    fn with_temporary_files(&self, line: &str) -> Command {
        let folder = self.temporary();
        fs::create_dir_all(&folder).unwrap();
        let mut command = self.command(line);
        command.args(["-u", self.url()]).env("TMPDIR", folder);
        command
    }

    fn temporary(&self) -> PathBuf {
        self.path().join("temporary")
    }

    /// A program of the shell.
    fn script(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A repository: `v1` builds old.so, `v2` new.so, `main` fails; out.so is committed as well.
    fn repository(&self) -> PathBuf {
        let repo = self.path().join("repo");
        fs::create_dir(&repo).unwrap();
        git(&repo, &["init", "--quiet", "--initial-branch=main"]);
        fs::copy(self.path().join("memo.so"), repo.join("out.so")).unwrap();
        for (tag, text) in [
            ("v1", "cp source.so out.so"),
            ("v2", "cp source.so out.so"),
            ("v3", "echo no; exit 7"),
            ("v4", "true"),
        ] {
            let source = if tag == "v1" { "old.so" } else { "new.so" };
            fs::copy(self.path().join(source), repo.join("source.so")).unwrap();
            self.script("repo/make.sh", text);
            git(&repo, &["add", "--all"]);
            git(&repo, &["commit", "--quiet", "--message", tag]);
            git(&repo, &["tag", tag]);
        }
        // What is not committed has no part in it.
        self.script("repo/make.sh", "exit 9");
        repo
    }

    /// Nothing is left of a worktree.
    fn assert_clean(&self, repo: &Path) {
        let worktrees = git(repo, &["worktree", "list", "--porcelain"]);
        assert_eq!(worktrees.matches("worktree ").count(), 1, "{worktrees}");
        let left: Vec<_> = fs::read_dir(self.temporary()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn git(repo: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(repo)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn envelope(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn code(output: &Output) -> (i32, String) {
    let code = envelope(output)["error"]["code"]
        .as_str()
        .map(str::to_string);
    (output.status.code().unwrap(), code.unwrap_or_default())
}

#[test]
fn an_earlier_release_is_recognized() {
    let net = Net::with_lanes();
    let run = net.recorder("verify_releases");
    let upgrade = net.upgrade("new.so");
    net.pass(&upgrade);
    net.execute(&upgrade);
    run("01_current", "verify $program --artifact new.so");
    run("02_earlier", "verify $program --artifact old.so");
    run("03_unknown", "verify $program --artifact v3.so");
    let json = "verify $program --artifact old.so --output json";
    run("04_earlier_json", json);
    assert_eq!(
        envelope(&net.run_checked(json))["data"]["artifact"]["release_index"],
        1
    );
    let revoke = net.proposed("propose revoke 1 --program $program");
    net.pass(&revoke);
    net.execute(&revoke);
    let output = net.run_checked("verify $program --artifact old.so");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("this is release 1, REVOKED, not the current 2"),
        "{stderr}"
    );
    let data = envelope(&net.run_checked(json))["data"].take();
    assert_eq!(data["gate"]["releases"][0]["index"], 2);
    assert_eq!(data["gate"]["releases"][1]["revoked"], true);
    let same = net.json("verify $program --artifact new.so");
    assert_eq!(
        same["deployed"]["fingerprint"],
        same["artifact"]["fingerprint"]
    );
    // The proposal's voters read the same aloud.
    assert_eq!(
        net.json(&format!("review {upgrade}"))["fingerprint"],
        same["artifact"]["fingerprint"]
    );
}

#[test]
fn what_went_past_the_gate_is_told() {
    let net = Net::adopted();
    let programdata = pda::programdata(&address("program").parse().unwrap());
    net.forge(&programdata, |account| account.data[1_000] ^= 1);
    let run = net.recorder("verify_gate");
    // Even a build that is the same as what runs makes it no better.
    run("01_release_differs", "verify $program --artifact old.so");
    let output = net.run_checked("verify $program --output json");
    assert_eq!(code(&output), (4, "HashMismatch".to_string()));
    assert_eq!(envelope(&output)["data"]["gate"]["matches"], false);
    assert_eq!(envelope(&output)["data"]["source"], Value::Null);
}

#[test]
fn a_build_is_made_before_it_is_compared() {
    let net = Net::adopted();
    let run = net.recorder("verify_build");
    net.script("make.sh", "echo compiling; cp old.so made.so");
    let line = "verify $program --build ./make.sh --artifact made.so";
    run("01_matches", line);
    run("02_matches_json", &format!("{line} --output json"));
    net.script("make.sh", "cp new.so made.so");
    run("03_differs", line);
    net.script("make.sh", "echo broken; exit 3");
    run("04_fails", line);
    net.script("make.sh", "rm made.so");
    run("05_makes_nothing", line);
    net.script("make.sh", "echo text > made.so");
    run("06_makes_no_program", line);
    net.script("make.sh", "true");
    fs::copy(net.path().join("old.so"), net.path().join("made.so")).unwrap();
    run("07_writes_nothing", line);
    run(
        "08_hash_alone",
        "verify --build ./make.sh --artifact made.so",
    );
    run("09_build_alone", "verify $program --build ./make.sh");
    // It sees nothing of the environment but what it needs, and what it is given.
    net.script("make.sh", "env > seen.txt");
    let mut command = net.command(&format!("{line} --build-env SECRET --build-env WITH=value"));
    let output = command
        .args(["-u", net.url()])
        .env("SECRET", "hush")
        .env("OTHER", "x")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(
        stderr.contains("with HOME, LC_ALL=C, TZ=UTC, SECRET, WITH\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("hush"));
    let seen = String::from_utf8(net.read("seen.txt")).unwrap();
    let mut names: Vec<&str> = seen
        .lines()
        .map(|line| line.split('=').next().unwrap())
        // The shell's own.
        .filter(|name| !["_", "PWD", "OLDPWD", "SHLVL", "PATH"].contains(name))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "LC_ALL", "SECRET", "TZ", "WITH"]);
    assert!(seen.contains("SECRET=hush\n") && seen.contains("WITH=value\n"));
    run(
        "10_unknown_variable",
        &format!("{line} --build-env NO_SUCH"),
    );
}

#[test]
fn a_commit_is_built_in_a_clean_worktree_that_goes_away() {
    let net = Net::adopted();
    let repo = net.repository();
    let verify = |more: &str| {
        let line = format!("verify $program --build ./make.sh --repo repo --output json {more}");
        let output = net.with_temporary_files(&line).output().unwrap();
        net.assert_clean(&repo);
        output
    };
    let good = verify("--commit v1 --artifact out.so");
    let data = &envelope(&good)["data"];
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(data["artifact"]["matches"], true);
    assert_eq!(data["artifact"]["file"], "out.so");
    let commit = git(&repo, &["rev-parse", "v1"]);
    assert_eq!(commit.len(), 40);
    assert_eq!(data["source"]["commit"], *commit);
    assert_eq!(data["source"]["rev"], "v1");
    let time = git(&repo, &["show", "-s", "--format=%ct", "v1"]);
    let told = data["source"]["environment"].to_string();
    assert!(
        told.contains(&format!("SOURCE_DATE_EPOCH={time}")),
        "{told}"
    );
    // By the beginning of its hash as well.
    let short = verify(&format!("--commit {} --artifact ./out.so", &commit[..9]));
    assert_eq!(envelope(&short)["data"]["source"]["commit"], *commit);

    let of = |more: &str| code(&verify(more));
    let error = |exit: i32, code: &str| (exit, code.to_string());
    assert_eq!(
        of("--commit v2 --artifact out.so"),
        error(4, "HashMismatch")
    );
    assert_eq!(
        of("--commit v3 --artifact out.so"),
        error(1, "build_failed")
    );
    // The file that was committed is not what the build makes.
    assert_eq!(
        of("--commit v4 --artifact out.so"),
        error(1, "build_made_nothing")
    );
    for outside in ["../out.so", "/etc/passwd"] {
        let more = format!("--commit v1 --artifact {outside}");
        assert_eq!(of(&more), error(2, "outside_the_commit"));
    }
    for unknown in ["v9", "--all", "0123456789012345678901234567890123456789"] {
        let more = format!("--commit={unknown} --artifact out.so");
        assert_eq!(of(&more), error(2, "unknown_commit"));
    }
    // A link out of the worktree is not what the build makes either.
    let secret = net.path().join("old.so");
    net.script(
        "repo/make.sh",
        &format!("ln -s {} out.so", secret.display()),
    );
    git(&repo, &["commit", "--quiet", "--all", "--message", "link"]);
    assert_eq!(
        of("--commit main --artifact out.so"),
        error(2, "outside_the_commit")
    );
    // Hooks of the repository do not run.
    net.script("repo/.git/hooks/post-checkout", "exit 5");
    assert_eq!(of("--commit v1 --artifact out.so"), error(0, ""));
    let nowhere = net.run_checked(
        "verify --build ./make.sh --commit v1 --repo nowhere --artifact out.so --output json",
    );
    assert_eq!(code(&nowhere), error(2, "unknown_commit"));
}

#[test]
fn what_a_commit_says_is_shown() {
    let net = Net::adopted();
    net.repository();
    let run = net.recorder("verify_commit");
    run(
        "01_matches",
        "verify $program --build ./make.sh --repo repo --commit v1 --artifact out.so",
    );
    run(
        "02_unknown",
        "verify $program --build ./make.sh --repo repo --commit v9 --artifact out.so",
    );
    run(
        "03_without_build",
        "verify $program --commit v1 --artifact out.so",
    );
}

#[test]
fn an_interrupted_build_leaves_nothing_behind() {
    let net = Net::adopted();
    let repo = net.repository();
    let started = net.path().join("started");
    net.script(
        "repo/make.sh",
        &format!("sleep 1000 & echo $! > {}; wait", started.display()),
    );
    git(&repo, &["commit", "--quiet", "--all", "--message", "slow"]);
    for signal in ["-INT", "-TERM", "-HUP"] {
        let line =
            "verify $program --build ./make.sh --repo repo --commit main --artifact out.so --output json";
        let mut command = net.with_temporary_files(line);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let sleeper = loop {
            match fs::read_to_string(&started) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_string(),
                _ => thread::sleep(Duration::from_millis(20)),
            }
        };
        let kill = |args: &[&str]| Command::new("kill").args(args).status().unwrap();
        assert!(kill(&[signal, &child.id().to_string()]).success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), (9, "aborted".to_string()));
        net.assert_clean(&repo);
        // What the build had started was ended with it; a moment later nobody waits for it any more.
        let alive = || {
            let status = fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        while alive() {
            thread::sleep(Duration::from_millis(20));
        }
        fs::remove_file(&started).unwrap();
    }
}

#[test]
fn another_tool_s_word_is_compared() {
    let net = Net::adopted();
    let [old, new] = ["old.so", "new.so"].map(|file| {
        net.ok(&format!("verify --artifact {file} --output text"))
            .trim()
            .to_string()
    });
    let run = net.recorder("verify_tool");
    net.write("hash.txt", format!("{old}\n").as_bytes());
    run("01_matches", "verify $program --solana-verify hash.txt");
    run(
        "02_json",
        "verify $program --solana-verify hash.txt --output json",
    );
    net.write(
        "repo.txt",
        format!("Executable Program Hash from repo: {new}\nOn-chain Program Hash: {new}\n")
            .as_bytes(),
    );
    run("03_differs", "verify $program --solana-verify repo.txt");
    net.write(
        "both.txt",
        format!("Executable Program Hash from repo: {new}\nOn-chain Program Hash: {old}\n")
            .as_bytes(),
    );
    run("04_several", "verify $program --solana-verify both.txt");
    net.write("none.txt", b"Program hash matches\n");
    run("05_none", "verify $program --solana-verify none.txt");
    run("06_missing", "verify $program --solana-verify nowhere.txt");
    run(
        "07_with_a_file",
        "verify $program --solana-verify hash.txt --artifact old.so",
    );
    let mut command = net.command("verify $program --solana-verify - --output json");
    let output = command
        .args(["-u", net.url()])
        .stdin(File::open(net.path().join("hash.txt")).unwrap())
        .output()
        .unwrap();
    assert_eq!(code(&output), (0, String::new()));
    assert_eq!(envelope(&output)["data"]["artifact"]["sha256"], *old);
    // Nothing but what it says.
    assert_eq!(
        net.ok("verify --solana-verify hash.txt --output text")
            .trim(),
        old
    );
    let _ = symlink("hash.txt", net.path().join("link.txt"));
    assert_eq!(
        net.ok("verify --solana-verify link.txt --output text")
            .trim(),
        old
    );
}
