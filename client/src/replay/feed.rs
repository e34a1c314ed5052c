//! Which instruction it is.

use anchor_lang::{AnchorDeserialize, Discriminator};
use portcullis::{
    decode::decode,
    instruction as data,
    instructions::{HashStepArgs, MessageVote, RelayVoteArgs},
    lifecycle::Now,
    state::Member,
    transitions::{
        self as t, AdoptArgs, AttestArgs, ChangeArgs, CreateCouncilArgs, Signed, UpgradeArgs,
        VoteArgs,
    },
};
use solana_sdk::pubkey::Pubkey;

use super::{call::Call, Entry, Replay, ReplayError};
use crate::{concerns::council_of, event::Event};

/// The arguments of the instruction if it is this one.
fn args<T: AnchorDeserialize>(
    data: &[u8],
    discriminator: &[u8],
    instruction: &'static str,
) -> Option<Result<T, ReplayError>> {
    let body = data.strip_prefix(discriminator)?;
    Some(decode(body).ok_or(ReplayError::BadArguments { instruction }))
}

impl Replay {
    /// Replays one instruction of Portcullis that succeeded; `keys` are its accounts in order, `now` the cluster's clock in
    /// its slot. Returns the events, with their places in the chains: two for an adoption, which is in the gate's and
    /// the council's, else one, and none for another council's instruction.
    ///
    /// # Errors
    /// Those of [`ReplayError`]; the state is then as before.
    pub fn feed(
        &mut self,
        data: &[u8],
        keys: &[Pubkey],
        now: Now,
    ) -> Result<Vec<Entry>, ReplayError> {
        if let (Some(only), Some(council)) = (&self.only, council_of(data, keys)) {
            if !only.contains(&council) {
                return Ok(Vec::new());
            }
        }
        macro_rules! dispatch {
            ($($type:ident($args:ty) $name:literal => $handler:expr;)+) => {
                $(if let Some(args) = args::<$args>(data, data::$type::DISCRIMINATOR, $name) {
                    let call = Call { name: $name, keys, passed: 0, now };
                    #[allow(clippy::redundant_closure_call)]
                    return ($handler)(&call, args?);
                })+
            };
        }
        dispatch! {
            CreateCouncil(CreateCouncilArgs) "create_council" => |call, args| self.create_council(call, args);
            AddMembers(Vec<Member>) "add_members" => |call, args| self.build_council(call, |council, key| {
                t::add_members(council, key, args, now)
            });
            SealCouncil(()) "seal_council" => |call, ()| self.build_council(call, |council, key| {
                t::seal_council(council, key, now)
            });
            AdoptProgram(AdoptArgs) "adopt_program" => |call, args| self.adopt_program(call, &args);
            AbandonAdoption(()) "abandon_adoption" => |call, ()| self.abandon_adoption(call);
            ProposeUpgrade(UpgradeArgs) "propose_upgrade" => |call, args| self.propose_upgrade(call, args);
            ReproposeUpgrade(UpgradeArgs) "repropose_upgrade" => |call, args| self.repropose_upgrade(call, args);
            ProposeChange(ChangeArgs) "propose_change" => |call, args| self.propose_change(call, args);
            VerifyBuffer(()) "verify_buffer" => |call, ()| self.step(call, |parent, proposal, _| {
                t::verify_buffer(parent, proposal, now)
            });
            HashBuffer(HashStepArgs) "hash_buffer" => |call, args| self.hash_buffer(call, &args);
            HashProgram(HashStepArgs) "hash_program" => |call, args| self.hash_program(call, &args);
            CloseHashing(()) "close_hashing" => |call, ()| self.close_hashing(call);
            Approve(VoteArgs) "approve" => |call, args| self.vote(call, &args, |parent, proposal, key, member| {
                t::approve(parent, proposal, key, member, &args, Signed::Transaction, now)
            });
            Reject(VoteArgs) "reject" => |call, args| self.vote(call, &args, |parent, proposal, key, member| {
                t::reject(parent, proposal, key, member, &args, Signed::Transaction, now)
            });
            Retract(VoteArgs) "retract" => |call, args| self.vote(call, &args, |parent, proposal, key, member| {
                t::retract(parent, proposal, key, member, &args, now)
            });
            Veto(VoteArgs) "veto" => |call, args| self.vote(call, &args, |parent, proposal, key, member| {
                t::veto(parent, proposal, key, member, &args, Signed::Transaction, now)
            });
            Trigger(VoteArgs) "trigger" => |call, args| self.vote(call, &args, |parent, proposal, _, member| {
                t::trigger(parent, proposal, member, &args, Signed::Transaction, now)
            });
            // That the member signed the message, the ed25519 program has made sure on the chain.
            RelayVote(RelayVoteArgs) "relay_vote" => |call, args: RelayVoteArgs| self.vote(call, &args.vote, |parent, proposal, key, member| {
                let (vote, signed) = (&args.vote, Signed::Message);
                match args.verb {
                    MessageVote::Approve => t::approve(parent, proposal, key, member, vote, signed, now).map(Event::from),
                    MessageVote::Reject => t::reject(parent, proposal, key, member, vote, signed, now).map(Event::from),
                    MessageVote::Veto => t::veto(parent, proposal, key, member, vote, signed, now).map(Event::from),
                    MessageVote::Trigger => t::trigger(parent, proposal, member, vote, signed, now).map(Event::from),
                }
            });
            Attest(AttestArgs) "attest" => |call, args| self.attest(call, args, Signed::Transaction);
            RelayAttestation(AttestArgs) "relay_attestation" => |call, args| self.attest(call, args, Signed::Message);
            RevokeAttestation(VoteArgs) "revoke_attestation" => |call, args| self.revoke_attestation(call, &args);
            CloseAttestation(()) "close_attestation" => |call, ()| self.close_attestation(call);
            Cancel(()) "cancel" => |call, ()| self.signed_step(call, |parent, proposal, key, proposer| {
                t::cancel(parent, proposal, key, proposer, now)
            });
            Queue(()) "queue" => |call, ()| self.step(call, |parent, proposal, key| {
                t::queue(parent, proposal, key, now)
            });
            ExecuteUpgrade(()) "execute_upgrade" => |call, ()| self.execute_upgrade(call);
            ExecuteChange(()) "execute_change" => |call, ()| self.execute_change(call);
            TransferAuthority(()) "transfer_authority" => |call, ()| self.execute_change(call);
            FinalizeProgram(()) "finalize_program" => |call, ()| self.execute_change(call);
            MoveGate(()) "move_gate" => |call, ()| self.execute_change(call);
            ReturnBuffer(()) "return_buffer" => |call, ()| self.step(call, |parent, proposal, key| {
                t::return_buffer(parent, proposal, key, now)
            });
            CloseBuffer(()) "close_buffer" => |call, ()| self.step(call, |parent, proposal, key| {
                t::close_buffer(parent, proposal, key, now)
            });
            CloseProposal(()) "close_proposal" => |call, ()| self.close_proposal(call);
        }
        Err(ReplayError::UnknownInstruction)
    }
}
