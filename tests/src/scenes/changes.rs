//! Scenes of every action but an upgrade.

use portcullis::{
    change::{Change, CouncilChange, PolicyChange},
    policy::Policy,
    state::{Member, ROLE_VOTE},
};
use portcullis_client::{account::PROGRAMDATA_HEADER, instruction::ProposalKeys, pda};
use solana_sdk::{instruction::Instruction, pubkey::Pubkey, signer::Signer};

use super::{
    people::{full_policy, NEW_AUTHORITY},
    Make, Scene, Town,
};
use crate::{
    elf,
    keys::*,
    world::{Setup, BUILDER},
};

/// Where in an ELF the version of sBPF is.
const FLAGS: usize = 48;

pub const SCENES: &[Make] = &[
    || proposal("of a gate", true, gate_policy()),
    || proposal("of the council", false, members_change()),
    || {
        own("approve", |keys, town| {
            BUILDER.approve(keys, voter(1).pubkey(), town.vote(keys))
        })
    },
    || {
        own("reject", |keys, town| {
            BUILDER.reject(keys, voter(1).pubkey(), town.vote(keys))
        })
    },
    || {
        own("veto", |keys, town| {
            BUILDER.veto(keys, guardian(0).pubkey(), town.vote(keys))
        })
    },
    || own("cancel", |keys, _| BUILDER.cancel(keys, voter(0).pubkey())),
    || {
        let mut town = Town::new();
        let keys = town.propose(None, members_change());
        let cancel = BUILDER.cancel(&keys, voter(0).pubkey());
        town.world.send(&[cancel], &[voter(0)]).unwrap();
        let close = BUILDER.close_proposal(&keys, stranger(0).pubkey());
        Scene::new("close_proposal", "about the council", town, close)
    },
    || {
        ready(
            "execute_change",
            "a gate's policy",
            true,
            gate_policy(),
            change,
        )
    },
    || ready("execute_change", "a revocation", true, revocation(), change),
    || {
        ready(
            "execute_change",
            "the council's members",
            false,
            members_change(),
            change,
        )
    },
    || {
        ready(
            "execute_change",
            "the council's policy",
            false,
            council_policy(),
            change,
        )
    },
    || transfer("checked", true),
    || transfer("unchecked", false),
    || {
        let mut town = final_town();
        let program = town.world.program;
        let keys = town.propose(Some(program), Change::Finalize);
        town.ripen(&keys);
        let finalize = BUILDER.finalize_program(&keys, voter(2).pubkey());
        Scene::new("finalize_program", "", town, finalize)
    },
    || {
        let mut town = Town::new();
        let (program, council) = (town.world.program, town.other_council);
        let keys = town.propose(Some(program), Change::MoveGate { council, epoch: 1 });
        town.ripen(&keys);
        let (executor, accepting) = (voter(2).pubkey(), voter(0).pubkey());
        let go = BUILDER.move_gate(&keys, executor, accepting, council);
        Scene::new("move_gate", "", town, go)
    },
];

fn gate_policy() -> Change {
    Change::Policy(PolicyChange {
        policy: Setup::default().policy,
        delay_floor_seconds: 0,
    })
}

fn council_policy() -> Change {
    Change::Policy(PolicyChange {
        policy: Policy {
            timelock_seconds: 2 * 86_400,
            ..full_policy()
        },
        delay_floor_seconds: 3_600,
    })
}

fn members_change() -> Change {
    Change::Council(CouncilChange {
        remove: vec![],
        add: vec![Member {
            weight: 1,
            ..member(address("new member"), ROLE_VOTE)
        }],
    })
}

/// Of the release that runs.
fn revocation() -> Change {
    let sha256 = Town::new().world.gate().release.sha256;
    Change::RevokeRelease { sha256 }
}

/// A scene of the proposal of a change.
fn proposal(variant: &'static str, of_gate: bool, change: Change) -> Scene {
    let town = Town::new();
    let world = &town.world;
    let keys = match of_gate {
        true => ProposalKeys::of_gate(world.council, world.program, world.gate().proposal_count),
        false => ProposalKeys::of_council(world.council, world.council().proposal_count),
    };
    let args = town.change_args(of_gate, change);
    let propose = BUILDER.propose_change(&keys, voter(0).pubkey(), stranger(0).pubkey(), args);
    Scene::new("propose_change", variant, town, propose)
}

/// A scene on a proposal about the council itself.
fn own(name: &'static str, instruction: impl FnOnce(&ProposalKeys, &Town) -> Instruction) -> Scene {
    let mut town = Town::new();
    let keys = town.propose(None, members_change());
    let instruction = instruction(&keys, &town);
    Scene::new(name, "about the council", town, instruction)
}

fn change(keys: &ProposalKeys) -> Instruction {
    BUILDER.execute_change(keys, voter(2).pubkey())
}

/// A scene of the execution of a change.
fn ready(
    name: &'static str,
    variant: &'static str,
    of_gate: bool,
    change: Change,
    execution: impl FnOnce(&ProposalKeys) -> Instruction,
) -> Scene {
    let mut town = Town::new();
    let program = of_gate.then_some(town.world.program);
    let keys = town.propose(program, change);
    town.ripen(&keys);
    let execute = execution(&keys);
    Scene::new(name, variant, town, execute)
}

fn transfer(variant: &'static str, checked: bool) -> Scene {
    let to: Pubkey = keypair(NEW_AUTHORITY).pubkey();
    let change = Change::TransferAuthority { to, checked };
    ready("transfer_authority", variant, true, change, |keys| {
        BUILDER.transfer_authority(keys, voter(2).pubkey(), to, checked)
    })
}

/// A town whose program says that it is of sBPF version 3.
fn final_town() -> Town {
    let mut town = Town::new();
    let mut elf = elf::spl_token().to_vec();
    let (program, _) = town.adoption(&elf);
    // LiteSVM would not take such an ELF from here, but the loader does not look at it again.
    elf[FLAGS] = 3;
    let programdata = pda::programdata(&program);
    town.world.forge(&programdata, |account| {
        account.data[PROGRAMDATA_HEADER + FLAGS] = 3
    });
    let adopt = town.adoption_of(program, &elf);
    let signers = [upgrade_authority(), voter(0), stranger(0)];
    town.world.send(&[adopt], &signers).unwrap();
    town.world.program = program;
    town
}
