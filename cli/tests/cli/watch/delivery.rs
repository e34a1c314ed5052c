//! Each event is handed to a command or posted to a webhook.

use serde_json::Value;

use crate::net::{address, hmac, Hook, Net};

#[test]
fn a_command_gets_each_event_as_data_and_nothing_else() {
    let net = Net::adopted();
    // On the chain stands what a shell would obey.
    let uri = "https://example.com/$(touch${IFS}pwned);`touch${IFS}pwned`";
    let script = "echo \"$PORTCULLIS_EVENT $PORTCULLIS_PROPOSAL $PORTCULLIS_STATUS $PORTCULLIS_BY\" >> seen; cat >> stdin; echo out";
    let mut command =
        net.command("watch $program --output json --count 3 --since start --interval 200ms");
    command.args(["--ws", "ws://127.0.0.1:1", "--exec", script]);
    command.env("PORTCULLIS_WEBHOOK_SECRET", "hush");
    let mut watching = net.watch_with(command);
    let buffer = net.upload("new.so");
    let proposal = net.proposed(&format!(
        "propose upgrade {buffer} --program $program --statement release.json --statement-uri {uri}"
    ));
    let lines = watching.next_json(3);
    assert_eq!(watching.end(), 0);
    let seen = String::from_utf8(net.read("seen")).unwrap();
    let alice = address("alice");
    let authority = address("authority");
    assert_eq!(
        seen,
        format!(
            "ProgramAdopted   {alice}\nUpgradeProposed {proposal} draft {alice}\nBufferVerified {proposal} voting \n"
        ),
        "{authority}"
    );
    let stdin = String::from_utf8(net.read("stdin")).unwrap();
    let given: Vec<Value> = stdin
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(given, lines);
    assert_eq!(given[1]["fields"]["statement"]["uri"], uri);
    assert!(!net.path().join("pwned").exists());
    // What the command says goes to stderr.
    assert!(watching.said.iter().filter(|line| *line == "out").count() == 3);
}

#[test]
fn a_command_that_fails_or_hangs_stops_nothing() {
    let net = Net::adopted();
    for (command, said) in [
        ("exit 3", "--exec failed for ProgramAdopted: exit status: 3"),
        (
            "sleep 50 & echo $! > sleeper; wait",
            "it took longer than 2s and was stopped",
        ),
    ] {
        let mut watch = net.command("watch $program --since start --count 1 --exec-timeout 2s");
        watch.args(["--exec", command]);
        let mut watching = net.watch_with(watch);
        assert_eq!(watching.end(), 0);
        assert_eq!(watching.lines.len(), 1);
        assert!(
            watching.said.iter().any(|line| line.contains(said)),
            "{:?}",
            watching.said
        );
    }
    // With all that it has started.
    let sleeper = String::from_utf8(net.read("sleeper")).unwrap();
    let alive = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.trim()));
    assert!(alive.is_err() || alive.unwrap().contains(") Z "));
}

#[test]
fn a_webhook_is_posted_each_event_signed_and_again_where_it_fails() {
    let net = Net::adopted();
    let hook = Hook::open(&["500 Internal Server Error", "429 Too Many Requests"]);
    let mut command = net.command("watch $program --since start --output json --count 1");
    command
        .args(["--webhook", &hook.url])
        .env("PORTCULLIS_WEBHOOK_SECRET", "hush");
    let mut watching = net.watch_with(command);
    let lines = watching.next_json(1);
    let posts = [hook.next(), hook.next(), hook.next()];
    assert_eq!(watching.end(), 0);
    for post in &posts {
        assert!(post.head.starts_with("post /secret-path http/1.1"));
        assert_eq!(post.json(), lines[0]);
        assert_eq!(post.header("content-type"), Some("application/json"));
        let signature = post.header("x-portcullis-signature").unwrap();
        assert_eq!(signature, hmac("hush", &post.body));
    }
    assert!(!watching.said.join("").contains("secret"));

    // From the environment, refused for good; and no secret, no signature.
    let hook = Hook::open(&["404 Not Found"]);
    let mut command = net.command("watch $program --since start --count 1");
    command.env("PORTCULLIS_WEBHOOK", &hook.url);
    let mut watching = net.watch_with(command);
    assert_eq!(hook.next().header("x-portcullis-signature"), None);
    assert_eq!(watching.end(), 0);
    let said = watching.said.join("\n");
    assert!(
        said.contains("warning: ProgramAdopted was not delivered to http://127.0.0.1:")
            && said.contains("/...: HTTP status 404 Not Found")
            && !said.contains("secret"),
        "{said}"
    );
}
