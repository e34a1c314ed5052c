//! Who takes part in the demo, and where it takes place.

use portcullis_client::{
    portcullis::state::{Member, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE},
    Client,
};
use portcullis_localnet::TimeControl;
use solana_sdk::{pubkey::Pubkey, signature::Keypair, signer::Signer};

/// Who takes part.
pub struct Cast {
    /// Proposes, votes, executes; pays for everything of the team.
    pub alice: Keypair,
    /// Votes.
    pub bob: Keypair,
    /// Votes.
    pub carol: Keypair,
    /// Guards: one veto ends a proposal, two triggers execute a standby.
    pub dora: Keypair,
    /// Guards.
    pub erin: Keypair,
    /// Nobody's friend.
    pub mallory: Keypair,
}

impl Cast {
    /// Fresh keys.
    pub fn new() -> Self {
        Self {
            alice: Keypair::new(),
            bob: Keypair::new(),
            carol: Keypair::new(),
            dora: Keypair::new(),
            erin: Keypair::new(),
            mallory: Keypair::new(),
        }
    }

    /// All of them; each has funds.
    pub fn everyone(&self) -> [&Keypair; 6] {
        [
            &self.alice,
            &self.bob,
            &self.carol,
            &self.dora,
            &self.erin,
            &self.mallory,
        ]
    }

    /// The council's members, sorted as the program wants them.
    pub fn members(&self) -> Vec<Member> {
        let member = |key: &Keypair, roles: u8| Member {
            key: key.pubkey(),
            weight: u16::from(roles & ROLE_VOTE != 0),
            roles,
            attests: 0,
        };
        let mut members = vec![
            member(&self.alice, ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE),
            member(&self.bob, ROLE_VOTE),
            member(&self.carol, ROLE_VOTE),
            member(&self.dora, ROLE_GUARD),
            member(&self.erin, ROLE_GUARD),
        ];
        members.sort_by_key(|member| member.key);
        members
    }
}

/// Where it takes place.
pub struct Scene {
    pub client: Client,
    pub time: TimeControl,
    pub cast: Cast,
    /// The program that is upgraded.
    pub program: Pubkey,
    pub council: Pubkey,
}
