//! `inspect --idl`: what a new IDL breaks, by files, IDLs on the chain and accounts that exist.

use std::fs;

use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use crate::net::{address, Net};

const METADATA: &str = "ProgM6JCCvbYkfKqJYHePx4xxSUSqJp7rh8Lyv7nk7S";

/// The account of the program-metadata program for `$program`, and that of Anchor; their derivation is the library's to test.
fn idl_accounts(program: &Pubkey) -> (Pubkey, Pubkey) {
    let metadata: Pubkey = METADATA.parse().unwrap();
    let seed = *b"idl\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let (signer, _) = Pubkey::find_program_address(&[], program);
    (
        Pubkey::find_program_address(&[program.as_ref(), &seed], &metadata).0,
        Pubkey::create_with_seed(&signer, "anchor:idl", program).unwrap(),
    )
}

fn idl(fields: Value) -> Value {
    json!({
        "address": address("program"),
        "metadata": { "name": "vaults", "version": "0.1.0", "spec": "0.1.0" },
        "instructions": [
            { "name": "withdraw", "discriminator": [1], "args": [{ "name": "amount", "type": "u64" }],
              "accounts": [{ "name": "vault", "writable": true, "relations": ["admin"] }, { "name": "admin", "signer": true }] },
        ],
        "accounts": [{ "name": "Vault", "discriminator": [7, 7, 7, 7, 7, 7, 7, 7] }],
        "types": [{ "name": "Vault", "type": { "kind": "struct", "fields": fields } }],
    })
}

fn old() -> Value {
    idl(json!([{ "name": "admin", "type": "pubkey" }, { "name": "total", "type": "u64" }]))
}

/// With a fee behind all, a check less and an account type more.
fn new() -> Value {
    let mut new = idl(json!([
        { "name": "admin", "type": "pubkey" }, { "name": "total", "type": "u64" }, { "name": "fee", "type": "u16" }
    ]));
    new["instructions"][0]["accounts"][1]["signer"] = json!(false);
    new["accounts"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "Pool", "discriminator": [8] }));
    new["types"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "Pool", "type": { "kind": "struct", "fields": [] } }));
    new
}

fn appended() -> Value {
    let mut new = new();
    new["instructions"] = old()["instructions"].clone();
    new
}

fn write(net: &Net, name: &str, idl: &Value) {
    net.write(name, idl.to_string().as_bytes());
}

fn vault(total: u64, room: usize) -> Vec<u8> {
    let mut data = vec![7; 8 + 32];
    data.extend(total.to_le_bytes());
    data.resize(data.len() + room, 0);
    data
}

fn program() -> Pubkey {
    address("program").parse().unwrap()
}

#[test]
fn changes_are_told_from_files() {
    let net = Net::start();
    let run = net.recorder("layout");
    write(&net, "old.json", &old());
    write(&net, "new.json", &new());
    write(&net, "appended.json", &appended());
    run("01_no_change", "inspect --idl old.json old.json");
    run("02_breaking", "inspect --idl old.json new.json");
    run(
        "03_breaking_json",
        "inspect --idl old.json new.json --output json",
    );
    run(
        "04_allowed",
        "inspect --idl old.json appended.json --allow account-grown=Vault",
    );
    run(
        "05_unknown_rule",
        "inspect --idl old.json new.json --allow nothing",
    );
    run("06_missing_file", "inspect --idl old.json nowhere.json");
    net.write("text.json", b"{ \"kind\": \"rootNode\" }");
    run("07_another_format", "inspect --idl old.json text.json");
    net.write("broken.json", b"{ \"metadata\": [");
    run("08_no_json", "inspect --idl old.json broken.json");
    run(
        "09_dumps_missing",
        "inspect --idl old.json new.json --accounts nowhere",
    );
    let mut hostile = old();
    hostile["accounts"][0]["name"] = json!("Va\u{1b}[2Jult\nno change");
    write(&net, "hostile.json", &hostile);
    run("10_hostile_name", "inspect --idl hostile.json old.json");
}

/// ELFs and IDLs are compared apart, each with its own options.
#[test]
fn elfs_and_idls_are_not_mixed() {
    let net = Net::start();
    let run = net.named_recorder("layout_usage");
    write(&net, "old.json", &old());
    write(&net, "new.json", &new());
    run("1_nothing", "inspect");
    run("2_one_idl", "inspect --idl old.json");
    run("3_a_subject_too", "inspect old.so --idl old.json new.json");
    for (number, option) in [
        (4, "--against old.so"),
        (5, "--alone"),
        (6, "--policy inspect.toml"),
        (7, "--sarif found.sarif"),
    ] {
        let line = format!("inspect --idl old.json new.json {option}");
        run(&format!("{number}_elfs_only"), &line);
    }
    for (number, option) in [
        (8, "--sample 5"),
        (9, "--accounts dumps"),
        (10, "--allow account-grown"),
    ] {
        run(
            &format!("{number}_idls_only"),
            &format!("inspect old.so {option}"),
        );
    }
    // A breaking change is of high severity, and needs no option to fail.
    for level in ["low", "medium", "high"] {
        let line = format!("inspect --idl old.json new.json --fail-on {level}");
        assert_eq!(net.run_checked(&line).status.code(), Some(4), "{level}");
        net.ok(&format!(
            "inspect --idl old.json old.json --fail-on {level}"
        ));
    }
    let gone = net.run_checked("layout old.json new.json");
    assert_eq!(gone.status.code(), Some(2));
}

#[test]
fn accounts_of_a_folder_are_tried() {
    let net = Net::start();
    let run = net.recorder("layout");
    write(&net, "old.json", &old());
    write(&net, "appended.json", &appended());
    let folder = net.path().join("dumps");
    fs::create_dir(&folder).unwrap();
    let dump = |name: &str, data: &[u8]| fs::write(folder.join(name), data).unwrap();
    dump("notes.txt", b"not an account");
    dump(&format!("{}.bin", address("alice")), &vault(5, 8));
    let encoded = json!({
        "pubkey": address("bob"),
        // A vault with total 6 and room for 8 bytes more.
        "account": { "lamports": 1, "owner": address("program"), "executable": false, "rentEpoch": 0, "space": 56,
            "data": ["BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwYAAAAAAAAAAAAAAAAAAAA=", "base64"] },
    });
    dump("bob.json", encoded.to_string().as_bytes());
    run(
        "11_room_for_all",
        "inspect --idl old.json appended.json --accounts dumps",
    );
    dump(&format!("{}.bin", address("carol")), &vault(7, 0));
    run(
        "12_one_is_too_small",
        "inspect --idl old.json appended.json --accounts dumps",
    );
    fs::create_dir(net.path().join("empty")).unwrap();
    run(
        "21_none_of_the_type",
        "inspect --idl old.json appended.json --accounts empty",
    );
    dump("broken.json", b"{}");
    run(
        "13_broken_dump",
        "inspect --idl old.json appended.json --accounts dumps",
    );
}

#[test]
fn idls_and_accounts_are_read_from_the_chain() {
    let net = Net::start();
    let run = net.recorder("layout");
    write(&net, "appended.json", &appended());
    run("14_no_idl", "inspect --idl $program appended.json");
    // Anchor's account: its owner decides, so that nobody else can put one there.
    let (metadata, anchor) = idl_accounts(&program());
    let text = old().to_string();
    let stored = {
        let mut bytes = vec![24, 70, 98, 191, 58, 144, 123, 158];
        bytes.extend([0; 32]);
        let packed = stored_zlib(text.as_bytes());
        bytes.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        bytes.extend(packed);
        bytes
    };
    net.set_account(&anchor, Pubkey::new_from_array([9; 32]), stored.clone());
    run(
        "15_idl_of_another_owner",
        "inspect --idl $program appended.json",
    );
    net.set_account(&anchor, program(), stored);
    for (number, room) in [(1, 2), (2, 2), (3, 8)] {
        let at = Pubkey::new_from_array([number; 32]);
        net.set_account(&at, program(), vault(u64::from(number), room));
    }
    run(
        "16_all_have_room",
        "inspect --idl $program appended.json --sample 100",
    );
    run(
        "17_a_sample",
        "inspect --idl $program appended.json --sample 2",
    );
    // Of another program there would be no account that breaks.
    run(
        "22_accounts_of_another_program",
        "inspect --idl $program appended.json --sample 100 --program $alice",
    );
    let mut nobody = old();
    nobody["address"] = json!("");
    write(&net, "nobody.json", &nobody);
    run(
        "23_accounts_of_no_program",
        "inspect --idl nobody.json nobody.json --sample 100",
    );
    let named = net.json("inspect --idl nobody.json nobody.json --sample 100 --program $program");
    assert_eq!(named["accounts"][0]["read"], 3);
    net.set_account(&Pubkey::new_from_array([4; 32]), program(), vault(4, 1));
    run(
        "18_one_has_not",
        "inspect --idl $program appended.json --sample 100 --output json",
    );
    // The program-metadata program's comes first, unless it is of another format.
    let owner = METADATA.parse().unwrap();
    let publish = |idl: &Value| {
        let mut stored = vec![0; 96];
        stored[0] = 2;
        stored[83..87].copy_from_slice(&[1, 0, 1, 0]);
        let text = idl.to_string();
        stored[87..91].copy_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
        stored.extend(text.as_bytes());
        net.set_account(&metadata, owner, stored);
    };
    publish(&json!({ "kind": "rootNode", "standard": "codama" }));
    let found = net.json("inspect --idl $program $program");
    let from = found["old"]["from"].as_str().unwrap();
    assert!(from.starts_with("the IDL account"), "{from}");
    let mut alien = appended();
    alien["address"] = json!(address("alice"));
    publish(&alien);
    run(
        "20_of_another_program",
        "inspect --idl $program appended.json",
    );
    publish(&appended());
    run(
        "19_of_the_metadata_program",
        "inspect --idl $program appended.json",
    );
}

/// In zlib's format, not compressed.
fn stored_zlib(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    let mut packed = vec![0x78, 0x01, 1];
    packed.extend(len.to_le_bytes());
    packed.extend((!len).to_le_bytes());
    packed.extend(bytes);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    packed.extend(((b << 16) | a).to_be_bytes());
    packed
}
