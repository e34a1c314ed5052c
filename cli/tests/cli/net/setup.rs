//! Councils and gates, with the rules that tests need.

use super::{key, Net};
use solana_sdk::signer::Signer;

/// Nothing but votes and a timelock.
pub const PLAIN: &str = "--threshold 2 --timelock 10m";
/// Every lane.
const LANES: &str =
    "--threshold 2 --timelock 20m --emergency-threshold 3 --emergency-timelock 10m \
    --trigger-threshold 1 --standby-validity 10d --message-validity 1h";
/// Each upgrade needs an attested build.
const ATTESTED: &str = "--threshold 2 --timelock 20m --trigger-threshold 1 --standby-validity 10d \
    --message-validity 1h --attestations build=1";

const VOTERS: &str = "--member $alice:propose,vote,execute --member $bob:vote --member $carol:vote";

/// Addresses of nobody.
pub fn strangers(count: u8) -> Vec<String> {
    (0..count)
        .map(|number| key(&format!("stranger {number}")).pubkey().to_string())
        .collect()
}

impl Net {
    /// With a council, and `$program` behind a gate.
    pub fn adopted() -> Self {
        Self::adopted_with(PLAIN)
    }

    /// With every lane; the council's members are three voters and a guardian.
    pub fn with_lanes() -> Self {
        Self::start().with_every_lane()
    }

    pub fn with_every_lane(self) -> Self {
        let members = format!("{VOTERS} --member $guard:guard");
        self.governed(&create("create", &members, LANES), LANES)
    }

    /// With every lane, and two guardians who trigger a standby together: carol is the other.
    pub fn with_two_guardians() -> Self {
        let voters = VOTERS.replace("$carol:vote", "$carol:vote,guard");
        let members = format!("{voters} --member $guard:guard");
        let rules = LANES.replace("--trigger-threshold 1", "--trigger-threshold 2");
        Self::start().governed(&create("create", &members, &rules), &rules)
    }

    /// The gate is no stricter than this, which must not be stricter than [`PLAIN`].
    pub fn adopted_with(rules: &str) -> Self {
        Self::start().governed(&council_create(), rules)
    }

    /// With an upgrade's build to be attested, by the guardian.
    pub fn with_attester() -> Self {
        let members = format!("{VOTERS} --member $guard:guard,attest=build");
        Self::start().governed(&create("create", &members, ATTESTED), ATTESTED)
    }

    pub fn governed(self, council: &str, rules: &str) -> Self {
        self.ok(council);
        self.ok(&adopt("$program", rules));
        self
    }

    /// Creates another council with all lanes, of one member alone; gives its address.
    pub fn council_of(&self, member: &str) -> String {
        let alone = format!("--member ${member}:propose,vote,execute,guard:3");
        self.field(&create("stranger", &alone, LANES), "council")
    }

    /// Creates another council of the same voters with few rules and no guardian; gives its address.
    pub fn weaker_council(&self) -> String {
        let rules = "--threshold 2 --timelock 20m";
        self.field(&create("program", VOTERS, rules), "council")
    }

    /// Puts `$other-program` behind a gate of the same council, with nothing but votes and a timelock.
    pub fn adopt_other_plainly(&self) {
        self.ok(&adopt("$other-program", PLAIN));
    }

    /// Puts `$other-program` behind a gate of the same council, with every lane.
    pub fn adopt_other(&self) {
        self.ok(&adopt("$other-program", LANES));
    }
}

fn create(create_key: &str, members: &str, rules: &str) -> String {
    format!("council create --create-key {create_key}.json {members} {rules} -k alice.json --yes")
}

/// The council that most tests have.
pub fn council_create() -> String {
    create("create", &format!("{VOTERS} --member $guard:guard"), PLAIN)
}

/// An adoption by the council.
pub fn adopt(program: &str, rules: &str) -> String {
    format!(
        "gate adopt {program} --council $council {rules} --upgrade-authority authority.json -k alice.json --yes"
    )
}
