//! The client against a real RPC server: the embedded validator.

use std::cell::RefCell;

use portcullis::{
    lifecycle::{Lane, Status},
    policy::{Policy, FLAG_ANYONE_MAY_EXECUTE},
    state::{Member, ROLE_PROPOSE, ROLE_VOTE},
    transitions::{AdoptArgs, CreateCouncilArgs, UpgradeArgs},
};
use portcullis_client::{
    elf::Artifact,
    history::Verdict,
    instruction::ProposalKeys,
    pda, portcullis,
    transaction::hash_compute_units,
    upload::{buffer_address, close_buffer, UploadOptions},
    Client, ClientError, Guardianship, SendOptions,
};
use portcullis_localnet::{
    portcullis_program, set_account, Localnet, LocalnetConfig, TimeControl, PORTCULLIS_ELF,
};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};
use solana_signer::Signer;

const SOL: u64 = 1_000_000_000;

struct Net {
    _localnet: Localnet,
    client: Client,
    time: TimeControl,
    payer: Keypair,
}

impl Net {
    fn start() -> Self {
        let payer = Keypair::new();
        let localnet = Localnet::start(LocalnetConfig {
            slot_time_ms: 50,
            funded_accounts: vec![(payer.pubkey(), 1_000 * SOL)],
            programs: vec![portcullis_program(portcullis::ID, None)],
            ..LocalnetConfig::default()
        })
        .unwrap();
        Self {
            client: Client::new(localnet.rpc_url(), portcullis::ID),
            time: TimeControl::new(localnet.rpc_url()),
            payer,
            _localnet: localnet,
        }
    }

    async fn send(
        &self,
        instruction: Instruction,
        signers: &[&dyn Signer],
    ) -> Result<(), ClientError> {
        let options = SendOptions::with_compute_units(1_400_000);
        self.client
            .send(&[instruction], &self.payer, signers, &options)
            .await
            .map(drop)
    }
}

fn artifact() -> Artifact {
    Artifact::new(PORTCULLIS_ELF.to_vec()).unwrap()
}

fn policy() -> Policy {
    Policy {
        threshold: 1,
        timelock_seconds: 600,
        voting_period_seconds: 3_600,
        execution_window_seconds: 3_600,
        flags: FLAG_ANYONE_MAY_EXECUTE,
        ..Policy::default()
    }
}

#[tokio::test]
async fn a_whole_upgrade_is_read_sent_and_proven_over_rpc() {
    let net = Net::start();
    let (client, payer) = (&net.client, &net.payer);
    let builder = client.builder();
    let (create_key, program, stranger) = (Keypair::new(), Keypair::new(), Keypair::new());
    let council = pda::council(&client.portcullis, &create_key.pubkey());

    let member = Member {
        key: payer.pubkey(),
        weight: 1,
        roles: ROLE_PROPOSE | ROLE_VOTE,
        attests: 0,
    };
    let create = CreateCouncilArgs {
        policy: policy(),
        delay_floor_seconds: 0,
        members: vec![member],
    };
    net.send(
        builder.create_council(create_key.pubkey(), payer.pubkey(), create),
        &[&create_key],
    )
    .await
    .unwrap();
    net.send(builder.seal_council(create_key.pubkey()), &[&create_key])
        .await
        .unwrap();

    let options = UploadOptions::default();
    let artifact = artifact();
    let deployed = client
        .deploy_program(&artifact, &program, payer, payer, None, &options, &|_| {})
        .await
        .unwrap();
    let program = deployed.program;
    let found = client.fetch_programdata(&program).await.unwrap().account;
    assert_eq!(found.commitment(), Some(artifact.commitment));
    assert_eq!(
        client.upgrade_authority_of(&program, &[]).await.unwrap(),
        Guardianship::PlainKey(payer.pubkey())
    );
    assert_eq!(
        client.guardianship(&[]).await.unwrap(),
        Guardianship::Finalized
    );

    let adopt = AdoptArgs {
        epoch: 1,
        policy: policy(),
        deployed: artifact.commitment,
    };
    let me = payer.pubkey();
    net.send(
        builder.adopt_program(council, program, me, me, me, adopt),
        &[],
    )
    .await
    .unwrap();
    let gate = client.fetch_gate(&program).await.unwrap();
    assert_eq!(
        client.upgrade_authority_of(&program, &[]).await.unwrap(),
        Guardianship::OtherInstance {
            portcullis: client.portcullis,
            gate: gate.address
        }
    );
    assert_eq!(client.list_gates(Some(&council)).await.unwrap().len(), 1);
    assert!(client.list_gates(Some(&me)).await.unwrap().is_empty());

    // The deployment consumed the buffer, so its address is free again.
    let upload = client
        .upload_buffer(&artifact, payer, payer, &options, &|_| {})
        .await
        .unwrap();
    assert!(!upload.resumed);
    let buffers = client.list_buffers(&me).await.unwrap();
    assert_eq!(buffers.len(), 1);
    assert_eq!(
        (buffers[0].address, buffers[0].len),
        (upload.buffer, upload.len)
    );

    let keys = ProposalKeys::of_gate(council, program, 0);
    let upgrade = UpgradeArgs {
        lane: Lane::Standard,
        predecessor: None,
        commitment: artifact.commitment,
        base_index: 1,
        base: artifact.commitment,
        epoch: 1,
        life: 1,
        statement: None,
        not_before: 0,
    };
    net.send(
        builder.propose_upgrade(&keys, upload.buffer, me, me, me, upgrade),
        &[],
    )
    .await
    .unwrap();
    assert_eq!(client.list_proposals(&gate.address).await.unwrap().len(), 1);
    client
        .send(
            &[builder.verify_buffer(&keys, upload.buffer)],
            payer,
            &[],
            &SendOptions::with_compute_units(hash_compute_units(artifact.commitment.len)),
        )
        .await
        .unwrap();

    let view = client.fetch_proposal_of(&program, 0).await.unwrap();
    assert_eq!(view.status, Status::Voting);
    assert!(view.needs_vote_of(&me) && !view.needs_vote_of(&stranger.pubkey()));
    let vote = view.vote_args(view.now.timestamp + 600);
    let refused = net
        .send(
            builder.approve(&keys, stranger.pubkey(), vote),
            &[&stranger],
        )
        .await
        .unwrap_err();
    assert_eq!(refused.refusal().unwrap().name, "NotAMember");
    let on_chain = client
        .send(
            &[builder.approve(&keys, stranger.pubkey(), vote)],
            payer,
            &[&stranger],
            &SendOptions {
                skip_preflight: true,
                ..SendOptions::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(on_chain.refusal().unwrap().name, "NotAMember");

    net.send(builder.approve(&keys, me, vote), &[])
        .await
        .unwrap();
    let dry = client
        .simulate(
            &[builder.execute_upgrade(&keys, upload.buffer, me, me, None)],
            &me,
            &SendOptions::with_compute_units(1_400_000),
        )
        .await
        .unwrap();
    assert_eq!(dry.refusal.unwrap().name, "TimelockNotElapsed");
    let view = client.fetch_proposal_view(&view.address).await.unwrap();
    assert_eq!(view.status, Status::Queued);
    net.time.advance_to(view.proposal.eta).await.unwrap();
    net.send(
        builder.execute_upgrade(&keys, upload.buffer, me, me, None),
        &[],
    )
    .await
    .unwrap();

    let history = client.history(&council).await.unwrap();
    assert!(history.is_verified(), "{:?}", history.verdicts);
    assert!(history.entries.iter().all(|entry| entry.emitted));
    let gate_log = client.fetch_gate(&program).await.unwrap().account.log;
    assert_eq!(
        history.verdicts[&gate.address],
        Verdict::Verified {
            head: gate_log.head,
            sequence: 5
        }
    );
    let proposal = client.fetch_proposal(&view.address).await.unwrap();
    assert!(history
        .replay
        .matches_proposal(&proposal.address, &proposal.account.proposal));
}

#[tokio::test]
async fn an_interrupted_upload_goes_on_and_is_handed_over_once() {
    let net = Net::start();
    let (client, payer) = (&net.client, &net.payer);
    let artifact = artifact();
    let (buffer, _) = buffer_address(&payer.pubkey(), &artifact.commitment, 0).unwrap();
    // Lamports that a stranger sent there must not stop the upload.
    let gift = Account::new(1, 0, &solana_sdk_ids::system_program::ID);
    set_account(&client.rpc, &buffer, &gift).await.unwrap();

    let member = Pubkey::new_unique();
    let options = UploadOptions {
        authority: Some(member),
        ..UploadOptions::default()
    };
    let last = RefCell::new(None);
    let report = |progress| *last.borrow_mut() = Some(progress);
    let plain = UploadOptions::default();
    let before = client.rpc.get_balance(&payer.pubkey()).await.unwrap();
    let plan = client
        .upload_plan(&artifact, payer, payer, &plain)
        .await
        .unwrap();
    let first = client
        .upload_buffer(&artifact, payer, payer, &plain, &report)
        .await
        .unwrap();
    let after = client.rpc.get_balance(&payer.pubkey()).await.unwrap();
    assert_eq!(before - after, plan.lamports);
    assert_eq!(first.writes, plan.writes);
    assert_eq!(first.buffer, buffer);
    assert!(!first.resumed && first.writes > 10);
    assert_eq!(last.borrow().map(|p| p.written), Some(artifact.bytes.len()));

    // As if it had been interrupted: part of it is missing again.
    let mut account = client.get_account(&buffer).await.unwrap().unwrap();
    let middle = account.data.len() / 2;
    account.data[middle..middle + 1_500].fill(0);
    set_account(&client.rpc, &buffer, &account).await.unwrap();
    let second = client
        .upload_buffer(&artifact, payer, payer, &options, &report)
        .await
        .unwrap();
    assert!(second.resumed && (1..=3).contains(&second.writes));
    assert_eq!(second.authority, member);
    let third = client
        .upload_buffer(&artifact, payer, payer, &options, &report)
        .await
        .unwrap();
    assert_eq!((third.writes, third.authority), (0, member));
    let plan = client.upload_plan(&artifact, payer, payer, &options).await;
    assert_eq!(plan.unwrap().lamports, 0);
    assert!(matches!(
        client
            .upload_buffer(&artifact, payer, payer, &plain, &report)
            .await,
        Err(ClientError::BufferAuthority { .. })
    ));

    // Another variant is another buffer, and can be closed for its lamports.
    let dear = UploadOptions {
        variant: 1,
        compute_unit_price_micro_lamports: Some(1_000_000),
        authority: Some(payer.pubkey()),
        ..plain
    };
    let before = client.rpc.get_balance(&payer.pubkey()).await.unwrap();
    let plan = client.upload_plan(&artifact, payer, payer, &dear).await;
    let other = client
        .upload_buffer(&artifact, payer, payer, &dear, &report)
        .await
        .unwrap();
    let after = client.rpc.get_balance(&payer.pubkey()).await.unwrap();
    assert_eq!(before - after, plan.unwrap().lamports);
    net.send(
        close_buffer(&other.buffer, &payer.pubkey(), &payer.pubkey()),
        &[],
    )
    .await
    .unwrap();
    assert!(client
        .list_buffers(&payer.pubkey())
        .await
        .unwrap()
        .is_empty());
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_sent() {
    let net = Net::start();
    let poor = Keypair::new();
    let error = net
        .client
        .upload_buffer(
            &artifact(),
            &poor,
            &poor,
            &UploadOptions::default(),
            &|_| {},
        )
        .await
        .unwrap_err();
    assert!(
        matches!(error, ClientError::InsufficientFunds { found: 0, required, .. } if required > SOL / 2),
        "{error}"
    );
    let nowhere = Pubkey::new_unique();
    let error = net.client.fetch_gate(&nowhere).await.unwrap_err();
    assert!(matches!(error, ClientError::NotFound { .. }));
    assert!(
        error.to_string().ends_with(
            "there is no such account on this cluster: check the address and the cluster"
        ),
        "{error}"
    );
    let error = net
        .client
        .fetch_council(&net.payer.pubkey())
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::WrongOwner { .. }));
    assert!(
        error
            .to_string()
            .ends_with(": check the address, the cluster and the instance of Portcullis"),
        "{error}"
    );
    let offline = Client::new("http://127.0.0.1:9/?api-key=secret", portcullis::ID);
    let error = offline.now().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}
