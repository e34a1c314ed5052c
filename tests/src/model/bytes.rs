//! What the loader holds, and hashes in the making: compared in place, because it is large.

use anchor_lang::Discriminator;
use portcullis::state::Hashing as HashingAccount;
use portcullis_client::{account::BUFFER_HEADER, pda};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_sdk::{pubkey::Pubkey, signer::Signer};

use super::{
    compare::{equal, holder, Check, Compared},
    *,
};
use crate::elf;

impl Compared<'_> {
    pub(super) fn program(&self, id: Id) -> Check {
        let program = &self.model.programs[id];
        let header = elf::programdata(program.deployed, holder(program.authority), &[]).data;
        let Some(found) = self.found(&pda::programdata(&start::program(id))) else {
            return Err(format!("program {id}: no programdata"));
        };
        let (found_header, content) = found.data().split_at(header.len());
        // Behind an authority that was taken away the loader leaves the bytes of the former one.
        let compared = match program.authority {
            Holder::Nobody => 13,
            _ => header.len(),
        };
        equal(
            &format!("header of program {id}"),
            &header[..compared],
            &found_header[..compared],
        )?;
        equal(
            &format!("lamports of program {id}"),
            elf::rent(header.len() + program.capacity),
            found.lamports(),
        )?;
        let build = start::build(program.build);
        let same = content.len() == program.capacity
            && content.starts_with(build)
            && content[build.len()..].iter().all(|byte| *byte == 0);
        if !same {
            return Err(format!("program {id} has other bytes"));
        }
        Ok(())
    }

    /// An account as it is, without a copy of its bytes.
    fn found(&self, key: &Pubkey) -> Option<&AccountSharedData> {
        let found = self.world.svm.accounts_db().inner.get(key);
        found.filter(|account| account.lamports() > 0)
    }

    pub(super) fn hashing(&self, target: Target, hashing: &Hashing) -> Result<Pubkey, String> {
        let of = self.model.target_key(target);
        let key = pda::hashing(&portcullis::ID, &of);
        let Some(found) = self.found(&key) else {
            return Err(format!("hash of {target:?}: none on chain"));
        };
        let payer = start::payers()[hashing.payer].pubkey();
        let words = start::words(hashing.build, hashing.done);
        let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let expected = [
            HashingAccount::DISCRIMINATOR,
            of.as_ref(),
            &hashing.life.to_le_bytes(),
            // The version; the bump; reserved.
            &[1, found.data().get(45).copied().unwrap_or(0), 0, 0],
            payer.as_ref(),
            &words,
            &hashing.done.to_le_bytes(),
        ];
        equal(
            &format!("hash of {target:?}"),
            &expected.concat()[..],
            found.data(),
        )?;
        Ok(key)
    }

    pub(super) fn buffer(&self, id: Id) -> Check {
        let found = self.found(&start::buffer(id));
        let same = match (self.model.buffers[id].content, found) {
            (None, None) => true,
            (Some((by, build)), Some(found)) => {
                let content = found
                    .data()
                    .strip_prefix(&elf::buffer(holder(by), &[]).data[..]);
                content == Some(start::build(build))
                    && found.lamports() == start::buffer_lamports(build)
            }
            _ => false,
        };
        if same {
            return Ok(());
        }
        let header =
            found.map(|account| &account.data()[..account.data().len().min(BUFFER_HEADER)]);
        Err(format!(
            "buffer {id}: model {:?}, chain header {header:?}",
            self.model.buffers[id]
        ))
    }
}
