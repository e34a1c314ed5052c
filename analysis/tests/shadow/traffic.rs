//! Varied traffic of a token program: every instruction that matters, by members who sometimes have no right to it.

use solana_sdk::program_pack::Pack;
use solana_sdk::{
    instruction::{AccountMeta, Instruction},
    pubkey::Pubkey,
    signature::{Keypair, Signer},
};
use spl_token_interface::{
    instruction::{self as token, AuthorityType},
    state::{Account, Mint, Multisig},
};

const OWNERS: u64 = 6;
const MINTS: u64 = 3;
const ACCOUNTS: u64 = 24;
const DECIMALS: u8 = 6;
/// More than enough for either account to be free of rent.
const RENT: u64 = 10_000_000;

/// Instructions for one transaction, and who signs them beside the payer.
pub struct Step {
    pub instructions: Vec<Instruction>,
    #[allow(dead_code)] // Not where signatures are not checked.
    pub signers: Vec<Keypair>,
}

/// A source of steps, the same for the same seed.
pub struct Traffic {
    pub program: Pubkey,
    pub payer: Keypair,
    seed: u64,
    setup: u64,
    fresh: u64,
}

fn key(kind: u8, number: u64) -> Keypair {
    let mut seed = [kind; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Keypair::new_from_array(seed)
}

fn owner(number: u64) -> Keypair {
    key(b'o', number)
}

fn mint(number: u64) -> Keypair {
    key(b'm', number)
}

fn account(number: u64) -> Keypair {
    key(b'a', number)
}

fn multisig() -> Keypair {
    key(b's', 0)
}

impl Traffic {
    pub fn new(program: Pubkey, seed: u64) -> Self {
        Self {
            program,
            payer: key(b'p', 0),
            seed: seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15),
            setup: 0,
            fresh: ACCOUNTS,
        }
    }

    /// What holds of every token: the accounts of a mint hold all that there is of it.
    #[allow(dead_code)] // Not in benches.
    pub fn invariants() -> String {
        let each = (0..MINTS).map(|number| {
            let mint = mint(number).pubkey();
            format!(
                "[[invariants]]\nname = \"all of mint {number}\"\n\
                 expression = \"mint == null || sum(accounts.map(one, one.amount)) == mint.supply\"\n\
                 accounts.mint = {{ address = \"{mint}\", type = \"mint\", optional = true }}\n\
                 accounts.accounts = {{ all = true, type = \"token-account\", where = {{ mint = \"{mint}\" }}, at_least = 0 }}\n\n"
            )
        });
        each.collect()
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % below
    }

    fn create(&self, address: &Pubkey, space: usize) -> Instruction {
        let mut data = 0_u32.to_le_bytes().to_vec();
        data.extend(RENT.to_le_bytes());
        data.extend((space as u64).to_le_bytes());
        data.extend(self.program.as_ref());
        let accounts = vec![
            AccountMeta::new(self.payer.pubkey(), true),
            AccountMeta::new(*address, true),
        ];
        Instruction::new_with_bytes(Pubkey::default(), &data, accounts)
    }

    /// The next transaction.
    pub fn step(&mut self) -> Step {
        let (mut instructions, signers) = self.next();
        for instruction in &mut instructions {
            if instruction.program_id == spl_token_interface::ID {
                instruction.program_id = self.program;
            }
        }
        Step {
            instructions,
            signers,
        }
    }

    fn next(&mut self) -> (Vec<Instruction>, Vec<Keypair>) {
        let place = self.setup;
        self.setup += 1;
        let id = spl_token_interface::ID;
        if place < MINTS {
            let (mint, authority) = (mint(place), owner(0).pubkey());
            let create = self.create(&mint.pubkey(), Mint::LEN);
            let init = token::initialize_mint2(
                &id,
                &mint.pubkey(),
                &authority,
                Some(&authority),
                DECIMALS,
            );
            return (vec![create, init.unwrap()], vec![mint]);
        }
        if place == MINTS {
            let members: Vec<Pubkey> = (0..3).map(|n| owner(n).pubkey()).collect();
            let members: Vec<&Pubkey> = members.iter().collect();
            let create = self.create(&multisig().pubkey(), Multisig::LEN);
            let init = token::initialize_multisig2(&id, &multisig().pubkey(), &members, 2).unwrap();
            return (vec![create, init], vec![multisig()]);
        }
        let place = place - MINTS - 1;
        if place < ACCOUNTS {
            return self.open(place);
        }
        self.act()
    }

    /// A new account; every sixth belongs to the multisig.
    fn open(&mut self, number: u64) -> (Vec<Instruction>, Vec<Keypair>) {
        let new = account(number);
        let holder = match number % 6 {
            5 => multisig().pubkey(),
            n => owner(n).pubkey(),
        };
        let create = self.create(&new.pubkey(), Account::LEN);
        let init = token::initialize_account3(
            &spl_token_interface::ID,
            &new.pubkey(),
            &mint(number % MINTS).pubkey(),
            &holder,
        );
        (vec![create, init.unwrap()], vec![new])
    }

    /// Whoever owns an account, or now and then somebody else.
    fn acting(&mut self, number: u64) -> Keypair {
        match self.random(10) {
            0 => owner(self.random(OWNERS)),
            _ => owner(number % 6),
        }
    }

    fn act(&mut self) -> (Vec<Instruction>, Vec<Keypair>) {
        let id = &spl_token_interface::ID;
        let from = self.random(ACCOUNTS);
        let to = match self.random(8) {
            0 => self.random(ACCOUNTS),
            _ => (from + MINTS * self.random(ACCOUNTS / MINTS)) % ACCOUNTS,
        };
        let of = mint(from % MINTS).pubkey();
        let (source, target) = (account(from).pubkey(), account(to).pubkey());
        let amount = self.random(400);
        let acts = self.acting(from);
        let who = acts.pubkey();
        let boss = owner(if self.random(12) == 0 { 1 } else { 0 });
        let second = owner(self.random(OWNERS));
        if from % 6 == 5 {
            // Two of three members, or only one.
            let (a, b) = (owner(self.random(3)), owner(self.random(3)));
            let signers = [&a.pubkey(), &b.pubkey()];
            let owned = multisig().pubkey();
            let instruction = match self.random(3) {
                0 => token::transfer(id, &source, &target, &owned, &signers, amount),
                1 => token::approve(id, &source, &second.pubkey(), &owned, &signers, amount),
                _ => token::burn(id, &source, &of, &owned, &signers, amount),
            };
            return (vec![instruction.unwrap()], vec![a, b]);
        }
        let decimals = if self.random(15) == 0 { 9 } else { DECIMALS };
        let (instruction, signer) = match self.random(24) {
            0..=4 => (
                token::mint_to(id, &of, &source, &boss.pubkey(), &[], amount * 3),
                boss,
            ),
            5..=9 => (
                token::transfer(id, &source, &target, &who, &[], amount),
                acts,
            ),
            10..=12 => (
                token::transfer_checked(id, &source, &of, &target, &who, &[], amount, decimals),
                acts,
            ),
            13 => (
                token::approve(id, &source, &second.pubkey(), &who, &[], amount),
                acts,
            ),
            14 => (
                token::transfer(id, &source, &target, &second.pubkey(), &[], amount / 4),
                second,
            ),
            15 => (token::revoke(id, &source, &who, &[]), acts),
            16 => (token::burn(id, &source, &of, &who, &[], amount), acts),
            17 if self.random(5) == 0 => (
                token::freeze_account(id, &source, &of, &boss.pubkey(), &[]),
                boss,
            ),
            17..=19 => (
                token::thaw_account(id, &source, &of, &boss.pubkey(), &[]),
                boss,
            ),
            20 => return self.queries(&of, amount),
            21 => return self.come_and_go(),
            22 => {
                let kind = AuthorityType::CloseAccount;
                (
                    token::set_authority(id, &source, Some(&who), kind, &who, &[]),
                    acts,
                )
            }
            _ => {
                let first = token::transfer(id, &source, &target, &who, &[], amount / 2).unwrap();
                let back = token::transfer(id, &target, &source, &who, &[], amount / 3).unwrap();
                return (vec![first, back], vec![acts]);
            }
        };
        (vec![instruction.unwrap()], vec![signer])
    }

    /// What answers with return data.
    fn queries(&mut self, of: &Pubkey, amount: u64) -> (Vec<Instruction>, Vec<Keypair>) {
        let id = &spl_token_interface::ID;
        let instruction = match self.random(3) {
            0 => token::get_account_data_size(id, of),
            1 => token::amount_to_ui_amount(id, of, amount),
            _ => token::ui_amount_to_amount(id, of, "12.5"),
        };
        (vec![instruction.unwrap()], Vec::new())
    }

    /// An account that is opened, or opened and closed again.
    fn come_and_go(&mut self) -> (Vec<Instruction>, Vec<Keypair>) {
        let number = self.fresh;
        self.fresh += 1;
        let (mut instructions, mut signers) = self.open(number);
        if self.random(2) == 0 && number % 6 != 5 {
            let (closed, holder) = (account(number).pubkey(), owner(number % 6));
            let to = self.payer.pubkey();
            instructions.push(
                token::close_account(
                    &spl_token_interface::ID,
                    &closed,
                    &to,
                    &holder.pubkey(),
                    &[],
                )
                .unwrap(),
            );
            signers.push(holder);
        }
        (instructions, signers)
    }
}
