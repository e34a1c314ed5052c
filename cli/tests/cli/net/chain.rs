//! The chain itself: what no command does, and all accounts that a command could change.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    mem::offset_of,
    process::Stdio,
};

use portcullis::{
    digest::{digest, Statement},
    policy::Policy,
    state::{Gate, Member, Proposal, ROLE_EXECUTE, ROLE_PROPOSE, ROLE_VOTE},
    transitions::{AdoptArgs, CreateCouncilArgs},
};
use portcullis_client::{
    account::decode_buffer,
    deploy::extend_program,
    hashing::{hash_steps, Target},
    message, pda,
    transaction::{build_message, sign, MAX_COMPUTE_UNITS},
    Client, SendOptions,
};
use portcullis_localnet::{set_account, TimeControl};
use solana_loader_v3_interface::instruction as loader_v3;
use solana_rpc_client::rpc_client::GetConfirmedSignaturesForAddress2Config;
use solana_sdk::{
    account::Account,
    pubkey::Pubkey,
    signature::{Keypair, Signature},
    signer::Signer,
};
use solana_system_interface::instruction as system;

use super::{key, Net, KEYS};

/// As [`super::PLAIN`] says it.
pub(super) fn plain_policy() -> Policy {
    Policy {
        threshold: 2,
        timelock_seconds: 600,
        voting_period_seconds: 3 * 86_400,
        execution_window_seconds: 2 * 86_400,
        ..Policy::default()
    }
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

impl Net {
    fn client(&self) -> Client {
        Client::new(self.url(), portcullis::ID)
    }

    /// All accounts of Portcullis and of the loader, and the balances of those who sign.
    pub fn chain(&self) -> BTreeMap<Pubkey, Account> {
        let client = self.client();
        runtime().block_on(async {
            let program = client.get_account(&key("program").pubkey()).await.unwrap();
            let loader = program.unwrap().owner;
            let mut accounts = BTreeMap::new();
            for owner in [portcullis::ID, loader] {
                accounts.extend(client.rpc.get_program_accounts(&owner).await.unwrap());
            }
            for name in KEYS {
                let address = key(name).pubkey();
                if let Some(account) = client.get_account(&address).await.unwrap() {
                    accounts.insert(address, account);
                }
            }
            accounts
        })
    }

    /// Puts an account on the chain.
    pub fn set_account(&self, address: &Pubkey, owner: Pubkey, data: Vec<u8>) {
        let client = self.client();
        let account = Account {
            lamports: 1_000_000_000,
            data,
            owner,
            ..Account::default()
        };
        runtime()
            .block_on(set_account(&client.rpc, address, &account))
            .unwrap();
    }

    pub fn balance(&self, name: &str) -> u64 {
        self.lamports(&key(name).pubkey())
    }

    /// Lamports at an address; zero where there is no account.
    pub fn lamports(&self, address: &Pubkey) -> u64 {
        let rpc = self.client().rpc;
        runtime().block_on(rpc.get_balance(address)).unwrap()
    }

    /// A blockhash that can be used.
    pub fn blockhash(&self) -> String {
        let rpc = self.client().rpc;
        let blockhash = runtime().block_on(rpc.get_latest_blockhash()).unwrap();
        blockhash.to_string()
    }

    /// All transactions that name a key, as the chain recorded them.
    pub fn signatures_of(&self, name: &str) -> Vec<Signature> {
        let (client, address) = (self.client(), key(name).pubkey());
        let mut signatures: Vec<Signature> = Vec::new();
        loop {
            let page = GetConfirmedSignaturesForAddress2Config {
                before: signatures.last().copied(),
                ..Default::default()
            };
            let page = client
                .rpc
                .get_signatures_for_address_with_config(&address, page);
            let page = runtime().block_on(page).unwrap();
            if page.is_empty() {
                return signatures;
            }
            signatures.extend(
                page.iter()
                    .map(|entry| -> Signature { entry.signature.parse().unwrap() }),
            );
        }
    }

    /// The fees of all of them, in lamports.
    pub fn fees_of(&self, name: &str) -> u64 {
        let client = self.client();
        let signatures = self.signatures_of(name);
        runtime().block_on(async {
            let mut fees = 0;
            for signature in &signatures {
                fees += client.transaction_summary(signature).await.unwrap().fee;
            }
            fees
        })
    }

    /// The bytes of a buffer, behind its header.
    pub fn bytes_of(&self, buffer: &str) -> Vec<u8> {
        let buffer = buffer.parse().unwrap();
        let account = runtime().block_on(self.client().get_account(&buffer));
        let account = account.unwrap().unwrap();
        decode_buffer(&buffer, &account).unwrap().elf
    }

    /// Lets a key, to which a gate has given `$program`, close it.
    pub fn close_program(&self, authority: &str) {
        let (client, alice, authority) = (self.client(), key("alice"), key(authority));
        let program = key("program").pubkey();
        let close = loader_v3::close_any(
            &pda::programdata(&program),
            &alice.pubkey(),
            Some(&authority.pubkey()),
            Some(&program),
        );
        runtime()
            .block_on(client.send(&[close], &alice, &[&authority], &SendOptions::default()))
            .unwrap();
    }

    /// A chain as no program makes it, but as a server could show it: the gate of `$program` names a key as its signer, which
    /// has the program's upgrade authority.
    pub fn forge_gate_signer(&self, name: &str) {
        const AUTHORITY_OF_PROGRAMDATA: usize = 4 + 8 + 1;
        let client = self.client();
        let (program, forged) = (key("program").pubkey(), key(name).pubkey());
        for (address, at) in [
            (
                pda::gate(&portcullis::ID, &program),
                Gate::SPACE - size_of::<Gate>() + offset_of!(Gate, authority),
            ),
            (pda::programdata(&program), AUTHORITY_OF_PROGRAMDATA),
        ] {
            runtime().block_on(async {
                let mut account = client.get_account(&address).await.unwrap().unwrap();
                let signer = pda::authority(&portcullis::ID, &program);
                assert_eq!(account.data[at..at + 32], signer.to_bytes());
                account.data[at..at + 32].copy_from_slice(forged.as_ref());
                set_account(&client.rpc, &address, &account).await.unwrap();
            });
        }
    }

    /// A proposal as another tool could have made it: explained by this file.
    pub fn forge_statement(&self, name: &str, file: &str, uri: &str) {
        let address = self.field(&format!("status {name}"), "address");
        let statement = Statement {
            sha256: solana_sha256_hasher::hash(&self.read(file)).to_bytes(),
            uri: uri.to_string(),
        };
        let council = self.council().parse().unwrap();
        self.forge(&address.parse().unwrap(), |account| {
            let place = Proposal::SPACE - size_of::<Proposal>()..Proposal::SPACE;
            let mut proposal: Proposal = bytemuck::pod_read_unaligned(&account.data[place.clone()]);
            proposal.terms.statement = statement.commitment();
            let change = &account.data[Proposal::SPACE..];
            proposal.digest = digest(&portcullis::ID, &council, &proposal.terms, change);
            account.data[place].copy_from_slice(bytemuck::bytes_of(&proposal));
        });
    }

    /// An account as a server could show it: with another byte in its middle.
    pub fn forge_byte(&self, address: &Pubkey) {
        self.forge(address, |account| {
            let middle = account.data.len() / 2;
            account.data[middle] ^= 1;
        });
    }

    /// Makes an account what no program would make it: a server could show it, or it shows what takes weeks to come about.
    pub fn forge(&self, address: &Pubkey, change: impl FnOnce(&mut Account)) {
        let client = self.client();
        runtime().block_on(async {
            let found = client.get_account(address).await.unwrap();
            let mut account = found.unwrap_or_default();
            change(&mut account);
            set_account(&client.rpc, address, &account).await.unwrap();
        });
    }

    /// Approves a proposal in a durable-nonce transaction; gives the rule that stands against it.
    pub fn approve_with_nonce(&self, name: &str, member: &str) -> Result<(), String> {
        let (client, member, nonce) = (self.client(), key(member), Keypair::new());
        let rent = runtime()
            .block_on(client.rpc.get_minimum_balance_for_rent_exemption(80))
            .unwrap();
        let (payer, options) = (member.pubkey(), SendOptions::default());
        let create = system::create_nonce_account(&payer, &nonce.pubkey(), &payer, rent);
        runtime()
            .block_on(client.send(&create, &member, &[&nonce], &options))
            .unwrap();
        // A nonce is not advanced under the blockhash that it was created with.
        self.travel(2);
        let address = self.field(&format!("status {name}"), "address");
        let view = runtime()
            .block_on(client.fetch_proposal_view(&address.parse().unwrap()))
            .unwrap();
        let vote = view.vote_args(view.now.timestamp + 600);
        let instructions = [
            system::advance_nonce_account(&nonce.pubkey(), &payer),
            client.builder().approve(&view.keys(), payer, vote),
        ];
        match runtime().block_on(client.send(&instructions, &member, &[], &options)) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.refusal().unwrap().name.clone()),
        }
    }

    /// Sends lamports from alice.
    pub fn fund(&self, name: &str, lamports: u64) {
        let (client, alice) = (self.client(), key("alice"));
        let to = key(name).pubkey();
        let transfer = system::transfer(&alice.pubkey(), &to, lamports);
        runtime()
            .block_on(client.send(&[transfer], &alice, &[], &SendOptions::default()))
            .unwrap();
    }

    /// Moves the chain's clock by so many seconds.
    pub fn travel(&self, seconds: i64) {
        let time = TimeControl::new(self.url());
        runtime()
            .block_on(async {
                let now = time.now().await?;
                time.advance_to(now.unix_timestamp + seconds).await
            })
            .unwrap();
    }

    /// What the clock shows: Unix seconds and the slot.
    pub fn chain_time(&self) -> (i64, u64) {
        let now = TimeControl::new(self.url());
        let now = runtime().block_on(now.now()).unwrap();
        (now.unix_timestamp, now.slot)
    }

    /// The first transaction of a creation that takes several, and no more.
    pub fn begin_council(&self, members: &[String]) {
        let mut members: Vec<Member> = members
            .iter()
            .map(|key| Member {
                key: key.parse().unwrap(),
                weight: 1,
                roles: ROLE_PROPOSE | ROLE_VOTE | ROLE_EXECUTE,
                attests: 0,
            })
            .collect();
        members.sort_by_key(|member| member.key);
        members.truncate(10);
        let client = self.client();
        let (alice, create) = (key("alice"), key("create"));
        let instruction = client.builder().create_council(
            create.pubkey(),
            alice.pubkey(),
            CreateCouncilArgs {
                policy: plain_policy(),
                delay_floor_seconds: 0,
                members,
            },
        );
        runtime()
            .block_on(client.send(&[instruction], &alice, &[&create], &SendOptions::default()))
            .unwrap();
    }

    /// The first transaction of an adoption of a large program, and so many steps of its hash.
    pub fn begin_adoption(&self, steps: usize) {
        let client = self.client();
        let (alice, authority) = (key("alice"), key("authority"));
        let (council, program) = (self.council.parse().unwrap(), key("program").pubkey());
        let policy = Policy {
            veto_threshold: 1,
            ..plain_policy()
        };
        runtime().block_on(async {
            let found = client.fetch_programdata(&program).await.unwrap();
            let deployed = found.account.commitment().unwrap();
            let adopt = client.builder().adopt_program(
                council,
                program,
                authority.pubkey(),
                alice.pubkey(),
                alice.pubkey(),
                AdoptArgs {
                    epoch: 1,
                    policy,
                    deployed,
                },
            );
            let options = SendOptions::with_compute_units(MAX_COMPUTE_UNITS);
            client
                .send(&[adopt], &alice, &[&authority], &options)
                .await
                .unwrap();
            let target = Target::Program { council, program };
            for step in hash_steps(0, deployed.len).take(steps) {
                let hash = target.instruction(&client, alice.pubkey(), alice.pubkey(), step);
                client.send(&[hash], &alice, &[], &options).await.unwrap();
            }
        });
    }

    /// Extends `$program`, as anyone may, in a slot that stays open.
    pub fn extend_in_a_held_slot(&self) {
        let client = self.client();
        let (carol, program) = (key("carol"), key("program").pubkey());
        runtime().block_on(async {
            TimeControl::new(self.url()).hold().await.unwrap();
            let room = client
                .fetch_programdata(&program)
                .await
                .unwrap()
                .account
                .elf
                .len();
            let extend = extend_program(&program, &carol.pubkey(), room, room + 1)
                .unwrap()
                .unwrap();
            let blockhash = client.rpc.get_latest_blockhash().await.unwrap();
            let message = build_message(&[extend], &carol.pubkey(), &[], blockhash).unwrap();
            let transaction = sign(message, &[&carol]).unwrap();
            client.rpc.send_transaction(&transaction).await.unwrap();
        });
    }

    /// Runs a command; lets the held clock go on once stderr shows `words`. Gives the exit code, and stderr.
    pub fn run_and_resume_clock_after(&self, words: &str, line: &str) -> (i32, String) {
        let mut child = self
            .command(line)
            .args(["-u", self.url()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut seen = String::new();
        let mut resumed = false;
        for line in BufReader::new(child.stderr.take().unwrap()).lines() {
            seen.push_str(&line.unwrap());
            seen.push('\n');
            if !resumed && seen.contains(words) {
                resumed = true;
                runtime()
                    .block_on(TimeControl::new(self.url()).resume())
                    .unwrap();
            }
        }
        assert!(resumed, "{seen}");
        (child.wait().unwrap().code().unwrap(), seen)
    }

    /// An approval as a message, signed by another tool: the signature alone.
    pub fn signature_of(&self, name: &str, signer: &str, valid_until: i64) -> String {
        let address = self.field(&format!("status {name}"), "address");
        let address = address.parse().unwrap();
        let view = runtime()
            .block_on(self.client().fetch_proposal_view(&address))
            .unwrap();
        let text = message::text(&view, &message::Ballot::Approve, valid_until).unwrap();
        let signer = key(signer);
        let envelope = portcullis::message::Envelope::Short;
        let bytes = message::wrapped(&portcullis::ID, &signer.pubkey(), &text, envelope).unwrap();
        signer.sign_message(&bytes).to_string()
    }
}
