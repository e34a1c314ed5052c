//! What a shell completes, from the command line's own definition.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{args::Cli, context::Context, error::CliError};

/// Which shell.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    portcullis completions bash > ~/.local/share/bash-completion/completions/portcullis\n  \
    portcullis completions zsh > ~/.zfunc/_portcullis          (a folder of $fpath)\n  \
    portcullis completions fish > ~/.config/fish/completions/portcullis.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Runs it.
    ///
    /// # Errors
    /// None.
    pub fn run(self, ctx: &Context) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "portcullis", &mut script);
        let script = String::from_utf8_lossy(&script);
        ctx.out
            .result(&script, serde_json::json!({ "script": script }));
        Ok(())
    }
}
