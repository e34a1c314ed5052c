//! Events of which nothing is proven: where the history cannot be rebuilt, they are what the transactions' logs say, and the proposals
//! are as the server shows them.

use std::collections::VecDeque;

use portcullis::lifecycle::Now;
use serde_json::Value;
use solana_sdk::{pubkey::Pubkey, signature::Signature};

use super::{
    follow::{Follower, Pending},
    scene::{status, watched_gate},
    ChainLink, Since, Update, WatchedEvent, WatchedProposal,
};
use crate::{
    concerns::concerns,
    error::ClientError,
    event::{decode_event, Event},
    history::ExecutedTransaction,
    pda,
    replay::Replay,
    rpc::ProposalFilter,
};

impl Follower {
    /// The transaction behind which the watch begins.
    pub(super) async fn place_before(
        &self,
        since: Since,
    ) -> Result<Option<Signature>, ClientError> {
        match since {
            Since::Beginning => Ok(None),
            Since::After(signature) => Ok(Some(signature)),
            Since::Now => {
                let all = self.client.signatures_of(&self.council, None).await?;
                Ok(all.last().map(|(_, signature)| *signature))
            }
        }
    }

    pub(super) async fn look_unverified(
        &mut self,
        updates: &mut VecDeque<Update>,
    ) -> Result<(), ClientError> {
        let signatures = self.new_signatures().await?;
        let now = match signatures.is_empty() && !self.scene.councils.is_empty() {
            true => self.client.now().await.map(|now| self.later(now))?,
            false => self.show().await?,
        };
        for signature in signatures {
            match self.client.executed_transaction(signature).await {
                Ok(Some(transaction)) if !self.told_since.contains(&signature) => {
                    self.take_logs(&transaction, now);
                }
                Ok(_) => {}
                Err(error @ ClientError::TransactionNotFound { .. }) => {
                    let reason = error.to_string();
                    updates.push_back(Update::Trouble { reason });
                }
                Err(error) => return Err(error),
            }
            self.newest = Some(signature);
        }
        self.settle();
        updates.extend(self.pending.drain(..).map(|pending| match pending {
            Pending::Event(event) => Update::Event(event),
            Pending::Status(change) => Update::Status(change),
        }));
        Ok(())
    }

    /// Reads council, gates, proposals and the clock anew.
    async fn show(&mut self) -> Result<Now, ClientError> {
        let now = self.client.now().await?;
        let council = self.client.fetch_council(&self.council).await?;
        let gates = self.client.list_gates(Some(&self.council)).await?;
        let filter = ProposalFilter {
            council: Some(self.council),
            ..ProposalFilter::default()
        };
        let list = self.client.list_matching(&filter).await?;
        let mut scene = Replay::new(self.client.portcullis);
        scene.councils.insert(self.council, council.account);
        scene
            .gates
            .extend(gates.into_iter().map(|gate| (gate.address, gate.account)));
        scene
            .proposals
            .extend(list.views().map(|view| (view.address, view.proposal)));
        let first = self.statuses.is_empty();
        self.scene = scene;
        let now = self.later(now);
        if first {
            self.statuses = super::scene::statuses(&self.scene, &self.council, now);
        }
        Ok(now)
    }

    fn take_logs(&mut self, transaction: &ExecutedTransaction, now: Now) {
        let ours = transaction.instructions.iter().any(|instruction| {
            concerns(
                &self.client.portcullis,
                &instruction.data,
                &instruction.accounts,
            )
            .contains(&self.council)
        });
        if !ours {
            return;
        }
        let events = transaction
            .logged
            .iter()
            .filter_map(|bytes| decode_event(bytes));
        for event in events {
            let event = self.event(transaction, event, Vec::new(), now);
            if let Some(WatchedProposal {
                address,
                after: Some(status),
                ..
            }) = event.proposal
            {
                self.statuses.insert(address, status);
            }
            self.pending.push_back(Pending::Event(Box::new(event)));
        }
    }

    /// An event beside what it is about.
    pub(super) fn event(
        &self,
        transaction: &ExecutedTransaction,
        event: Event,
        chains: Vec<ChainLink>,
        now: Now,
    ) -> WatchedEvent {
        let (parent, index) = subject(&event);
        let account = chains.first().map(|link| link.account).or(parent);
        let gate = account.and_then(|account| watched_gate(&self.scene, &account));
        let proposal = index.zip(parent).map(|(index, parent)| {
            let address = pda::proposal(&self.client.portcullis, &parent, index);
            WatchedProposal {
                address,
                index,
                before: self.statuses.get(&address).copied(),
                after: status(&self.scene, &address, now),
                account: self.scene.proposals.get(&address).copied(),
            }
        });
        WatchedEvent {
            council: self.council,
            gate,
            proposal,
            signature: transaction.signature,
            slot: transaction.now.slot,
            timestamp: transaction.now.timestamp,
            event,
            chains,
            unverified: self.unverified.clone(),
        }
    }
}

/// The gate or council that an event names, and the number of its proposal.
fn subject(event: &Event) -> (Option<Pubkey>, Option<u32>) {
    // What is proposed anew stands within.
    let fields = event.fields.get("proposed").unwrap_or(&event.fields);
    let named = ["parent", "gate", "council"]
        .iter()
        .find_map(|name| fields.get(*name)?.as_str()?.parse().ok());
    let index = fields.get("index").and_then(Value::as_u64);
    (named, index.and_then(|index| u32::try_from(index).ok()))
}
