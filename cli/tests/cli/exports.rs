//! Transactions that others sign.

use crate::net::Net;

#[test]
fn what_others_sign_is_exported() {
    let net = Net::with_lanes();
    let run = net.recorder("export");
    let policy = "propose policy --program $program --voting-period 1d";
    // Neither key is there: their addresses are enough. Bob pays the rent.
    let exported = format!("{policy} --export -k $alice --fee-payer $bob");
    run("01_policy", &exported);
    run("02_json", &format!("{exported} --output json"));
    run("03_not_an_address", &format!("{policy} --yes -k $alice"));
    let buffer = net.upload("new.so");
    run(
        "04_with_rollback",
        &format!(
            "propose upgrade {buffer} --program $program --with-rollback --export -k alice.json"
        ),
    );
    run("05_upload", "buffer upload old.so --export -k alice.json");
    run(
        "06_adopt",
        "gate adopt $other-program --council $council --threshold 2 --timelock 20m \
         --upgrade-authority $authority --export -k $alice",
    );
}
