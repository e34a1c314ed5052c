//! The exit codes. Scripts rely on them: they are stable, and new ones are only added.

use std::process;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Ok = 0,
    /// Something that no other code names.
    General = 1,
    /// The command line, the configuration or a file that it names is not usable.
    Usage = 2,
    /// The program refuses this, or would: the error's `code` is the violated rule's name.
    Refused = 3,
    /// A hash, a digest, the log chain, an account's layout or the state (an invariant) is not the one that was expected.
    Mismatch = 4,
    /// There is no such account.
    NotFound = 5,
    /// The RPC server cannot be reached, or did not answer properly.
    Network = 6,
    /// Not ready yet: the time has not come, or `wait` has run out of time.
    NotReady = 7,
    /// An account cannot pay for this.
    InsufficientFunds = 8,
    /// It was not confirmed: the user said no, or there is no terminal to ask on and no `--yes`.
    Aborted = 9,
}

impl ExitCode {
    /// Every code with what it means, for the help text.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Ok, "done"),
        (Self::General, "anything that no other code names"),
        (
            Self::Usage,
            "the command line, the configuration or a file that it names is not usable",
        ),
        (
            Self::Refused,
            "the program refuses this, or would; the error's code is the violated rule",
        ),
        (
            Self::Mismatch,
            "a hash, a digest, the log chain, a layout or the state (an invariant) is not the expected one",
        ),
        (Self::NotFound, "there is no such account"),
        (
            Self::Network,
            "the RPC server cannot be reached or did not answer properly",
        ),
        (
            Self::NotReady,
            "the time for it has not come, or `wait` ran out of time",
        ),
        (Self::InsufficientFunds, "an account cannot pay for this"),
        (
            Self::Aborted,
            "not confirmed: answered no, or no terminal to ask on and no --yes",
        ),
    ];

    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

/// The part of the long help that lists the codes.
pub fn help() -> String {
    let lines: Vec<String> = ExitCode::ALL
        .iter()
        .map(|(code, meaning)| format!("  {}  {meaning}", code.number()))
        .collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_places_in_the_list() {
        for (place, (code, _)) in ExitCode::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), place);
        }
    }

    #[test]
    fn the_help_names_every_code() {
        let help = help();
        for (code, meaning) in ExitCode::ALL {
            assert!(help.contains(&format!("  {}  {meaning}", code.number())));
        }
    }
}
