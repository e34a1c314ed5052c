//! Making a council.

use bytemuck::Zeroable;
use portcullis::{
    error::PortcullisError,
    state::{find_council, Council},
    transitions::{self, CreateCouncilArgs},
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError};
use crate::event::Event;

impl Replay {
    pub(super) fn create_council(
        &mut self,
        call: &Call,
        args: CreateCouncilArgs,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [create_key, _payer, key] = call.accounts()?;
        let mut council = Council::zeroed();
        council.bump = find_council(&self.portcullis, &create_key).1;
        self.apply_to_council(call, key, council, |council| {
            transitions::create_council(council, key, create_key, args, call.now)
        })
    }

    /// Applies a transition to a council that is not sealed.
    pub(super) fn build_council<E: Into<Event>>(
        &mut self,
        call: &Call,
        transition: impl FnOnce(&mut Council, Pubkey) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let [_create_key, key] = call.accounts()?;
        let council = call.found(&self.councils, &key)?;
        self.apply_to_council(call, key, council, |council| transition(council, key))
    }

    fn apply_to_council<E: Into<Event>>(
        &mut self,
        call: &Call,
        key: Pubkey,
        mut council: Council,
        transition: impl FnOnce(&mut Council) -> Result<E, PortcullisError>,
    ) -> Result<Vec<Entry>, ReplayError> {
        let event = transition(&mut council).map_err(|refusal| call.refused(refusal))?;
        let entry = call.fold(&mut council.log, key, event.into())?;
        self.councils.insert(key, council);
        Ok(vec![entry])
    }
}
