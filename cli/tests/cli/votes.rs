//! Votes by transaction.

use crate::net::{adopt, Net, PLAIN};

#[test]
fn votes_against_and_the_way_back() {
    let net = Net::adopted();
    let run = net.recorder("against");
    net.upgrade("new.so");
    let digest = net.digest_of("$program/0");
    let vote =
        |verb: &str, voter: &str| format!("{verb} 0 -k {voter}.json --yes --digest {digest}");
    run("01_vote_without_digest", "approve 0 -k alice.json --yes");
    run(
        "02_wrong_digest",
        &format!("approve 0 -k alice.json --yes --digest {}", "0".repeat(64)),
    );
    run(
        "03_wrong_artifact",
        &format!("{} --artifact old.so", vote("approve", "alice")),
    );
    run("04_stranger", &vote("approve", "stranger"));
    run("05_guardian_cannot_vote", &vote("approve", "guard"));
    run("06_dry_run", "approve 0 -k alice.json --dry-run");
    run("07_no_terminal", "approve 0 -k alice.json");
    run("08_reject", &vote("reject", "alice"));
    run("09_opposite_vote", &vote("approve", "alice"));
    run("10_retract", &vote("retract", "alice"));
    run(
        "11_return_of_a_live_proposal",
        "buffer return 0 -k bob.json --yes",
    );
    run("12_cancel_by_another", "cancel 0 -k bob.json --yes");
    run("13_veto", &vote("veto", "guard"));
    run("14_approve_after_veto", &vote("approve", "alice"));
    run("15_wait_in_vain", "wait 0 --for ready");
    run("16_close_holding_its_buffer", "close 0 -k bob.json --yes");
    run(
        "17_close_buffer_too_early",
        "buffer close --proposal 0 -k bob.json --yes",
    );
    run("18_buffer_return", "buffer return 0 -k bob.json --yes");
    run("19_buffer_close", "buffer close --all -k alice.json --yes");
    run("20_close", "close 0 -k bob.json --yes");
    net.upgrade("new.so");
    run("21_cancel", "cancel 1 -k alice.json --yes");
    run(
        "22_execute_a_cancelled_one",
        "execute 1 -k alice.json --yes",
    );
}

#[test]
fn several_proposals_are_approved_in_one_transaction() {
    let net = Net::adopted();
    let run = net.recorder("several");
    net.ok(&adopt("$other-program", PLAIN));
    for program in ["$program", "$other-program"] {
        let buffer = net.upload("new.so");
        net.proposed(&format!("propose upgrade {buffer} --program {program}"));
    }
    let first = net.digest_of("$program/0");
    let second = net.digest_of("$other-program/0");
    run(
        "ambiguous",
        &format!("approve 0 -k bob.json --yes --digest {first}"),
    );
    let both = "approve $program/0 $other-program/0 -k bob.json --yes";
    run("one_digest_for_two", &format!("{both} --digest {first}"));
    run(
        "digests_in_the_wrong_order",
        &format!("{both} --digest {second} --digest {first}"),
    );
    run(
        "approve",
        &format!(
            "{both} --digest {first} --digest {second} --fee-payer carol.json \
             --with-compute-unit-price 5 --output json"
        ),
    );
    run("list", "list");
}

#[test]
fn a_vote_is_valid_for_a_day_at_most() {
    let net = Net::adopted();
    let run = net.recorder("valid_for");
    let name = net.upgrade("new.so");
    let digest = net.digest_of(&name);
    let approve = |validity: &str| {
        format!("approve {name} -k alice.json --yes --digest {digest} --valid-for {validity}")
    };
    for (snapshot, validity) in [
        ("01_nothing", "0"),
        ("02_longer", "86401s"),
        ("03_fraction", "1500ms"),
        ("04_no_duration", "soon"),
    ] {
        run(snapshot, &approve(validity));
    }
    let vote = net.json(&approve("24h"));
    let valid_until = &vote["votes"][0]["valid_until"]["unix_seconds"];
    let left = valid_until.as_i64().unwrap() - net.time_of(&name);
    assert!((86_300..=86_400).contains(&left), "{left}");
    assert_eq!(net.json(&format!("status {name}"))["approval_weight"], 1);
}

#[test]
fn approvals_in_durable_nonce_transactions_count_where_the_policy_says_so() {
    let net = Net::adopted();
    net.ok(&adopt("$other-program", &format!("{PLAIN} --nonce-votes")));
    let upgrade = |program: &str| {
        let buffer = net.upload("new.so");
        net.proposed(&format!("propose upgrade {buffer} --program {program}"))
    };
    for (program, counts) in [("$program", false), ("$other-program", true)] {
        let gate = net.json(&format!("gate show {program}"));
        assert_eq!(gate["policy"]["nonce_votes"], counts);
        let name = upgrade(program);
        let refusal = net.approve_with_nonce(&name, "bob").err();
        let rule = (!counts).then(|| "DurableNonceTransaction".to_string());
        assert_eq!(refusal, rule);
        let status = net.json(&format!("status {name}"));
        assert_eq!(status["approval_weight"], u32::from(counts));
    }
    // Switched off again by a vote: what is under way keeps its rules, what is proposed after it has the new ones.
    let policy = net.proposed("propose policy --program $other-program --nonce-votes false");
    net.pass(&policy);
    net.execute(&policy);
    let gate = net.json("gate show $other-program");
    assert_eq!(gate["policy"]["nonce_votes"], false);
    let name = upgrade("$other-program");
    assert_eq!(
        net.approve_with_nonce(&name, "bob"),
        Err("DurableNonceTransaction".to_string())
    );
}
