use super::*;

const KEY: &str = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";
const OTHER: &str = "BPFLoaderUpgradeab1e11111111111111111111111";

fn profile(text: &str) -> Result<Profile, CliError> {
    Profile::parse(PathBuf::from("/project/portcullis.toml"), text)
}

fn whole() -> Profile {
    profile(&format!(
        "[envs.devnet]\nurl = 'devnet'\n[envs.main]\nurl = ['m', 'https://rpc.example.com/key']\nportcullis = '{KEY}'\n\
         [councils]\ncore = {{ devnet = '{OTHER}' }}\n\
         [programs.lending]\nartifact = 'deploy/lending.so'\ncouncil = 'core'\nid = {{ devnet = '{KEY}', main = '{OTHER}' }}\n\
         [programs.oracle]\nid = '{KEY}'\n"
    ))
    .unwrap()
}

#[test]
fn names_are_never_taken_for_addresses_numbers_or_councils() {
    for name in ["lending", "a", "my_app-2", "A1"] {
        assert_eq!(name.parse(), Ok(Named::Name(name.to_string())));
    }
    assert_eq!(
        KEY.parse(),
        Ok(Named::Address(Pubkey::from_str(KEY).unwrap()))
    );
    let long = "a".repeat(MAX_NAME_LEN + 1);
    for wrong in ["", "12", "council", "-x", "a b", "a/b", "é", long.as_str()] {
        assert!(wrong.parse::<Named>().is_err(), "{wrong}");
    }
    // No address is as short as a name.
    let shortest = Pubkey::default().to_string();
    assert!(shortest.len() > MAX_NAME_LEN);
}

#[test]
fn a_name_is_an_address_on_each_env() {
    let profile = whole();
    let (key, other): (Pubkey, Pubkey) = (KEY.parse().unwrap(), OTHER.parse().unwrap());
    assert_eq!(profile.program("lending", Some("devnet")).unwrap(), key);
    assert_eq!(profile.program("lending", Some("main")).unwrap(), other);
    assert_eq!(profile.program("oracle", None).unwrap(), key);
    assert_eq!(profile.council("core", Some("devnet")).unwrap(), other);
    assert_eq!(
        profile.council_of("lending", Some("devnet")).unwrap(),
        Some(other)
    );
    assert_eq!(profile.council_of("oracle", None).unwrap(), None);
    assert_eq!(profile.ids("lending"), [("devnet", key), ("main", other)]);
    assert_eq!(profile.ids("oracle"), [("devnet", key), ("main", key)]);
    assert_eq!(
        profile.artifact("lending"),
        Some(PathBuf::from("/project/deploy/lending.so"))
    );
    assert_eq!(profile.artifact("oracle"), None);
    let (cluster, instance) = profile.env("main").unwrap();
    assert_eq!(cluster.shown(), "mainnet-beta, https://rpc.example.com/...");
    assert_eq!((instance, cluster.chosen), (Some(key), true));
}

#[test]
fn what_is_not_named_is_refused_with_what_is() {
    let profile = whole();
    let refused = |result: Result<Pubkey, CliError>| result.unwrap_err().code;
    assert_eq!(refused(profile.program("lending", None)), "no_env");
    assert_eq!(
        refused(profile.program("vault", Some("devnet"))),
        "unknown_name"
    );
    assert_eq!(
        refused(profile.council("core", Some("main"))),
        "unknown_name"
    );
    // A program's name is none for a council.
    assert_eq!(
        refused(profile.council("lending", Some("devnet"))),
        "unknown_name"
    );
    let error = profile.env("testnet").unwrap_err();
    assert_eq!(error.code, "unknown_env");
    assert_eq!(error.hint.unwrap(), "it names devnet, main");
}

#[test]
fn a_broken_file_is_refused_with_its_line_and_without_its_text() {
    let wrong = [
        "[envs.devnet]\nurl = 'https://rpc.example.com/secret'\nur1 = 'secret'",
        "[envs.devnet]\nurl = 'https://rpc.example.com/secret",
        "[envs.devnet]\nurl = 1 # secret",
        "[programs.x]\nid = 'secret",
        "[programs.x]\nid = 'short'",
        "[programs.x]\n",
        "programs = 1",
        "[envs.devnet]\n",
    ];
    for text in wrong {
        let error = profile(text).unwrap_err();
        assert_eq!(error.code, "profile_unreadable", "{text}");
        assert!(error.message.contains("line "), "{}", error.message);
        assert!(!error.message.contains("secret"), "{}", error.message);
    }
}

#[test]
fn names_that_refer_to_nothing_are_refused() {
    for (text, reason) in [
        (
            format!("[programs.x]\nid = {{ nowhere = '{KEY}' }}"),
            "none of the envs",
        ),
        (
            format!("[councils]\nx = {{ nowhere = '{KEY}' }}"),
            "none of the envs",
        ),
        (
            format!("[programs.x]\ncouncil = 'y'\nid = '{KEY}'"),
            "none of the councils",
        ),
        (
            "[envs.'a b']\nurl = 'devnet'".to_string(),
            "must begin with a letter",
        ),
        (
            format!("[councils]\n12 = '{KEY}'"),
            "must begin with a letter",
        ),
        (
            format!("[programs.council]\nid = '{KEY}'"),
            "must begin with a letter",
        ),
    ] {
        let error = profile(&text).unwrap_err();
        assert!(error.message.contains(reason), "{}", error.message);
    }
}

#[test]
fn a_url_may_stand_in_the_environment() {
    let profile = profile("[envs.x]\nurl = '$PORTCULLIS_TEST_NOT_SET'").unwrap();
    let error = profile.env("x").unwrap_err();
    assert_eq!(error.code, "variable_not_set");
    assert!(error.message.contains("PORTCULLIS_TEST_NOT_SET"));
    // Cargo sets this one.
    assert_eq!(expand("$CARGO_PKG_NAME").unwrap(), "portcullis-cli");
    assert_eq!(expand("devnet").unwrap(), "devnet");
}

#[test]
fn the_nearest_file_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fs::write(folder.path().join(FILE_NAME), "[envs.far]\nurl = 'd'").unwrap();
    let envs = |profile: Profile| profile.envs().map(String::from).collect::<Vec<_>>();
    assert_eq!(envs(Profile::load(None, &below).unwrap()), ["far"]);
    fs::write(below.join(FILE_NAME), "[envs.near]\nurl = 'd'").unwrap();
    assert_eq!(envs(Profile::load(None, &below).unwrap()), ["near"]);
    let named = folder.path().join(FILE_NAME);
    assert_eq!(envs(Profile::load(Some(&named), &below).unwrap()), ["far"]);
    let missing = Profile::load(Some(&below.join("x.toml")), &below).unwrap_err();
    assert!(missing.message.contains("there is no such file"));
}
