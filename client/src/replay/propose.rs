//! Making proposals.

use portcullis::{
    change::Change,
    error::PortcullisError,
    state::{Parent, Proposal},
    transitions::{self, ChangeAccounts, ChangeArgs, UpgradeAccounts, UpgradeArgs},
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError, UNKNOWN};
use crate::event::Event;

impl Replay {
    pub(super) fn propose_upgrade(
        &mut self,
        call: &Call,
        args: UpgradeArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council, gate, key, buffer, _authority, spill] =
            call.accounts()?;
        let change = args.predecessor.map(Change::Upgrade);
        let accounts = UpgradeAccounts {
            gate,
            buffer,
            spill,
            proposer,
            rent_payer,
        };
        self.propose(call, [council, gate, key], change, |parent, proposal, _| {
            transitions::propose_upgrade(parent, proposal, &accounts, UNKNOWN, args, call.now)
        })
    }

    pub(super) fn repropose_upgrade(
        &mut self,
        call: &Call,
        args: UpgradeArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council, gate, former_key, key] = call.accounts()?;
        let mut former = call.found(&self.proposals, &former_key)?;
        let change = args.predecessor.map(Change::Upgrade);
        let accounts = UpgradeAccounts {
            gate,
            buffer: former.terms.buffer,
            spill: former.terms.spill,
            proposer,
            rent_payer,
        };
        let entries = self.propose(call, [council, gate, key], change, |parent, proposal, _| {
            transitions::repropose_upgrade(
                parent,
                &mut former,
                &former_key,
                proposal,
                &accounts,
                UNKNOWN,
                args,
                call.now,
            )
        })?;
        self.proposals.insert(former_key, former);
        Ok(entries)
    }

    pub(super) fn propose_change(
        &mut self,
        call: &Call,
        args: ChangeArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [proposer, rent_payer, council, gate, key] = call.accounts()?;
        let change = Some(args.change.clone());
        self.propose(
            call,
            [council, gate, key],
            change,
            |parent, proposal, parent_key| {
                let accounts = ChangeAccounts {
                    parent: parent_key,
                    proposer,
                    rent_payer,
                };
                transitions::propose_change(parent, proposal, &accounts, UNKNOWN, args, call.now)
            },
        )
    }

    fn propose<E: Into<Event>>(
        &mut self,
        call: &Call,
        keys: [Pubkey; 3],
        change: Option<Change>,
        transition: impl FnOnce(&mut Parent, &mut Proposal, Pubkey) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let mut work = self.work_on_new(call, keys)?;
        let entry = work.apply(call, transition)?;
        self.changes.extend(change.map(|change| (work.key, change)));
        self.keep(work);
        Ok(vec![entry])
    }
}
