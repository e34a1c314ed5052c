//! Giving and revoking attestations.

use portcullis::{
    state::find_attestation,
    transitions::{self, AttestAccounts, AttestArgs, Signed, VoteArgs},
};

use super::{call::Call, step::learn_digest, Entry, Replay, ReplayError};

impl Replay {
    pub(super) fn attest(
        &mut self,
        call: &Call,
        args: AttestArgs,
        signed: Signed,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [attester, rent_payer] = call.accounts()?;
        let portcullis = self.portcullis;
        let mut record = None;
        let entries = self.step(&call.behind(2), |parent, proposal, key| {
            learn_digest(proposal, &args.vote);
            let (address, bump) = find_attestation(&portcullis, &key, &attester);
            let accounts = AttestAccounts {
                proposal: key,
                attester,
                rent_payer,
                bump,
            };
            let (attestation, event) =
                transitions::attest(parent, proposal, &accounts, args, signed, call.now)?;
            record = Some((address, attestation));
            Ok(event)
        })?;
        self.attestations.extend(record);
        Ok(entries)
    }

    pub(super) fn revoke_attestation(
        &mut self,
        call: &Call,
        args: &VoteArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_attester, _council, _gate, _proposal, address] = call.accounts()?;
        let attestation = call.found(&self.attestations, &address)?;
        let entries = self.vote(call, args, |parent, proposal, key, _| {
            transitions::revoke_attestation(parent, proposal, key, &attestation, args, call.now)
        })?;
        self.attestations.remove(&address);
        Ok(entries)
    }

    pub(super) fn close_attestation(&mut self, call: &Call) -> Result<Vec<Entry>, ReplayError> {
        let [_proposal, address] = call.accounts()?;
        self.attestations.remove(&address);
        Ok(Vec::new())
    }
}
