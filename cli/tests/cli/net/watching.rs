//! A `portcullis watch` that runs while a test does something.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{channel, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{schema, Net};

/// Longer than anything here takes; whoever waits so long waits for ever.
const LONG: Duration = Duration::from_secs(60);

pub struct Watching {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What was said on stderr so far.
    pub said: Vec<String>,
    pub lines: Vec<String>,
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Net {
    /// Over the localnet's own socket, without looking by itself: what is shown comes by it.
    pub fn watch(&self, line: &str) -> Watching {
        let ws = self.ws_url();
        self.watch_with(self.command(&format!("{line} --ws {ws} --interval 1h")))
    }

    /// Without a socket.
    pub fn watch_polling(&self, line: &str) -> Watching {
        self.watch_polling_at(self.url(), line)
    }

    /// Another server without a socket.
    pub fn watch_polling_at(&self, url: &str, line: &str) -> Watching {
        let nobody = format!("--ws ws://127.0.0.1:1 --interval 200ms -u {url}");
        let mut watching = self.watch_with(self.command(&format!("{line} {nobody}")));
        watching.wait_for("no WebSocket");
        watching
    }

    /// Ready when it has begun.
    pub fn watch_with(&self, mut command: Command) -> Watching {
        // The last one given counts.
        if !command.get_args().any(|argument| argument == "-u") {
            command.args(["-u", self.url()]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut watching = Watching {
            stdout: lines(child.stdout.take().unwrap()),
            stderr: lines(child.stderr.take().unwrap()),
            child,
            said: Vec::new(),
            lines: Vec::new(),
        };
        watching.wait_for("watching ");
        watching
    }
}

impl Watching {
    /// Waits for words on stderr.
    pub fn wait_for(&mut self, words: &str) {
        while !self.said.iter().any(|line| line.contains(words)) {
            match self.stderr.recv_timeout(LONG) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("no `{words}` in {:?}, {:?}", self.said, self.lines),
            }
        }
    }

    /// The next so many lines of stdout.
    pub fn next(&mut self, count: usize) -> Vec<String> {
        let mut found = Vec::new();
        while found.len() < count {
            match self.stdout.recv_timeout(LONG) {
                Ok(line) => found.push(line),
                Err(_) => panic!("{found:?}; {:?}", self.said),
            }
        }
        self.lines.extend(found.clone());
        found
    }

    pub fn next_json(&mut self, count: usize) -> Vec<Value> {
        let lines = self.next(count);
        let parse = |line: &String| {
            let line = serde_json::from_str(line).unwrap();
            schema::check_line("watch", &line);
            line
        };
        lines.iter().map(parse).collect()
    }

    /// Nobody reads stdout any more, once another line has come.
    pub fn stop_reading(&mut self) {
        let (_, closed) = channel();
        self.stdout = closed;
    }

    /// What a key press does; gives the exit code.
    pub fn interrupt(&mut self) -> i32 {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(kill.success());
        self.end()
    }

    /// Waits for the end, reads what is left, and gives the exit code.
    pub fn end(&mut self) -> i32 {
        let status = self.child.wait().unwrap();
        self.said.extend(self.stderr.iter());
        self.lines.extend(self.stdout.iter());
        status.code().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
