//! Whether a gate still holds its program, and how its life began.

use portcullis::{
    lifecycle::{Action, Ending},
    state::{Gate, GateState, Proposal},
};
use portcullis_client::{account::Keyed, pda, ClientError};
use serde_json::{json, Value};
use solana_sdk::pubkey::Pubkey;

use super::{action_name, time};
use crate::{context::Context, error::CliError};

/// Who holds the upgrade authority of a gate's program.
pub struct Hold {
    holder: Option<Pubkey>,
    holds: bool,
    began_with: Option<Proposal>,
    program: Pubkey,
}

/// Finds out who holds the upgrade authority of a gate's program; warns where it is not the gate.
///
/// # Errors
/// Those of the RPC server.
pub async fn hold(ctx: &Context, gate: &Keyed<Gate>) -> Result<Hold, CliError> {
    let client = ctx.client()?;
    let program = gate.account.program;
    let (holder, shown) = match client.fetch_programdata(&program).await {
        Ok(found) => match found.account.upgrade_authority {
            Some(key) => (Some(key), key.to_string()),
            None => (None, "nobody: it can never change".to_string()),
        },
        // Who took it over from the gate may have closed it.
        Err(ClientError::NotFound { .. }) => (None, "nobody: it is closed".to_string()),
        Err(error) => return Err(error.into()),
    };
    let holds = holder == Some(pda::authority(&ctx.portcullis(), &program));
    let exited = gate.account.state() == Ok(GateState::Exited);
    match (holds, exited) {
        (false, true) => ctx.out.warn(format!(
            "the program has left its gate; its upgrade authority is {shown}"
        )),
        (false, false) => ctx.out.alarm(format!(
            "the gate does not hold the upgrade authority of {program}, but {shown}"
        )),
        (true, _) => {}
    }
    let proposals = client.list_proposals(&gate.address).await?;
    let began_with = proposals.into_iter().find_map(|stored| {
        let proposal = stored.account.proposal;
        let before = proposal.terms.life.checked_add(1) == Some(gate.account.life);
        let executed = proposal.ending == Ending::Executed as u8;
        let ends_life = matches!(
            proposal.terms.action(),
            Ok(Action::TransferAuthority | Action::MoveGate | Action::Finalize)
        );
        (before && executed && ends_life).then_some(proposal)
    });
    Ok(Hold {
        holder,
        holds,
        began_with,
        program,
    })
}

impl Hold {
    /// Adds it to a gate for programs. `life_began_with` is the proposal that ended the life before; null for an adoption, and
    /// where its account is closed: then the history tells.
    pub fn add_to(&self, data: &mut Value) {
        data["upgrade_authority"] = json!(self.holder.map(|key| key.to_string()));
        data["holds_upgrade_authority"] = json!(self.holds);
        data["life_began_with"] = match &self.began_with {
            None => Value::Null,
            Some(proposal) => json!({
                "action": proposal.terms.action().map_or("unknown", action_name),
                "ref": format!("{}/{}", self.program, proposal.terms.index),
                "at": time(proposal.ended_at),
            }),
        };
    }
}
