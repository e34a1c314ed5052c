//! On a full Bank, with its one-slot delay before new code is callable, which LiteSVM and the localnet do not model. The
//! programs are loaded as ELFs in loader-v3 accounts, never with `processor!`, whose CPI would do nothing and say Ok.

use anchor_lang::prelude::Clock;
use portcullis::{
    digest::Commitment,
    state::{Gate, Proposal},
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs, VoteArgs},
};
use portcullis_client::{instruction::ProposalKeys, pda};
use portcullis_tests::{
    elf,
    keys::{address, create_key, default_members, voter},
    world::{council_policy, policy, BUILDER},
};
use solana_account::Account;
use solana_program_test::{BanksTransactionResultWithMetadata, ProgramTest, ProgramTestContext};
use solana_sdk::{
    instruction::Instruction, pubkey::Pubkey, signature::Keypair, signer::Signer,
    transaction::Transaction,
};

/// SIMD-0500, not active on mainnet: programs below sBPF v3, as both token programs are, could not be deployed.
const ONLY_SBPF_V3: Pubkey = Pubkey::from_str_const("B8JJXCy5amZyWG9r7EnUYLwzXSXTxG7GZ1qZ1qggo83g");
/// SPL Token's `GetAccountDataSize`, which needs a mint. Both programs refuse it here, at costs that tell them apart.
const CALL: [u8; 1] = [21];

/// A Bank with Portcullis and a program that runs SPL Token.
struct Chain {
    context: ProgramTestContext,
    program: Pubkey,
}

impl Chain {
    async fn start() -> Self {
        let mut test = ProgramTest::default();
        test.prefer_bpf(true);
        test.deactivate_feature(ONLY_SBPF_V3);
        let program = address("program");
        for (id, authority, content) in [
            (portcullis::ID, None, elf::portcullis()),
            (program, Some(voter(0).pubkey()), elf::spl_token()),
        ] {
            let programdata = pda::programdata(&id);
            test.add_account(programdata, elf::programdata(0, authority, content));
            test.add_account(id, elf::program(programdata));
        }
        test.add_account(
            address("buffer"),
            elf::buffer(Some(voter(0).pubkey()), elf::p_token()),
        );
        for person in [voter(0), voter(1)] {
            let funds = Account::new(1_000_000_000_000, 0, &Pubkey::default());
            test.add_account(person.pubkey(), funds);
        }
        Self {
            context: test.start_with_context().await,
            program,
        }
    }

    async fn send(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> BanksTransactionResultWithMetadata {
        let blockhash = self.context.get_new_latest_blockhash().await.unwrap();
        let payer = voter(0).pubkey();
        let transaction =
            Transaction::new_signed_with_payer(instructions, Some(&payer), signers, blockhash);
        self.context
            .banks_client
            .process_transaction_with_metadata(transaction)
            .await
            .unwrap()
    }

    async fn must(&mut self, instructions: &[Instruction], signers: &[&Keypair]) {
        let done = self.send(instructions, signers).await;
        assert!(done.result.is_ok(), "{done:?}");
    }

    /// The logs and the cost of a call of the program, if it could be called at all.
    async fn call(&mut self) -> (Vec<String>, u64) {
        let call = Instruction {
            program_id: self.program,
            accounts: Vec::new(),
            data: CALL.to_vec(),
        };
        let metadata = self.send(&[call], &[voter(0)]).await.metadata.unwrap();
        (metadata.log_messages, metadata.compute_units_consumed)
    }

    async fn read<T: bytemuck::Pod>(&mut self, key: Pubkey) -> T {
        let account = self.context.banks_client.get_account(key).await.unwrap();
        bytemuck::pod_read_unaligned(&account.unwrap().data[8..8 + size_of::<T>()])
    }

    async fn clock(&mut self) -> Clock {
        self.context.banks_client.get_sysvar().await.unwrap()
    }

    /// Goes on to a slot and a time.
    fn warp_to(&mut self, slot: u64, timestamp: i64) {
        self.context.warp_to_slot(slot).unwrap();
        self.context.set_sysvar(&Clock {
            slot,
            unix_timestamp: timestamp,
            ..Clock::default()
        });
    }
}

/// The gate adopts the program, and an upgrade to p-token is approved. Gives its keys.
async fn approved(chain: &mut Chain) -> ProposalKeys {
    let (alice, key) = (voter(0), voter(0).pubkey());
    let council = pda::council(&portcullis::ID, &create_key().pubkey());
    let args = CreateCouncilArgs {
        policy: council_policy(),
        delay_floor_seconds: 600,
        members: default_members(),
    };
    let create = [
        BUILDER.create_council(create_key().pubkey(), key, args),
        BUILDER.seal_council(create_key().pubkey()),
    ];
    chain.must(&create, &[alice, create_key()]).await;
    let adopt = AdoptArgs {
        epoch: 1,
        policy: policy(),
        deployed: Commitment::of(elf::spl_token()).unwrap(),
    };
    let adopt = BUILDER.adopt_program(council, chain.program, key, key, key, adopt);
    chain.must(&[adopt], &[alice]).await;

    let keys = ProposalKeys::of_gate(council, chain.program, 0);
    let gate: Gate = chain.read(BUILDER.gate(&chain.program)).await;
    let upgrade = UpgradeArgs {
        lane: portcullis::lifecycle::Lane::Standard,
        predecessor: None,
        commitment: Commitment::of(elf::p_token()).unwrap(),
        base_index: gate.release.index,
        base: gate.release.commitment(),
        epoch: 1,
        life: gate.life,
        statement: None,
        not_before: 0,
    };
    let propose = [
        BUILDER.propose_upgrade(
            &keys,
            address("buffer"),
            address("spill"),
            key,
            key,
            upgrade,
        ),
        BUILDER.verify_buffer(&keys, address("buffer")),
    ];
    chain.must(&propose, &[alice]).await;
    let proposal: Proposal = chain.read(BUILDER.proposal(&keys)).await;
    let vote = VoteArgs {
        digest: proposal.digest,
        valid_until: chain.clock().await.unix_timestamp + 3_600,
    };
    for member in [voter(0), voter(1)] {
        let approve = BUILDER.approve(&keys, member.pubkey(), vote);
        let signers: &[&Keypair] = &[alice, member];
        chain
            .must(&[approve], &signers[usize::from(member.pubkey() == key)..])
            .await;
    }
    keys
}

#[tokio::test]
async fn g1_new_code_is_callable_in_the_slot_after_the_upgrade_and_not_before() {
    let mut chain = Chain::start().await;
    let keys = approved(&mut chain).await;
    let (_, cost_before) = chain.call().await;

    let proposal: Proposal = chain.read(BUILDER.proposal(&keys)).await;
    let slot = proposal.queued_slot + u64::from(policy().timelock_seconds);
    chain.warp_to(slot, proposal.eta);
    let (_, cost) = chain.call().await;
    assert_eq!(cost, cost_before, "the old code runs until the upgrade");

    let execute = BUILDER.execute_upgrade(
        &keys,
        address("buffer"),
        address("spill"),
        voter(0).pubkey(),
        None,
    );
    chain.must(&[execute], &[voter(0)]).await;
    let (logs, _) = chain.call().await;
    assert_eq!(chain.clock().await.slot, slot);
    assert!(
        logs.iter().any(|line| line.contains("not deployed")),
        "neither old nor new code runs in the slot of the upgrade: {logs:?}"
    );

    chain.warp_to(slot + 1, proposal.eta + 1);
    let (logs, cost_after) = chain.call().await;
    assert!(
        logs.iter().any(|line| line.contains("consumed")) && cost_after < cost_before,
        "the new code runs a slot later: {cost_before} before, {cost_after} after, {logs:?}"
    );
}
