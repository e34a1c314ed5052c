//! `--exec`: a command of the user's for each event. What the chain says reaches it as data only: on its stdin and in its
//! environment, never in the command line.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

use super::webhook;
use crate::{context::Context, output::printable};

/// The command, and how long it may take.
pub struct Exec {
    pub command: String,
    pub limit: Duration,
}

/// The environment that the command gets, by the JSON's keys.
const VARIABLES: [(&str, &str); 11] = [
    ("PORTCULLIS_EVENT", "event"),
    ("PORTCULLIS_EVENT_ID", "id"),
    ("PORTCULLIS_EVENT_KIND", "kind"),
    ("PORTCULLIS_COUNCIL", "council"),
    ("PORTCULLIS_PROGRAM", "program"),
    ("PORTCULLIS_PROPOSAL", "proposal"),
    ("PORTCULLIS_STATUS", "status"),
    ("PORTCULLIS_BY", "by"),
    ("PORTCULLIS_SIGNATURE", "signature"),
    ("PORTCULLIS_SECONDS_TO_ETA", "seconds_to_eta"),
    ("PORTCULLIS_VERIFIED", "verified"),
];

impl Exec {
    /// Runs the command for one event. That it fails is said, and stops nothing.
    pub async fn run(&self, ctx: &Context, event: &Value) {
        let name = event["event"].as_str().unwrap_or_default();
        let failed = |what: String| {
            ctx.out.note(&format!(
                "warning: --exec failed for {name}: {}",
                printable(&what)
            ));
        };
        let mut child = match self.spawn(event) {
            Ok(child) => child,
            Err(error) => return failed(error.to_string()),
        };
        let status = timeout(self.limit, finish(&mut child.0, event.to_string())).await;
        match status {
            Ok(Ok(status)) if status.success() => {}
            Ok(Ok(status)) => failed(status.to_string()),
            Ok(Err(error)) => failed(error.to_string()),
            Err(_) => {
                drop(child);
                let limit = humantime::format_duration(self.limit);
                failed(format!("it took longer than {limit} and was stopped"));
            }
        }
    }

    fn spawn(&self, event: &Value) -> io::Result<Group> {
        let mut command = Command::new("sh");
        command
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            // Stdout is for the events alone.
            .stdout(Stdio::from(io::stderr()))
            // A group of its own, so that all that it starts can be stopped with it.
            .process_group(0)
            .kill_on_drop(true);
        for (variable, key) in VARIABLES {
            match &event[key] {
                Value::Null => command.env_remove(variable),
                Value::String(text) => command.env(variable, text),
                other => command.env(variable, other.to_string()),
            };
        }
        for secret in webhook::VARIABLES {
            command.env_remove(secret);
        }
        command.spawn().map(Group)
    }
}

async fn finish(child: &mut Child, event: String) -> io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever does not read its stdin does not need it.
        let _ = stdin.write_all(format!("{event}\n").as_bytes()).await;
    }
    child.wait().await
}

/// A command that is stopped, with all that it has started, where it is dropped before its end.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // None: it has ended.
        if let Some(id) = self.0.id() {
            // The standard library ends a process, not a group.
            let kill = format!("kill -KILL -{id}");
            let _ = std::process::Command::new("sh")
                .args(["-c", &kill])
                .status();
        }
    }
}
