//! The record: the log chains folded anew, and all state rebuilt from the instructions alone.

use portcullis::{record::Log, state::Attestation};
use portcullis_client::replay::Replay;
use solana_sdk::{instruction::Instruction, pubkey::Pubkey};

use super::{compare::Check, drive::Run, *};
use crate::{
    record::fold, Council as CouncilAccount, Gate as GateAccount, Proposal as ProposalAccount,
};

impl Run {
    /// The log chains of all councils and gates.
    pub(super) fn logs(&self) -> Vec<(Pubkey, Log)> {
        let councils = (0..self.model.councils.len()).map(start::council);
        let councils = councils.map(|key| (key, self.world.read::<CouncilAccount>(&key).log));
        let gates = (0..self.model.programs.len()).map(|id| {
            let key = start::gate(id);
            let there = !self.world.is_gone(&key);
            let log = there.then(|| self.world.read::<GateAccount>(&key).log);
            (key, log.unwrap_or_default())
        });
        councils.chain(gates).collect()
    }

    /// What was logged is what has been folded into each chain that has grown; the replay does without what was dropped.
    pub(super) fn check_logs(
        &self,
        before: Vec<(Pubkey, Log)>,
        events: &[Vec<u8>],
        padded: bool,
    ) -> Check {
        if padded {
            return match events {
                [] => Ok(()),
                _ => Err("the padding is too short".to_string()),
            };
        }
        for ((key, mut log), (_, after)) in before.into_iter().zip(self.logs()) {
            if log == after {
                continue;
            }
            let [event] = events else {
                return Err(format!("{} events of one transition", events.len()));
            };
            fold(&mut log, &key, event);
            if log != after {
                return Err(format!("another event in the chain of {key}"));
            }
        }
        Ok(())
    }

    /// Rebuilds all state from the instructions alone, logs ignored, heads of the log chains included.
    pub(super) fn replay(&self) -> Check {
        let mut replay = Replay::new(portcullis::ID);
        for (instruction, now) in &self.history {
            let keys: Vec<_> = instruction.accounts.iter().map(|m| m.pubkey).collect();
            replay
                .feed(&instruction.data, &keys, *now)
                .map_err(|error| format!("replay: {error}"))?;
        }
        for id in 0..self.model.councils.len() {
            let (key, replayed) = (start::council(id), &replay.councils);
            let found: CouncilAccount = self.world.read(&key);
            if replayed
                .get(&key)
                .is_none_or(|council| bytemuck::bytes_of(council) != bytemuck::bytes_of(&found))
            {
                return Err(format!("replay: another council {id}"));
            }
        }
        for id in 0..self.model.programs.len() {
            let (key, replayed) = (start::gate(id), &replay.gates);
            if self.model.gates[id].is_none() {
                continue;
            }
            let found: GateAccount = self.world.read(&key);
            if replayed
                .get(&key)
                .is_none_or(|gate| bytemuck::bytes_of(gate) != bytemuck::bytes_of(&found))
            {
                return Err(format!("replay: another gate {id}"));
            }
        }
        for id in 0..self.model.proposals.len() {
            let key = self.model.address(id);
            if self.model.proposals[id].closed {
                continue;
            }
            let data = &self.world.account(&key).data[8..ProposalAccount::SPACE];
            if !replay.matches_proposal(&key, &bytemuck::pod_read_unaligned(data)) {
                return Err(format!("replay: another proposal {id}"));
            }
        }
        for (key, attestation) in &replay.attestations {
            let found: Attestation = self.world.read(key);
            if bytemuck::bytes_of(attestation) != bytemuck::bytes_of(&found) {
                return Err(format!("replay: another attestation {key}"));
            }
        }
        let open = self.model.proposals.iter().filter(|p| !p.closed).count();
        let attested: usize = self.model.proposals.iter().map(|p| p.attested.len()).sum();
        if replay.proposals.len() != open || replay.attestations.len() != attested {
            return Err("replay: other proposals or attestations".to_string());
        }
        Ok(())
    }
}

/// So many logs that all that come behind them are dropped.
pub(super) fn padding() -> Vec<Instruction> {
    let memo = |len| Instruction {
        program_id: Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'a'; len],
    };
    // The limit is 10,000 bytes; short ones fill what long ones leave.
    [[memo(4_000), memo(4_000)].to_vec(), vec![memo(1); 12]].concat()
}
