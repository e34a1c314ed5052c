//! `portcullis.toml`: names in place of addresses, and one release on several clusters.

use crate::net::{address, adopt, council_create, Net, PLAIN};

/// Two clusters, of which the second has the program under another id; the third answers nobody.
fn profile(near: &Net, far: &Net) -> String {
    format!(
        "[envs.near]\nurl = '{}'\n\n[envs.far]\nurl = '$FAR_URL'\n\n[envs.gone]\nurl = 'http://127.0.0.1:1'\n\n\
         [councils]\ncore = '{}'\n\n\
         [programs.lending]\nartifact = 'new.so'\ncouncil = 'core'\nid = {{ near = '{}', far = '{}' }}\n",
        near.url(),
        far.council(),
        address("program"),
        address("other-program"),
    )
    .replace("$FAR_URL", far.url())
}

/// A net that knows both clusters by their names.
fn two() -> (Net, Net) {
    let (near, far) = (Net::start(), Net::start());
    near.write("portcullis.toml", profile(&near, &far).as_bytes());
    (near, far)
}

#[test]
fn a_release_goes_to_two_clusters_by_name() {
    let (near, _far) = two();
    let run = near.named_recorder("profile");
    for env in ["near", "far"] {
        let council = council_create();
        near.named(&format!("--env {env} {council}"));
        near.named(&format!(
            "--env {env} gate adopt lending {PLAIN} --upgrade-authority authority.json -k alice.json --yes"
        ));
    }
    run("01_both_the_same", "status --all-envs");
    run("02_statement", "statement lending --commit 7f3a");
    let statement = near.named("statement lending --commit 7f3a");
    near.write("release.json", statement.as_bytes());
    let propose = |env: &str, build: &str| {
        let upload = near.named(&format!(
            "--env {env} buffer upload {build} -k alice.json --yes --output json"
        ));
        let upload: serde_json::Value = serde_json::from_str(&upload).unwrap();
        let buffer = upload["data"]["buffer"].as_str().unwrap().to_string();
        format!(
            "--env {env} propose upgrade {buffer} --program lending --artifact {build} \
             --statement release.json --statement-uri https://example.com/r -k alice.json --yes"
        )
    };
    let first = propose("near", "lending");
    run("03_propose", &first);
    run("04_only_near", "status --all-envs");
    // The document is about another build.
    run("05_another_build", &propose("far", "memo.so"));
    near.named(&propose("far", "lending"));
    run("06_both_pending", "status lending --all-envs");
    run(
        "07_review",
        "--env far review lending/0 --artifact lending --statement release.json \
         --statement-uri https://example.com/r",
    );
    // A document that another tool would have taken.
    near.named("--env near cancel lending/0 -k alice.json --yes");
    near.write(
        "other.json",
        near.named("statement lending --artifact memo.so")
            .as_bytes(),
    );
    let again =
        "--env near repropose lending/0 --statement-uri https://example.com/r -k alice.json --yes";
    run(
        "07_reproposed_as_another_build",
        &format!("{again} --statement other.json"),
    );
    near.named(&format!("{again} --statement release.json"));
    near.forge_statement("$program/1", "other.json", "https://example.com/r");
    run(
        "07_review_of_another_build",
        "--env near review lending/1 --statement other.json --statement-uri https://example.com/r",
    );
    near.forge_statement("$program/1", "release.json", "https://example.com/r");
    run("08_json", "status lending --all-envs --output json");
    let digest: serde_json::Value =
        serde_json::from_str(&near.named("--env near status lending/1 --output json")).unwrap();
    let digest = digest["data"]["digest"].as_str().unwrap();
    for voter in ["alice", "bob"] {
        near.named(&format!(
            "--env near approve lending/1 --artifact lending --digest {digest} -k {voter}.json --yes"
        ));
    }
    near.travel(601);
    near.named("--env near execute lending/1 -k alice.json --yes");
    run("09_far_is_behind", "status --all-envs");
}

#[test]
fn an_env_that_cannot_be_asked_is_told_and_the_others_shown() {
    let (near, _far) = two();
    near.write(
        "portcullis.toml",
        format!(
            "[envs.near]\nurl = '{}'\n[envs.gone]\nurl = 'http://127.0.0.1:1'\n[programs.lending]\nid = '{}'\n",
            near.url(),
            address("program")
        )
        .as_bytes(),
    );
    let run = near.named_recorder("profile_gone");
    run("01_text", "status --all-envs --rpc-timeout 1s");
    run(
        "02_json",
        "status --all-envs --rpc-timeout 1s --output json",
    );
}

#[test]
fn what_is_not_named_is_refused() {
    let (near, _far) = two();
    let run = near.named_recorder("names");
    run("01_no_env", "status lending");
    run("02_unknown_env", "--env main status lending");
    run("03_unknown_program", "--env near status vault");
    run("04_not_there", "--env gone status lending");
    run("05_program_is_no_proposal", "--env near review lending");
    run("06_no_artifact", "--env near verify --artifact vault");
    run("07_one_url_and_all", "-u devnet status --all-envs");
    run("08_unknown_in_all", "status vault --all-envs");
    run("09_statement_of_nothing", "statement vault");
    near.write(
        "portcullis.toml",
        b"[envs.near]\nurl = 'devnet'\nkey = 'secret'\n",
    );
    run("10_broken", "--env near status lending");
    std::fs::remove_file(near.path().join("portcullis.toml")).unwrap();
    run("11_no_file", "--env near status lending");
}

#[test]
fn a_gate_is_adopted_into_the_council_that_the_program_names() {
    let (near, _far) = two();
    near.named(&format!("--env near {}", council_create()));
    let run = near.named_recorder("profile_adopt");
    run(
        "01_no_council",
        &format!(
            "--env near {}",
            adopt("$program", PLAIN).replace("--council $council ", "")
        ),
    );
    run(
        "02_of_the_program",
        &format!("--env near gate adopt lending {PLAIN} --upgrade-authority authority.json -k alice.json --dry-run"),
    );
}
