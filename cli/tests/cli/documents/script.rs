//! A document as one script for bash.

use std::fmt::Write;

use super::page::{Block, Kind, Page};

/// What the script knows beside the document's commands. Markers in its output speak to the test, which answers with a line.
const PREAMBLE: &str = r#"
set -euo pipefail
trap 'for job in $(jobs -p); do kill "$job"; done' EXIT
# The localnet that the document starts, in what would be another terminal.
localnet() {
  touch localnet.out
  command portcullis localnet "$@" --rpc-port 0 --ws-port 0 --slot-time 50ms $LOCALNET_EXTRA >> localnet.out &
  until URL=$(sed -n 's/^json-rpc *//p' localnet.out) && [ -n "$URL" ]; do kill -0 $!; sleep 0.1; done
  export URL
}
# A command that must fail with this exit code.
refused() {
  local expected=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" = "$expected" ] || { echo "exit code $code, not $expected"; return 99; }
}
# Others sign what was exported: vaults by a call from their program, members with their keys.
sent_by_others() {
  echo "@@send $URL $PWD/$1"
  IFS= read -r answer
  [ "$answer" = "sent" ]
}
# The first of the transactions that adopt a large program; then the operator's machine breaks down.
an_adoption_is_interrupted() {
  portcullis gate adopt "$large" --council "$PORTCULLIS_COUNCIL" --threshold 2 --timelock 2d -k alice.json \
    --upgrade-authority deployer.json --export --output json > interrupted.json
  sent_by_others interrupted.json
}
"#;

/// Lines of shell, with those that go on behind a backslash put together, without comments and empty ones.
pub fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_string)
        .collect()
}

/// The exit code with which a command must fail, as the comment behind it says, and the command.
fn refusal(line: &str) -> Option<(&str, &str)> {
    let (command, comment) = line.split_once(" # ")?;
    let code = comment.split_once("refused, exit code ")?.1;
    Some((command.trim(), &code[..1]))
}

/// The whole. Markers tell which block has run.
pub fn of(page: &Page, lasting: &[&str]) -> String {
    for name in lasting {
        let found = page.runnable().any(|block| block.section == *name);
        assert!(found, "{}: no commands in the section {name}", page.name);
    }
    let mut script = PREAMBLE.to_string();
    let mut open: Option<&str> = None;
    let runs = |block: &&Block| matches!(block.kind, Kind::Run | Kind::Meanwhile);
    let blocks = page.blocks.iter().filter(runs);
    for (number, block) in blocks.enumerate() {
        let section = Some(block.section.as_str()).filter(|name| !lasting.contains(name));
        if open != section {
            if open.is_some() {
                script.push_str(")\n");
            }
            if section.is_some() {
                script.push_str("(\n");
            }
            open = section;
        }
        push(&mut script, block);
        if block.kind == Kind::Run {
            writeln!(script, "echo '@@ran {number}'").unwrap();
        }
    }
    if open.is_some() {
        script.push_str(")\n");
    }
    script.push_str("echo '@@end'\n");
    script
}

fn push(script: &mut String, block: &Block) {
    for line in commands(&block.text) {
        writeln!(script, "printf '%s\\n' '$ {}'", line.replace('\'', r"'\''")).unwrap();
        let line = line.replace("localhost", "$URL");
        let line = match line.strip_prefix("portcullis localnet --") {
            Some(options) => format!("localnet --{options}"),
            None => line,
        };
        match refusal(&line) {
            Some((command, code)) => writeln!(script, "refused {code} {command}").unwrap(),
            None => writeln!(script, "{line}").unwrap(),
        }
    }
}
