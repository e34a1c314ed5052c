//! Runs a build command in an environment of its own.

use std::{env, io, path::Path, str::FromStr, time::Duration};

use serde_json::{json, Value};
use tokio::{
    process::{Child, Command},
    signal::unix::{signal, Signal, SignalKind},
    time::timeout,
};

use crate::{context::Context, error::CliError, exit::ExitCode};

/// How long a build may take to end itself.
const GRACE: Duration = Duration::from_secs(5);
/// Those that a build cannot do without; none of them should change what it makes.
const INHERITED: [&str; 4] = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];
/// Those that are the same on every machine.
const FIXED: [(&str, &str); 2] = [("LC_ALL", "C"), ("TZ", "UTC")];

/// A variable that the user gives to the build: `NAME`, as it is here, or `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    name: String,
    value: Option<String>,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(known) {
            return Err(format!(
                "`{name}` is no variable's name: NAME or NAME=VALUE"
            ));
        }
        Ok(Self {
            name: name.to_string(),
            value,
        })
    }
}

/// What a build command sees of the environment.
#[derive(Debug, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(String, String)>,
    /// Of those from outside only the names are told: they may hold secrets.
    told: Vec<String>,
}

/// The environment of a build. `time`: of the commit, Unix seconds.
///
/// # Errors
/// `unknown_variable` for a name that is not set here.
pub fn environment(given: &[Variable], time: Option<i64>) -> Result<Environment, CliError> {
    let mut environment = Environment {
        variables: Vec::new(),
        told: Vec::new(),
    };
    for name in INHERITED {
        if let Ok(value) = env::var(name) {
            environment.add(name, value, false);
        }
    }
    for (name, value) in FIXED {
        environment.add(name, value.to_string(), true);
    }
    if let Some(time) = time {
        environment.add("SOURCE_DATE_EPOCH", time.to_string(), true);
    }
    for Variable { name, value } in given {
        let value = match value {
            Some(value) => value.clone(),
            None => env::var(name).map_err(|_| {
                CliError::usage(
                    "unknown_variable",
                    format!("the variable {name} of --build-env is not set here"),
                )
                .hint(format!("give its value: --build-env {name}=VALUE"))
            })?,
        };
        environment.add(name, value, false);
    }
    Ok(environment)
}

impl Environment {
    fn add(&mut self, name: &str, value: String, tell: bool) {
        self.told.push(match tell {
            true => format!("{name}={value}"),
            false => name.to_string(),
        });
        self.variables.push((name.to_string(), value));
    }

    /// For programs: those that are the same everywhere with their values, the others by name.
    pub fn json(&self) -> Value {
        json!(self.told)
    }
}

/// What the user or the machine says to end it. From its making on, none of it ends the process itself.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Interrupts {
    /// Begins to listen.
    ///
    /// # Errors
    /// `build_failed`.
    pub fn listen() -> Result<Self, CliError> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(unable)?,
            terminate: signal(SignalKind::terminate()).map_err(unable)?,
            hang_up: signal(SignalKind::hangup()).map_err(unable)?,
        })
    }

    /// Returns when one of them comes, or has come.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

fn failed(what: String) -> CliError {
    CliError::new(ExitCode::General, "build_failed", what)
        .hint("what it printed stands above; it runs without your own variables: --build-env NAME passes one on")
}

fn unable(error: io::Error) -> CliError {
    failed(format!("the build command cannot be run: {error}"))
}

/// Runs a command in a folder and waits for its end; all that it prints goes to stderr.
///
/// # Errors
/// `build_failed`; `aborted` where it was interrupted: then all that it had started is ended too.
pub async fn run(
    ctx: &Context,
    command: &str,
    folder: &Path,
    environment: &Environment,
    interrupts: &mut Interrupts,
) -> Result<(), CliError> {
    ctx.out.note(&format!(
        "building: {command}\nwith {}",
        environment.told.join(", ")
    ));
    let mut child = Command::new("sh")
        // Stdout is for the result alone.
        .args(["-c", &format!("exec 1>&2\n{command}")])
        .current_dir(folder)
        .env_clear()
        .envs(
            environment
                .variables
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(std::process::Stdio::null())
        // A group of its own, so that all of it can be ended.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(unable)?;
    let ended = tokio::select! {
        ended = child.wait() => Some(ended),
        () = interrupts.wait() => None,
    };
    match ended {
        Some(Ok(status)) if status.success() => Ok(()),
        Some(Ok(status)) => Err(failed(format!("the build command failed: {status}"))),
        Some(Err(error)) => Err(unable(error)),
        None => {
            end(&mut child).await;
            Err(CliError::aborted("interrupted while building"))
        }
    }
}

/// Ends a build with all that it has started.
async fn end(child: &mut Child) {
    for signal in ["TERM", "KILL"] {
        if let Some(group) = child.id() {
            // The shell's own `kill`, which every machine has that has a shell.
            let _ = Command::new("sh")
                .args(["-c", &format!("kill -s {signal} -- -{group}")])
                .status()
                .await;
        }
        if timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
    }
}

/// The error for a build that made no such file.
pub fn not_made(path: &Path) -> CliError {
    CliError::new(
        ExitCode::General,
        "build_made_nothing",
        format!(
            "the build command succeeded, but there is no {} now",
            path.display()
        ),
    )
    .hint("--artifact names the file that the command makes, relative to where it runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(text: &str) -> Variable {
        text.parse().unwrap()
    }

    #[test]
    fn only_what_was_asked_for_is_passed_on() {
        let given = [variable("A_TOKEN=se=cret"), variable("PATH")];
        let found = environment(&given, Some(1_700_000_000)).unwrap();
        let value = |name: &str| {
            let mut values = found.variables.iter().filter(|(found, _)| found == name);
            values.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(value("A_TOKEN"), Some("se=cret"));
        assert_eq!(value("LC_ALL"), Some("C"));
        assert_eq!(value("TZ"), Some("UTC"));
        assert_eq!(value("SOURCE_DATE_EPOCH"), Some("1700000000"));
        assert_eq!(value("CARGO_MANIFEST_DIR"), None, "it is set here");
        let told = found.json().to_string();
        assert!(told.contains("SOURCE_DATE_EPOCH=1700000000") && told.contains("A_TOKEN"));
        assert!(!told.contains("cret"));
        assert_eq!(
            environment(&[variable("NO_SUCH_VARIABLE_HERE")], None)
                .unwrap_err()
                .code,
            "unknown_variable"
        );
    }

    #[test]
    fn a_variable_needs_a_name() {
        for wrong in ["", "=x", "a b", "A-B=1"] {
            assert!(wrong.parse::<Variable>().is_err(), "{wrong}");
        }
    }
}
