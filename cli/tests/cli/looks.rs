//! `--dry-run` and `--export` of every command that writes: what they list, and that nothing happens.

use serde_json::Value;

use crate::net::{adopt, Net};

/// Looks at each command both ways, and records which transactions it lists or why it refuses.
fn looks(net: &Net, name: &str, lines: &[&str]) {
    let mut text = String::new();
    for line in lines {
        text.push_str(&format!("{line}\n"));
        for look in ["--dry-run", "--export"] {
            let output = net.run_checked(&format!("{line} {look} --output json"));
            let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
            let code = output.status.code().unwrap();
            let found = match envelope["data"]["transactions"].as_array() {
                Some(transactions) if code == 0 => transactions
                    .iter()
                    .map(|transaction| transaction["label"].as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join(", "),
                _ => format!("exit code {code}: {}", envelope["error"]["code"]),
            };
            text.push_str(&format!("  {look}: {found}\n"));
        }
    }
    net.compare_text(&format!("looks__{name}"), "--dry-run and --export", &text);
}

#[test]
fn every_write_can_be_looked_at_first() {
    let net = Net::with_attester();
    let buffer = net.upload("new.so");
    let upgrade = format!("propose upgrade {buffer} --program $program -k alice.json");
    let adopt = adopt("$other-program", "--threshold 2 --timelock 20m");
    looks(
        &net,
        "1_before_proposals",
        &[
            "council create --create-key stranger.json --member $alice:pve --threshold 1 --timelock 1d -k alice.json",
            adopt.trim_end_matches(" --yes"),
            "gate abandon $program -k authority.json",
            "buffer upload old.so -k alice.json",
            &upgrade,
            &format!("{upgrade} --with-rollback"),
            &format!("{upgrade} --emergency"),
            &format!("propose safe-mode {buffer} --program $program -k alice.json"),
            "propose rollback --program $program -k alice.json",
            "propose policy --program $program --voting-period 1d -k alice.json",
            "propose policy --council $council --voting-period 1d -k alice.json",
            "propose council --council $council --add $stranger:vote -k alice.json",
            "propose transfer --to $bob --program $program -k alice.json",
            "propose finalize --program $program -k alice.json",
            "propose revoke 1 --program $program -k alice.json",
            &format!("buffer close {buffer} -k alice.json"),
            "buffer close --all -k alice.json",
        ],
    );

    net.proposed(&format!(
        "propose upgrade {buffer} --program $program --with-rollback"
    ));
    looks(
        &net,
        "2_voting",
        &[
            "approve $program/0 $program/1 -k alice.json",
            "reject $program/0 -k alice.json",
            "retract $program/0 -k alice.json",
            "veto $program/0 -k guard.json",
            "attest $program/0 --kind build --statement release.json -k guard.json",
            "attest $program/0 --revoke -k guard.json",
            "trigger $program rollback -k guard.json",
            "cancel $program/0 -k alice.json",
            "execute $program/0 -k alice.json",
            "repropose $program/0 -k alice.json",
            "close $program/0 -k alice.json",
            "buffer return $program/0 -k alice.json",
            "buffer close --proposal $program/0 -k alice.json",
        ],
    );

    for name in ["$program/0", "$program/1"] {
        let digest = net.digest_of(name);
        let attest = format!("attest {name} --digest {digest} --yes -k guard.json");
        net.ok(&format!("{attest} --kind build --statement release.json"));
        net.approve(name);
    }
    net.travel(20 * 60 + 1);
    looks(
        &net,
        "3_ready",
        &[
            "retract $program/0 -k alice.json",
            "attest $program/0 --revoke -k guard.json",
            "execute $program/0 -k alice.json",
        ],
    );

    net.execute("$program/0");
    looks(
        &net,
        "4_armed",
        &[
            "trigger $program rollback -k guard.json",
            "veto $program/1 -k guard.json",
            "close $program/0 -k bob.json",
            "cancel $program/1 -k alice.json",
        ],
    );

    net.vote("veto", "$program/1", "guard");
    looks(
        &net,
        "5_vetoed",
        &[
            "buffer return $program/1 -k bob.json",
            "repropose $program/1 -k alice.json",
            "close $program/1 -k bob.json",
        ],
    );
}
