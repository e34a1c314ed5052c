//! Manual pages, from the command line's own definition.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use serde_json::json;

use crate::{args::Cli, context::Context, error::CliError};

/// Where to.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    portcullis man ~/.local/share/man/man1 && man portcullis-approve")]
pub struct Man {
    /// The folder that gets a page for each command
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    /// Runs it.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn run(self, ctx: &Context) -> Result<(), CliError> {
        let shown = self.folder.display();
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &self.folder));
        written.map_err(|error| {
            CliError::usage(
                "folder_unusable",
                format!("the pages cannot be written to {shown}: {error}"),
            )
            .hint("give a folder that you may write to")
        })?;
        ctx.out.result(
            &format!("the manual's pages are in {shown}"),
            json!({ "folder": shown.to_string() }),
        );
        Ok(())
    }
}
