//! `cargo run -p xtask -- idl OUT`: writes the program's IDL, built as `anchor idl build` builds it.

use std::{env, fs, path::Path};

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{bail, Context, Result};

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [task, out] = args.as_slice() else {
        bail!("usage: xtask idl OUT");
    };
    if task != "idl" {
        bail!("there is one task, `idl`; found `{task}`");
    }
    // The builder passes a set toolchain on in a form that cargo does not take; rust-toolchain.toml says it anyway.
    env::remove_var("RUSTUP_TOOLCHAIN");
    // Its flags differ from everyone's, so it gets a target directory of its own and rebuilds nothing of theirs.
    if let Ok(target) = env::var("CARGO_TARGET_DIR") {
        env::set_var("CARGO_TARGET_DIR", Path::new(&target).join("idl"));
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs/portcullis");
    let idl = IdlBuilder::new()
        .program_path(program)
        .skip_lint(true)
        .build()
        .context("failed to build the IDL")?;
    let json = serde_json::to_string_pretty(&idl)? + "\n";
    fs::write(out, json).with_context(|| format!("failed to write {out}"))
}
