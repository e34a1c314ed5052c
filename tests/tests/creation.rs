//! How accounts come into being.
//!
//! Anyone can send lamports to an address that Portcullis will use. System's `CreateAccount` refuses such an address, so a program
//! that only called that could be stopped for ever by one lamport.

use std::mem::offset_of;

use anchor_lang::Discriminator;
use portcullis::{
    change::{Change, CouncilChange},
    state::{self, Attestation, Hashing},
};
use portcullis_tests::{elf, lanes, refusal, steps, *};

/// System's `AccountAlreadyInUse`.
const IN_USE: InstructionError = InstructionError::Custom(0);

/// An instruction that creates an account.
struct Creation {
    name: &'static str,
    /// A world in which it succeeds.
    world: World,
    instruction: Instruction,
    signers: Vec<Keypair>,
    account: Pubkey,
    /// Who pays the rent, and no fees.
    payer: Pubkey,
    space: usize,
    discriminator: &'static [u8],
    /// What must stand behind the fixed part.
    behind: Vec<u8>,
}

fn creations() -> Vec<Creation> {
    vec![
        council(),
        gate(),
        proposal(),
        carried(),
        change(),
        attestation(),
        hashing(),
    ]
}

fn council() -> Creation {
    let world = World::bare();
    let setup = Setup::default();
    let args = CreateCouncilArgs {
        policy: setup.council_policy,
        delay_floor_seconds: setup.delay_floor_seconds,
        members: setup.members,
    };
    let payer = stranger(0);
    Creation {
        name: "council",
        instruction: BUILDER.create_council(create_key().pubkey(), payer.pubkey(), args),
        signers: vec![create_key().insecure_clone(), payer.insecure_clone()],
        account: world.council,
        payer: payer.pubkey(),
        space: Council::SPACE,
        discriminator: Council::DISCRIMINATOR,
        behind: vec![],
        world,
    }
}

fn gate() -> Creation {
    let mut world = World::bare();
    let setup = Setup::default();
    world.create_council(&setup).unwrap();
    let program = world.program;
    world.install(&program, &setup.deployed);
    let instruction = BUILDER.adopt_program(
        world.council,
        program,
        upgrade_authority().pubkey(),
        voter(0).pubkey(),
        stranger(0).pubkey(),
        world.adopt_args(&setup),
    );
    Creation {
        name: "gate",
        instruction,
        signers: vec![
            upgrade_authority().insecure_clone(),
            voter(0).insecure_clone(),
            stranger(0).insecure_clone(),
        ],
        account: world.gate_key(),
        payer: stranger(0).pubkey(),
        space: Gate::SPACE,
        discriminator: Gate::DISCRIMINATOR,
        behind: vec![],
        world,
    }
}

fn proposal() -> Creation {
    let mut world = World::new();
    let proposed = world.prepared(elf::p_token());
    let args = world.upgrade_args(elf::p_token());
    let instruction = BUILDER.propose_upgrade(
        &proposed.keys,
        proposed.buffer,
        proposed.spill,
        voter(0).pubkey(),
        stranger(0).pubkey(),
        args,
    );
    Creation {
        name: "proposal",
        instruction,
        signers: vec![voter(0).insecure_clone(), stranger(0).insecure_clone()],
        account: proposed.address,
        payer: stranger(0).pubkey(),
        space: Proposal::SPACE,
        discriminator: Proposal::DISCRIMINATOR,
        behind: vec![],
        world,
    }
}

fn carried() -> Creation {
    let mut world = World::new();
    let former = world.draft();
    world.cancel(&former, voter(0)).unwrap();
    let proposed = world.next(former.buffer);
    Creation {
        name: "proposal with the buffer of another",
        instruction: BUILDER.repropose_upgrade(
            &proposed.keys,
            former.keys.index,
            voter(0).pubkey(),
            stranger(0).pubkey(),
            world.upgrade_args(elf::p_token()),
        ),
        account: proposed.address,
        world,
        ..proposal()
    }
}

fn change() -> Creation {
    let world = World::new();
    let change = Change::Council(CouncilChange {
        remove: vec![guardian(0).pubkey()],
        add: vec![member(guardian(1).pubkey(), ROLE_GUARD)],
    });
    let proposed = world.next_of_council();
    let args = world.change_args(&proposed, change.clone());
    let behind = change.to_bytes().unwrap();
    Creation {
        name: "proposal of a change",
        instruction: BUILDER.propose_change(
            &proposed.keys,
            voter(0).pubkey(),
            stranger(0).pubkey(),
            args,
        ),
        signers: vec![voter(0).insecure_clone(), stranger(0).insecure_clone()],
        account: proposed.address,
        payer: stranger(0).pubkey(),
        space: Proposal::SPACE + behind.len(),
        discriminator: Proposal::DISCRIMINATOR,
        behind,
        world,
    }
}

fn attestation() -> Creation {
    let mut world = lanes::world();
    let proposed = world.voting();
    let args = world.attest_args(&proposed, lanes::BUILD);
    let behind = args.statement.uri.clone().into_bytes();
    let (key, payer) = (attester().pubkey(), stranger(0).pubkey());
    Creation {
        name: "attestation",
        instruction: BUILDER.attest(&proposed.keys, key, payer, args),
        signers: vec![attester().insecure_clone(), stranger(0).insecure_clone()],
        account: BUILDER.attestation(&proposed.keys, &key),
        payer,
        space: Attestation::SPACE + behind.len(),
        discriminator: Attestation::DISCRIMINATOR,
        behind,
        world,
    }
}

fn hashing() -> Creation {
    let mut world = World::new();
    let proposed = world.propose_elf(&elf::large(steps::SHORTEST, 0xab));
    let payer = stranger(0).pubkey();
    Creation {
        name: "hashing",
        instruction: BUILDER.hash_buffer(
            &proposed.keys,
            proposed.buffer,
            payer,
            payer,
            steps::steps(steps::SHORTEST)[0],
        ),
        signers: vec![stranger(0).insecure_clone()],
        account: world.hashing(&proposed),
        payer,
        space: Hashing::SPACE,
        discriminator: Hashing::DISCRIMINATOR,
        behind: vec![],
        world,
    }
}

impl Creation {
    fn send(&self, world: &mut World) -> refusal::Outcome {
        let signers: Vec<&Keypair> = self.signers.iter().collect();
        world.send(std::slice::from_ref(&self.instruction), &signers)
    }

    /// The world after it, when so many lamports were at the address before.
    #[track_caller]
    fn after(&self, funded: u64) -> World {
        let mut world = self.world.clone();
        if funded > 0 {
            let account = Account {
                lamports: funded,
                ..Account::default()
            };
            world.put(&self.account, account);
        }
        self.send(&mut world).expect(self.name);
        world
    }

    fn rent(&self) -> u64 {
        self.world
            .svm
            .minimum_balance_for_rent_exemption(self.space)
    }
}

#[test]
fn accounts_are_created_rent_exempt_and_of_the_right_size() {
    for creation in creations() {
        eprintln!("{}", creation.name);
        let world = creation.after(0);
        let account = world.account(&creation.account);
        assert_eq!(account.owner, portcullis::ID);
        assert_eq!(account.data.len(), creation.space);
        assert!(account.data.starts_with(creation.discriminator));
        assert!(account.data.ends_with(&creation.behind));
        assert_eq!(account.lamports, creation.rent());
        let paid = creation.world.lamports(&creation.payer) - world.lamports(&creation.payer);
        assert_eq!(paid, creation.rent());
    }
}

#[test]
fn accounts_keep_the_bump_of_their_address() {
    let of = |creation: &Creation, bump: usize| {
        let account = creation.after(0).account(&creation.account);
        (creation.account, account.data[8 + bump])
    };
    let id = &portcullis::ID;
    let (council, gate) = (council(), gate());
    let (council_key, program) = (council.world.council, gate.world.program);
    assert_eq!(
        of(&council, offset_of!(Council, bump)),
        state::find_council(id, &create_key().pubkey())
    );
    assert_eq!(
        of(&gate, offset_of!(Gate, bump)),
        state::find_gate(id, &program)
    );
    let (authority, bump) = state::find_authority(id, &program);
    assert_eq!(authority, gate.world.authority());
    assert_eq!(of(&gate, offset_of!(Gate, authority_bump)).1, bump);
    for (creation, parent, index) in [
        (proposal(), gate.account, 0),
        (carried(), gate.account, 1),
        (change(), council_key, 0),
    ] {
        assert_eq!(
            of(&creation, offset_of!(Proposal, bump)),
            state::find_proposal(id, &parent, index)
        );
    }
    let proposal = proposal().account;
    assert_eq!(
        of(&attestation(), offset_of!(Attestation, bump)),
        state::find_attestation(id, &proposal, &attester().pubkey())
    );
    assert_eq!(
        of(&hashing(), offset_of!(Hashing, bump)),
        state::find_hashing(id, &proposal)
    );
}

#[test]
fn g12_lamports_sent_beforehand_stop_no_account() {
    for creation in creations() {
        let rent = creation.rent();
        let plain = creation.after(0).account(&creation.account);
        for funded in [1, rent - 1, rent, rent + 1] {
            eprintln!("{} with {funded}", creation.name);
            let world = creation.after(funded);
            let account = world.account(&creation.account);
            // The same bytes, and the payer has paid what was missing.
            assert_eq!(account.data, plain.data);
            assert_eq!(account.owner, portcullis::ID);
            assert_eq!(account.lamports, rent.max(funded));
            let paid = creation.world.lamports(&creation.payer) - world.lamports(&creation.payer);
            assert_eq!(paid, rent.saturating_sub(funded));
        }
    }
}

#[test]
fn g12_an_account_that_exists_is_not_created_again() {
    for creation in creations() {
        // What Portcullis wrote there stays, whatever the council's or gate's count says.
        let mut world = creation.world.clone();
        let mut existing = creation.after(0).account(&creation.account);
        let reason: Refusal = match creation.name {
            // These may be there before: a program that is adopted again, a hash that goes on. Not so with another's content.
            "gate" => PortcullisError::GateNotExited.into(),
            "hashing" => {
                existing.data[8] ^= 1;
                PortcullisError::HashingMismatch.into()
            }
            _ => IN_USE.into(),
        };
        eprintln!("{}", creation.name);
        world.put(&creation.account, existing.clone());
        world.refuse(reason, |w| creation.send(w));

        // The same with less than the rent, where something would be transferred first.
        if !matches!(creation.name, "gate" | "hashing") {
            existing.lamports = 1;
            world.put(&creation.account, existing.clone());
            world.refuse(IN_USE, |w| creation.send(w));
        }

        // Another program's account, and System's with data. Neither can be at such an address, but nothing depends on that.
        let other = [
            (address("some program"), vec![]),
            (address("some program"), vec![0; creation.space]),
            (solana_sdk_ids::system_program::ID, vec![0; creation.space]),
        ];
        for (owner, data) in other {
            for lamports in [1, creation.rent()] {
                let account = Account {
                    lamports,
                    owner,
                    data: data.clone(),
                    ..Account::default()
                };
                world.put(&creation.account, account);
                world.refuse(IN_USE, |w| creation.send(w));
            }
        }
    }
}

#[test]
fn g11_an_account_of_another_kind_is_not_continued() {
    for creation in [gate(), hashing()] {
        let mut world = creation.world.clone();
        let mut other = creation.after(0).account(&creation.account);
        other.data[..8].copy_from_slice(Attestation::DISCRIMINATOR);
        world.put(&creation.account, other);
        eprintln!("{}", creation.name);
        world.refuse(ErrorCode::AccountDiscriminatorMismatch, |w| {
            creation.send(w)
        });
    }
}

#[test]
fn g12_an_account_stands_at_its_address_only() {
    for creation in creations() {
        let mut world = creation.world.clone();
        let elsewhere = calls::substitute(
            &creation.instruction,
            &creation.account,
            &address("elsewhere"),
        );
        let signers: Vec<&Keypair> = creation.signers.iter().collect();
        eprintln!("{}", creation.name);
        world.refuse(ErrorCode::ConstraintSeeds, |w| {
            w.send(&[elsewhere], &signers)
        });
    }
}
