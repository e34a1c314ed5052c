//! Transactions of a localnet are recorded, and replayed under another program.

use std::{fs, path::Path, process::Command, sync::Arc};

use portcullis_analysis::{
    idl::chain,
    invariants::Required,
    shadow::{
        self,
        record::{self, Source},
        Knowledge, Limits, Options, Reader, Recorder, Writer,
    },
};
use portcullis_localnet::{samples, TimeControl};
use serde_json::Value;
use solana_sdk::{account::Account, pubkey::Pubkey, signer::Signer};
use tokio::sync::Mutex;

use crate::{
    market::{self, Market, Traffic},
    net::{adopt, council_create, Net, PLAIN},
    recording::Chain,
};

mod known;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The binary's envelope and exit code.
fn portcullis(folder: &Path, url: &str, line: &str) -> (Value, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .args(line.split_whitespace())
        .args(["--output", "json", "-u", url])
        .output()
        .unwrap();
    crate::net::check_json(&output.stdout);
    let envelope = serde_json::from_slice(&output.stdout).unwrap();
    (envelope, output.status.code().unwrap())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("new.so"), samples::p_token().unwrap()).unwrap();
    folder
}

/// Some account that no transaction names.
const UNNAMED: Pubkey = Pubkey::new_from_array([9; 32]);

/// An IDL as the program-metadata program keeps it, with a name of its own for SPL Token's `Transfer`.
fn idl_account(program: &Pubkey) -> (Pubkey, Account) {
    let idl = format!(
        r#"{{ "address": "{program}", "metadata": {{ "name": "token", "version": "1.0.0", "spec": "0.1.0" }},
        "instructions": [{{ "name": "hand_over", "discriminator": [3], "accounts": [],
        "args": [{{ "name": "amount", "type": "u64" }}] }}] }}"#
    );
    let mut data = vec![0; 96];
    data[0] = 2;
    // UTF-8, not packed, JSON, in the account itself.
    data[83..87].copy_from_slice(&[1, 0, 1, 0]);
    data[87..91].copy_from_slice(&u32::try_from(idl.len()).unwrap().to_le_bytes());
    data.extend(idl.as_bytes());
    let account = Account {
        lamports: 10_000_000,
        data,
        owner: chain::METADATA_PROGRAM,
        executable: false,
        rent_epoch: u64::MAX,
    };
    (chain::metadata_idl_address(program), account)
}

/// Sends so many, each in a slot of its own.
async fn trade(market: &mut Market, transactions: usize) {
    let clock = TimeControl::new(market.url());
    for _ in 0..transactions {
        let transaction = market.next().await;
        market.send(&transaction).await;
        clock.next_slot().await.unwrap();
    }
}

#[test]
fn the_last_transactions_are_judged_as_far_as_they_are_reproduced() {
    let folder = folder();
    let run = |market: &Market, line: &str| portcullis(folder.path(), market.url(), line);
    let mut market = Market::start(3);
    let program = market::PROGRAM;
    runtime().block_on(async {
        let unnamed = Account {
            lamports: 1_000_000,
            data: 7_u64.to_le_bytes().to_vec(),
            ..Account::default()
        };
        let accounts = [idl_account(&program), (UNNAMED, unnamed)];
        market.set(&accounts).await;
        trade(&mut market, 200).await;
    });
    let (envelope, code) = run(
        &market,
        &format!("shadow record {program} --limit 150 --out b.gz"),
    );
    assert_eq!((code, &envelope["data"]["transactions"]), (0, &150.into()));

    // The accounts are those after all of them: not each is what its transaction met.
    let (envelope, code) = run(&market, "shadow run b.gz --new new.so --min-fidelity 1");
    assert_eq!(
        (code, &envelope["error"]["code"]),
        (1, &"fidelity_too_low".into())
    );
    let fidelity = &envelope["data"]["report"]["fidelity"];
    let reproduced = fidelity["reproduced"].as_u64().unwrap();
    assert!((100..150).contains(&reproduced), "{fidelity}");

    let line = "shadow run b.gz --new new.so --min-fidelity 0.5 --report r.json --html r.html";
    let (envelope, code) = run(&market, line);
    assert_eq!(code, 0, "{envelope}");
    let data = &envelope["data"];
    let report = fs::read(folder.path().join("r.json")).unwrap();
    let sha256 = solana_sha256_hasher::hash(&report).to_bytes();
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(data["sha256"], sha256.as_str());
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(data["report"], report);
    let summary = &report["summary"];
    assert_eq!(
        (&summary["judged"], &summary["logs_only"]),
        (&reproduced.into(), &reproduced.into())
    );
    // The program's IDL came with the recording.
    assert!(report["known"]["idl"].is_string());
    let rows = report["instructions"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["name"] == "hand_over"));
    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(page.contains(&sha256) && page.contains("Content-Security-Policy"));

    // What no transaction names is there if it was asked for.
    let text = format!(
        "[[invariants]]\nname = \"seven\"\nexpression = \"it.number == 7\"\n\
         accounts.it = {{ address = \"{UNNAMED}\", fields = {{ number = {{ offset = 0, type = \"u64\" }} }} }}"
    );
    fs::write(folder.path().join("seven.toml"), text).unwrap();
    let judged = "--new new.so --min-fidelity 0.5 --invariants seven.toml";
    let (envelope, code) = run(&market, &format!("shadow run b.gz {judged}"));
    assert_eq!(
        (code, &envelope["error"]["code"]),
        (1, &"invariants_not_judged".into())
    );
    let line = format!("shadow record {program} --limit 50 --invariants seven.toml --out seven.gz");
    assert_eq!(run(&market, &line).1, 0);
    for source in ["seven.gz".to_string(), format!("{program} --limit 50")] {
        let (envelope, code) = run(&market, &format!("shadow run {source} {judged}"));
        let row = &envelope["data"]["report"]["invariants"][0];
        assert_eq!(
            (code, &row["checked"], &row["holds"]),
            (0, &1.into(), &1.into())
        );
    }

    // The same without a file in between, and judged by logs as well.
    let line = format!(
        "shadow run {program} --limit 150 --new new.so --min-fidelity 0.5 --fail-on any-difference"
    );
    let (envelope, code) = run(&market, &line);
    assert_eq!(
        (code, &envelope["error"]["code"]),
        (4, &"behaviour_differs".into())
    );
    assert_eq!(envelope["data"]["report"]["summary"], *summary);
}

#[test]
fn a_live_recording_has_the_accounts_of_each_moment() {
    let folder = folder();
    let market = Arc::new(Mutex::new(Market::start(4)));
    runtime().block_on(async {
        trade(&mut *market.lock().await, 60).await;
        let client = market.lock().await.client.clone();
        let source = Source {
            client: &client,
            program: market::PROGRAM,
            required: Required::default(),
        };
        let path = folder.path().join("live.gz");
        let pause = || {
            let market = Arc::clone(&market);
            async move { trade(&mut *market.lock().await, 1).await }
        };
        let mut rounds = 0;
        let go_on = |_| {
            rounds += 1;
            rounds <= 60
        };
        let make = |header: &_| Writer::create(&path, header);
        let writer = record::watch(&source, 100, make, pause, go_on);
        let writer = writer.await.unwrap();
        assert_eq!(writer.transactions(), 60);
        writer.finish().unwrap();
    });
    let (envelope, code) = portcullis(
        folder.path(),
        market.blocking_lock().url(),
        "shadow run live.gz --new new.so --min-fidelity 1",
    );
    assert_eq!(code, 0, "{envelope}");
    let fidelity = &envelope["data"]["report"]["fidelity"];
    assert_eq!(fidelity["reproduced"], 60, "{fidelity}");
}

/// The binary, while users go on.
#[test]
fn a_live_recording_ends_when_it_was_told_to() {
    let folder = folder();
    let mut market = Market::start(5);
    runtime().block_on(trade(&mut market, 40));
    fs::write(folder.path().join("token.toml"), Traffic::invariants()).unwrap();
    let url = market.url().to_string();
    let recording = {
        let folder = folder.path().to_path_buf();
        let line = format!(
            "shadow record {} --live 3s --invariants token.toml --out live.gz",
            market::PROGRAM
        );
        std::thread::spawn(move || portcullis(&folder, &url, &line))
    };
    while !recording.is_finished() {
        runtime().block_on(trade(&mut market, 1));
    }
    let (envelope, code) = recording.join().unwrap();
    assert_eq!(code, 0, "{envelope}");
    let transactions = envelope["data"]["transactions"].as_u64().unwrap();
    assert!(transactions > 0, "{envelope}");
    let (envelope, _) = portcullis(
        folder.path(),
        market.url(),
        "shadow run live.gz --new new.so --min-fidelity 0 --invariants token.toml",
    );
    let report = &envelope["data"]["report"];
    assert_eq!(
        report["fidelity"]["transactions"], transactions,
        "{envelope}"
    );
    assert_eq!(report["bundle"]["pre_state"], "recorded");
}

/// A thousand transactions, each with the accounts that it met.
#[test]
fn p_token_does_on_a_localnet_s_transactions_what_spl_token_did() {
    const TRANSACTIONS: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exact.gz");
    let mut market = Market::start(1);
    runtime().block_on(async {
        let clock = TimeControl::new(market.url());
        let (start, genesis) = market.source().start().await.unwrap();
        let make = |header: &_| Writer::create(&path, header);
        let mut recorder = Recorder::new(market::PROGRAM, genesis, start, make).unwrap();
        for _ in 0..TRANSACTIONS {
            let transaction = market.next().await;
            let keys = transaction.message.static_account_keys();
            let before = market.client.get_accounts(keys).await.unwrap();
            recorder.before(keys.iter().copied().zip(before.iter().map(Option::as_ref)));
            let signature = market.send(&transaction).await;
            clock.next_slot().await.unwrap();
            let recorded = market.source().transactions(&[signature]).await.unwrap();
            for recorded in recorded {
                recorder.record(recorded).unwrap();
            }
        }
        recorder.finish().unwrap();
    });
    let options = Options {
        new_elf: samples::p_token().unwrap(),
        old_elf: None,
        required_fidelity: 1.0,
        probes: true,
        knowledge: Knowledge::default(),
    };
    let reader = Reader::open(&path, Limits::default()).unwrap();
    let report = shadow::run(reader, options).unwrap();
    let text = shadow::report::render(&report);
    assert_eq!(report.fidelity.reproduced, TRANSACTIONS, "{text}");
    // p-token lets a delegate give up what was approved to it, and SPL Token 3.5.0 does not; all else is the same.
    let effects = report.causes.iter().filter(|cause| cause.kind.is_effect());
    let titles: Vec<&str> = effects.map(|cause| cause.title.as_str()).collect();
    assert_eq!(
        titles,
        ["succeeds where it failed: Custom(4) in Revoke"],
        "{text}"
    );
    let units = &report.compute_units;
    assert_eq!(
        (units.cheaper, units.dearer),
        (units.transactions, 0),
        "{text}"
    );

    // The same with the binary: nothing newly fails, and what holds of tokens holds on.
    fs::write(folder.path().join("new.so"), samples::p_token().unwrap()).unwrap();
    fs::write(folder.path().join("token.toml"), Traffic::invariants()).unwrap();
    let run = "shadow run exact.gz --new new.so --min-fidelity 1";
    let line = format!("{run} --invariants token.toml --fail-on new-failures");
    let (envelope, code) = portcullis(folder.path(), market.url(), &line);
    assert_eq!(code, 0, "{envelope}");
    let rows = envelope["data"]["report"]["invariants"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert!(row["checked"].as_u64().unwrap() > 100, "{row}");
        assert_eq!(row["holds"], row["checked"], "{row}");
        for broken in ["by_deployed", "by_proposed", "in_succession"] {
            assert_eq!(row[format!("broken_{broken}")], 0, "{row}");
        }
    }
    let (envelope, code) = portcullis(folder.path(), market.url(), run);
    assert_eq!(
        (code, &envelope["error"]["code"]),
        (4, &"behaviour_differs".into())
    );
}

/// The gate's own execution puts the program in place, long before its time has come.
#[test]
fn a_queued_proposal_is_rehearsed_on_forked_state() {
    let net = Net::start();
    net.ok(&council_create());
    net.ok(&adopt("$program", PLAIN));
    let program = crate::net::address("program").parse().unwrap();
    let mut traffic = Traffic::new(program, 1);
    let mut chain = Chain::new(
        program,
        &samples::spl_token().unwrap(),
        traffic.payer.pubkey(),
    );
    let mut recorder = chain.to_file(&net.path().join("bundle.gz"));
    // Mints and a multisig: away from its own address, p-token refuses what comes after them.
    for _ in 0..4 {
        chain.run(&mut recorder, &traffic.step().instructions);
    }
    recorder.finish().unwrap();
    let name = net.upgrade("new.so");
    let run = format!("shadow run bundle.gz --new {name}");
    let upgraded = format!("{run} --as-upgraded");

    let plain = net.json(&run);
    assert_eq!(plain["report"]["as_upgraded"], Value::Null);
    let fails = |line: &str, code: i32, error: &str| {
        let (envelope, found) = portcullis(net.path(), net.url(), line);
        assert_eq!((found, &envelope["error"]["code"]), (code, &error.into()));
    };
    fails(&upgraded, 7, "not_queued");
    net.approve(&name);
    let before = net.chain();
    let data = net.json(&upgraded);
    assert_eq!(net.chain(), before);
    let (report, status) = (&data["report"], net.json(&format!("status {name}")));
    assert_eq!(status["status"], "queued");
    let rehearsed = &report["as_upgraded"];
    assert_eq!(rehearsed["executed_at"], status["eta"]["unix_seconds"]);
    assert!(rehearsed["compute_units"].as_u64().unwrap() > 10_000);
    for key in ["old", "new", "summary"] {
        assert_eq!(report[key], plain["report"][key], "{key}");
    }
    assert_eq!(report["summary"]["judged"], 4);

    // Only a proposal can be executed.
    fails(
        "shadow run bundle.gz --new new.so --as-upgraded",
        2,
        "no_proposal",
    );
}

#[test]
fn an_attestation_carries_the_hash_of_a_report() {
    let net = Net::with_attester();
    let name = net.upgrade("new.so");
    let instructions = |file: &str| {
        let line = format!(
            "attest {name} --kind build -k guard.json --expires 4000000000 --export {file}"
        );
        net.json(&line)["transactions"][0]["instructions"].take()
    };
    let report = instructions("--report release.json");
    assert_eq!(report, instructions("--statement release.json"));
    assert_ne!(report, instructions("--report old.so"));
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_reason() {
    let folder = folder();
    fs::write(folder.path().join("bad.gz"), b"\x1f\x8bnot at all").unwrap();
    fs::write(folder.path().join("bad"), b"{}\n").unwrap();
    for (line, code, error) in [
        ("run bad --new new.so", 2, "bundle_unusable"),
        ("run bad.gz --new new.so", 2, "bundle_unusable"),
        ("run neither/nor --new new.so", 2, "no_bundle"),
        ("run bad --new neither/nor", 2, "no_proposed_program"),
        ("run bad --new bad", 2, "elf_invalid"),
    ] {
        // No server is asked.
        let line = format!("shadow {line}");
        let (envelope, found) = portcullis(folder.path(), "http://127.0.0.1:1", &line);
        let error: Value = error.into();
        assert_eq!(
            (found, &envelope["error"]["code"]),
            (code, &error),
            "{line}"
        );
    }
}
