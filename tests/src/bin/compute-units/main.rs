//! `compute-units FILE`: runs a whole upgrade at several council sizes and writes what each instruction costs. Everything in
//! it is fixed (keys, clock, ELFs), so the table changes only with the program.

mod governance;

use std::{env, fmt::Write, fs};

use portcullis::{
    policy::Policy,
    state::{
        Attestation, Council, Gate, Hashing, Member, Proposal, ROLE_ATTEST, ROLE_EXECUTE,
        ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE,
    },
    transitions::CreateCouncilArgs,
};
use portcullis_tests::{
    elf,
    keys::{create_key, guardian, keypair, member, payer, sorted, voter},
    matrix::{idl, instructions},
    world::{council_policy, policy, Proposed, Setup, World, BUILDER, DAY},
};
use solana_sdk::{instruction::Instruction, signature::Keypair, signer::Signer};

const SIZES: [usize; 3] = [3, 10, 64];
/// `sol_sha256` costs 85 and half a unit a byte (Agave 4.2).
const HASH_BASE: u64 = 85;
/// The compute-budget instruction that every measured transaction carries.
const BUDGET_INSTRUCTION: u64 = 150;
/// Members that `create_council` and `add_members` take here in one transaction.
const BATCH: usize = 16;
const SMALL: usize = 51_000;
const LARGE: usize = 1_400_000;

/// One line of the table: a name and a value for each council size.
type Rows = Vec<(String, Vec<u64>)>;

fn main() {
    let out = env::args().nth(1).expect("usage: compute-units FILE");
    let mut rows: Rows = Vec::new();
    for size in SIZES {
        Bench::new(size).run(&mut |name, units| match rows
            .iter_mut()
            .find(|(known, _)| known == name)
        {
            Some((_, values)) => values.push(units),
            None => rows.push((name.to_string(), vec![units])),
        });
    }
    let idl = idl();
    for instruction in instructions(&idl) {
        let measured = rows.iter().any(|(name, _)| {
            let name = name.split([' ', ',']).next();
            name == Some(instruction)
        });
        assert!(measured, "no row for {instruction}");
    }
    fs::write(&out, render(&rows)).expect("the table can be written");
}

/// A council of a size, and its people.
struct Bench {
    setup: Setup,
    voters: Vec<Keypair>,
}

impl Bench {
    /// `size` members: one guardian, who attests too, the rest vote; a majority decides.
    fn new(size: usize) -> Self {
        let voters: Vec<Keypair> = (0..size - 1)
            .map(|number| match number {
                0 => voter(0).insecure_clone(),
                _ => keypair(&format!("voter {number} of many")),
            })
            .collect();
        let threshold = (voters.len() / 2 + 1) as u32;
        let mut members: Vec<_> = voters
            .iter()
            .map(|key| member(key.pubkey(), ROLE_VOTE))
            .collect();
        members[0].roles |= ROLE_PROPOSE | ROLE_EXECUTE;
        members.push(Member {
            attests: 1,
            ..member(guardian(0).pubkey(), ROLE_GUARD | ROLE_ATTEST)
        });
        let with_threshold = |policy: Policy| Policy {
            threshold,
            message_validity_seconds: 3_600,
            trigger_threshold: 1,
            standby_validity_seconds: 86_400,
            ..policy
        };
        Self {
            setup: Setup {
                members: sorted(members),
                council_policy: with_threshold(council_policy()),
                policy: with_threshold(policy()),
                deployed: padded(SMALL, 1),
                ..Setup::default()
            },
            voters,
        }
    }

    fn run(&self, note: &mut impl FnMut(&str, u64)) {
        let mut world = World::bare();
        self.create(&mut world, note);
        let program = world.program;
        world.install(&program, &self.setup.deployed);
        let adopted = world.adopt(&self.setup).expect("adopts");
        note(
            "adopt_program ²",
            beside_hash(adopted.compute_units_consumed, SMALL),
        );
        let adopted = world;

        // One upgrade, from end to end.
        let mut world = adopted.clone();
        let proposed = self.propose(&mut world, SMALL, note);
        let mut most = 0;
        let (last, first) = self.voters[..self.threshold()]
            .split_last()
            .expect("voters");
        for voter in first {
            let done = world.approve(&proposed, voter).expect("approves");
            most = most.max(done.compute_units_consumed - BUDGET_INSTRUCTION);
        }
        note("approve ¹", most);
        let voting = world.clone();
        let done = world.approve(&proposed, last).expect("approves");
        note(
            "approve, which queues",
            done.compute_units_consumed - BUDGET_INSTRUCTION,
        );
        let queued = world.clone();
        let eta = world.proposal(&proposed).eta;
        world.warp_to(eta);
        let done = world.execute(&proposed).expect("executes");
        note(
            "execute_upgrade, 51 kB ²",
            beside_hash(done.compute_units_consumed, SMALL),
        );
        let done = world.close_proposal(&proposed).expect("closes");
        note(
            "close_proposal",
            done.compute_units_consumed - BUDGET_INSTRUCTION,
        );

        self.others(&voting, &queued, &proposed, note);
        self.large(note);
        self.lanes(&adopted, note);
        self.changes(&adopted, note);
        self.hashing(&adopted, note);
    }

    /// A world in which the council has adopted a program of these bytes.
    fn adopted(&self, deployed: Vec<u8>) -> World {
        let setup = Setup {
            deployed,
            ..self.setup.clone()
        };
        let mut world = World::bare();
        self.create(&mut world, &mut |_, _| {});
        let program = world.program;
        world.install(&program, &setup.deployed);
        world.adopt(&setup).expect("adopts");
        world
    }

    fn approve_all(&self, world: &mut World, proposed: &Proposed) {
        for voter in &self.voters[..self.threshold()] {
            world.approve(proposed, voter).expect("approves");
        }
    }

    fn threshold(&self) -> usize {
        self.setup.policy.threshold as usize
    }

    fn create(&self, world: &mut World, note: &mut impl FnMut(&str, u64)) {
        let key = create_key().pubkey();
        let mut batches = self.setup.members.chunks(BATCH);
        let args = CreateCouncilArgs {
            policy: self.setup.council_policy,
            delay_floor_seconds: self.setup.delay_floor_seconds,
            members: batches.next().unwrap_or_default().to_vec(),
        };
        let mut measure = |name: &str, instruction: Instruction| {
            let done = world.send(&[instruction], &[create_key()]).expect(name);
            done.compute_units_consumed - BUDGET_INSTRUCTION
        };
        let create = BUILDER.create_council(key, payer().pubkey(), args);
        note(
            "create_council, 16 members at most",
            measure("create_council", create),
        );
        let mut most = 0;
        for batch in batches {
            let add = BUILDER.add_members(key, batch.to_vec());
            most = most.max(measure("add_members", add));
        }
        note("add_members, 16 at most", most);
        note(
            "seal_council",
            measure("seal_council", BUILDER.seal_council(key)),
        );
    }

    /// Proposes and verifies an upgrade to `len` bytes.
    fn propose(&self, world: &mut World, len: usize, note: &mut impl FnMut(&str, u64)) -> Proposed {
        let content = padded(len, 2);
        let buffer = world.buffer(&content, &voter(0).pubkey());
        let proposed = world.next(buffer);
        let args = world.upgrade_args(&content);
        let done = world.propose_with(&proposed, args).expect("proposes");
        if len == SMALL {
            note(
                "propose_upgrade",
                done.compute_units_consumed - BUDGET_INSTRUCTION,
            );
        }
        let done = world.verify(&proposed).expect("verifies");
        if len == SMALL {
            note(
                "verify_buffer ²",
                beside_hash(done.compute_units_consumed, len),
            );
        }
        proposed
    }

    /// The instructions off the main road.
    fn others(
        &self,
        voting: &World,
        queued: &World,
        proposed: &Proposed,
        note: &mut impl FnMut(&str, u64),
    ) {
        let approver = &self.voters[0];
        let opponent = self.voters.last().expect("voters");
        let less = |units: u64| units - BUDGET_INSTRUCTION;

        let mut world = queued.clone();
        let done = world.retract(proposed, approver).expect("retracts");
        note(
            "retract, which clears eta",
            less(done.compute_units_consumed),
        );

        let mut world = voting.clone();
        let done = world.reject(proposed, opponent).expect("rejects");
        note("reject", less(done.compute_units_consumed));

        let mut world = voting.clone();
        let done = world.veto(proposed, guardian(0)).expect("vetoes");
        note("veto, which ends it", less(done.compute_units_consumed));

        let mut world = voting.clone();
        let done = world.cancel(proposed, voter(0)).expect("cancels");
        note("cancel", less(done.compute_units_consumed));
        let mut abandoned = world.clone();
        let done = world.return_buffer(proposed).expect("returns");
        note("return_buffer", less(done.compute_units_consumed));
        abandoned.pass(30 * DAY);
        let done = abandoned.close_buffer(proposed).expect("closes");
        note("close_buffer", less(done.compute_units_consumed));

        // A second proposal is approved while the first has the slot; the first is vetoed, and the second queued.
        let mut world = queued.clone();
        let second = self.propose(&mut world, SMALL, &mut |_, _| {});
        for voter in &self.voters[..self.threshold()] {
            world.approve(&second, voter).expect("approves");
        }
        world.veto(proposed, guardian(0)).expect("vetoes");
        let done = world.queue(&second).expect("queues");
        note("queue", less(done.compute_units_consumed));
    }

    /// 1.4 MB over 1.4 MB.
    fn large(&self, note: &mut impl FnMut(&str, u64)) {
        let mut world = self.adopted(padded(LARGE, 1));
        let proposed = self.propose(&mut world, LARGE, &mut |_, _| {});
        for voter in &self.voters[..self.threshold()] {
            world.approve(&proposed, voter).expect("approves");
        }
        let eta = world.proposal(&proposed).eta;
        world.warp_to(eta);
        let done = world.execute(&proposed).expect("executes");
        note(
            "execute_upgrade, 1.4 MB ²",
            beside_hash(done.compute_units_consumed, LARGE),
        );
    }
}

/// A real ELF of exactly this length.
fn padded(len: usize, fill: u8) -> Vec<u8> {
    let mut elf = elf::memo().to_vec();
    elf.resize(len, fill);
    elf
}

/// What an instruction took beside hashing `len` bytes.
fn beside_hash(units: u64, len: usize) -> u64 {
    units - BUDGET_INSTRUCTION - HASH_BASE - len as u64 / 2
}

fn render(rows: &Rows) -> String {
    let mut text = String::from(
        "# What it costs\n\n\
         Made by `make bench` from the committed ELF, on LiteSVM 0.16 with mainnet's features; CI fails when it is not current.\n\n\
         ## Compute units\n\n\
         By members of the council; a majority of the voters decides. A transaction's own overhead is not in it.\n\n",
    );
    let sizes: Vec<String> = SIZES.iter().map(|size| format!("{size} members")).collect();
    let _ = writeln!(text, "| instruction | {} |", sizes.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(SIZES.len()));
    for (name, values) in rows {
        let values: Vec<String> = values
            .iter()
            .map(|value| {
                if *value == 0 {
                    "–".into()
                } else {
                    grouped(*value)
                }
            })
            .collect();
        let _ = writeln!(text, "| {name} | {} |", values.join(" | "));
    }
    let _ = write!(
        text,
        "\n¹ The dearest of all that do not queue. The position of the voter and the bump of an address make some units' difference.\n\n\
         ² Without the hash, which costs 85 and half a unit a byte (`sol_sha256`, Agave 4.2): {} for a 51 kB ELF, {} for one of \
         1.4 MB. Adopting hashes the deployed bytes; verifying and executing hash the buffer.\n\n\
         ³ The ed25519 program's instruction before it costs no compute units, but a signature's fee.\n\n\
         ⁴ A step of one block; every byte more costs 61 units. See the large programs below.\n\n",
        grouped(HASH_BASE + SMALL as u64 / 2),
        grouped(HASH_BASE + LARGE as u64 / 2),
    );
    let svm = World::bare().svm;
    text.push_str(
        "## Accounts\n\n| account | bytes | rent, lamports | comes back |\n|---|---:|---:|---|\n",
    );
    for (name, space, back) in [
        ("council", Council::SPACE, "no: one for all its gates"),
        ("gate", Gate::SPACE, "no: a gate is never closed"),
        ("proposal", Proposal::SPACE, "all, with `close_proposal`"),
        (
            "attestation, without its URI",
            Attestation::SPACE,
            "all, with `revoke_attestation` or `close_attestation`",
        ),
        ("hashing", Hashing::SPACE, "all, with the last step"),
    ] {
        let rent = svm.minimum_balance_for_rent_exemption(space);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {back} |",
            grouped(space as u64),
            grouped(rent)
        );
    }
    text.push_str(
        "\nA proposal's size does not grow with the council. The buffer's rent goes to the spill account when the upgrade \
         executes, or stays the depositor's.\n\n\
         ## One whole upgrade\n\n\
         Beside writing the buffer, which every upgrade needs.\n\n\
         | step | transactions | signatures |\n|---|---:|---:|\n\
         | `propose_upgrade` and `verify_buffer` | 1 | 1 |\n\
         | `approve`, each voter | 1 | 1 |\n\
         | `execute_upgrade` | 1 | 1 |\n\
         | `close_proposal` | 1 | 1 |\n\
         | in all, 2 of 3 | 5 | 5 |\n\n",
    );
    text.push_str(&governance::render_steps());
    let _ = write!(
        text,
        "## The program\n\nELF: {} bytes.\n",
        grouped(elf::portcullis().len() as u64)
    );
    text
}

/// 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
