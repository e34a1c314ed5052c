//! Proposals of many gates at once, in a number of requests that does not grow with them.

use core::{cmp::Reverse, mem::offset_of};
use std::collections::{BTreeMap, BTreeSet};

use portcullis::{
    lifecycle::{Ending, Now, Status},
    state::{Council, Gate, Proposal, Terms},
};
use solana_sdk::pubkey::Pubkey;

use super::Client;
use crate::{
    account::{unknown_kind, Keyed, StoredProposal},
    error::ClientError,
    proposal::ProposalView,
};

/// Every status that a proposal can have.
pub const STATUSES: [Status; 11] = [
    Status::Draft,
    Status::Voting,
    Status::Queued,
    Status::Ready,
    Status::Armed,
    Status::Executed,
    Status::Rejected,
    Status::Vetoed,
    Status::Cancelled,
    Status::Expired,
    Status::Stale,
];

/// Which proposals are listed. By default all.
#[derive(Clone, Debug, Default)]
pub struct ProposalFilter {
    /// Only those of this program's gate.
    pub gate: Option<Keyed<Gate>>,
    /// Only those about this council itself and its gates.
    pub council: Option<Pubkey>,
    /// Only those with one of these; empty: with any.
    pub statuses: Vec<Status>,
    /// Only those that wait for this member's vote.
    pub needs_vote_of: Option<Pubkey>,
    /// At most so many, the first ones.
    pub limit: Option<usize>,
}

/// Proposals of many gates. By gate and then by council, of each the newest first.
pub struct ProposalList {
    portcullis: Pubkey,
    gates: BTreeMap<Pubkey, Gate>,
    councils: BTreeMap<Pubkey, Council>,
    proposals: Vec<Keyed<StoredProposal>>,
    now: Now,
    /// How many there are without the limit.
    pub total: usize,
}

impl ProposalList {
    /// The gates that were looked at.
    pub fn gate_count(&self) -> usize {
        self.gates.len()
    }

    /// The councils that were looked at.
    pub fn council_count(&self) -> usize {
        self.councils.len()
    }

    /// How many proposals are in the list.
    pub fn len(&self) -> usize {
        self.proposals.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.proposals.is_empty()
    }

    /// The proposals, each made when it is asked for: with its gate and council it is ten times as large as alone.
    pub fn views(&self) -> impl Iterator<Item = ProposalView> + '_ {
        // Each has been made once, so none is left out.
        self.proposals
            .iter()
            .filter_map(|stored| self.view(stored).ok()?)
    }

    /// `None` where the parent is not among those that were read.
    fn view(&self, stored: &Keyed<StoredProposal>) -> Result<Option<ProposalView>, ClientError> {
        let Some((gate, council)) = self.parents(&stored.account.proposal) else {
            return Ok(None);
        };
        ProposalView::of_checked(
            &self.portcullis,
            stored.address,
            stored.account.clone(),
            gate,
            council,
            self.now,
        )
        .map(Some)
    }

    fn parents(&self, proposal: &Proposal) -> Option<(Option<Keyed<Gate>>, Keyed<Council>)> {
        let parent = proposal.terms.parent;
        let gate = self.gates.get(&parent).map(|gate| Keyed {
            address: parent,
            account: *gate,
        });
        let address = gate.as_ref().map_or(parent, |gate| gate.account.council);
        let account = *self.councils.get(&address)?;
        Some((gate, Keyed { address, account }))
    }

    /// The status, with nothing copied.
    fn status(&self, stored: &Keyed<StoredProposal>) -> Result<Option<Status>, ClientError> {
        let proposal = &stored.account.proposal;
        let parent = &proposal.terms.parent;
        let gate = self.gates.get(parent);
        let council = self.councils.get(gate.map_or(parent, |gate| &gate.council));
        let Some(council) = council else {
            return Ok(None);
        };
        let status = proposal.status(council, gate, self.now);
        status.map(Some).map_err(|_| unknown_kind(&stored.address))
    }
}

impl ProposalFilter {
    /// The statuses that it lets pass; `None`: any.
    fn wanted(&self) -> Option<Vec<Status>> {
        match (&self.needs_vote_of, self.statuses.as_slice()) {
            (None, []) => None,
            (Some(_), []) => Some(vec![Status::Voting, Status::Armed]),
            (_, statuses) => Some(statuses.to_vec()),
        }
    }

    /// The stored endings that can have these statuses. Expired and stale follow from the time and the council, but may be stored
    /// as well.
    fn endings(wanted: &[Status]) -> BTreeSet<u8> {
        let stored = wanted.iter().map(|status| status.ending() as u8);
        let derived = wanted
            .iter()
            .filter(|status| matches!(status, Status::Expired | Status::Stale))
            .map(|_| Ending::Open as u8);
        stored.chain(derived).collect()
    }
}

/// Endings that are asked for one by one; for more, all proposals are asked for at once.
const MAX_ENDINGS: usize = 2;

impl Client {
    /// The proposals that pass a filter: one request for gates, councils and clock each, and one or two for the proposals. Whatever
    /// can be decided by the server is.
    ///
    /// # Errors
    /// Those of [`ProposalView::new`], for what passes the filter.
    pub async fn list_matching(
        &self,
        filter: &ProposalFilter,
    ) -> Result<ProposalList, ClientError> {
        let gates = match &filter.gate {
            Some(gate)
                if filter
                    .council
                    .is_none_or(|council| council == gate.account.council) =>
            {
                vec![*gate]
            }
            Some(_) => Vec::new(),
            None => self.list_gates(filter.council.as_ref()).await?,
        };
        gates
            .iter()
            .try_for_each(|gate| self.require_signer(gate))?;
        let councils = match (&filter.gate, &filter.council) {
            (Some(gate), _) => vec![self.fetch_council(&gate.account.council).await?],
            (None, Some(council)) => vec![self.fetch_council(council).await?],
            (None, None) => self.list_councils().await?,
        };
        let mut list = ProposalList {
            portcullis: self.portcullis,
            gates: gates.into_iter().map(|g| (g.address, g.account)).collect(),
            councils: councils
                .into_iter()
                .map(|c| (c.address, c.account))
                .collect(),
            proposals: Vec::new(),
            now: self.now().await?,
            total: 0,
        };
        let wanted = filter.wanted();
        // In order, and never more of them than the limit.
        let mut kept = BTreeMap::new();
        for filters in requests(filter, wanted.as_deref()) {
            let filters: Vec<(usize, &[u8])> = filters
                .iter()
                .map(|(offset, bytes)| (*offset, bytes.as_slice()))
                .collect();
            let accounts = self.body_filtered::<StoredProposal>(&filters).await?;
            for stored in accounts {
                let stored = stored?;
                if !passes(&list, filter, wanted.as_deref(), &stored)? {
                    continue;
                }
                list.total = list.total.saturating_add(1);
                let terms = &stored.account.proposal.terms;
                let of_gate = list.gates.contains_key(&terms.parent);
                kept.insert((!of_gate, terms.parent, Reverse(terms.index)), stored);
                if filter.limit.is_some_and(|limit| kept.len() > limit) {
                    kept.pop_last();
                }
            }
        }
        list.proposals = kept.into_values().collect();
        for stored in &list.proposals {
            self.require_place(stored)?;
            list.view(stored)?;
        }
        Ok(list)
    }
}

fn passes(
    list: &ProposalList,
    filter: &ProposalFilter,
    wanted: Option<&[Status]>,
    stored: &Keyed<StoredProposal>,
) -> Result<bool, ClientError> {
    // None: of another council, or of a gate made while this was read.
    let Some(status) = list.status(stored)? else {
        return Ok(false);
    };
    if wanted.is_some_and(|wanted| !wanted.contains(&status)) {
        return Ok(false);
    }
    let Some(member) = &filter.needs_vote_of else {
        return Ok(true);
    };
    let view = list.view(stored)?;
    Ok(view.is_some_and(|view| view.needs_vote_of(member)))
}

type Filters = Vec<(usize, Vec<u8>)>;

/// What the server is asked for, by offset in the body and bytes there.
fn requests(filter: &ProposalFilter, wanted: Option<&[Status]>) -> Vec<Filters> {
    let mut common: Filters = Vec::new();
    if let Some(gate) = &filter.gate {
        let parent = offset_of!(Proposal, terms) + offset_of!(Terms, parent);
        common.push((parent, gate.address.to_bytes().to_vec()));
    }
    let Some(wanted) = wanted else {
        return vec![common];
    };
    if wanted
        .iter()
        .all(|status| matches!(status, Status::Draft | Status::Voting))
    {
        common.push((offset_of!(Proposal, eta), 0_i64.to_le_bytes().to_vec()));
    }
    let endings = ProposalFilter::endings(wanted);
    if endings.len() > MAX_ENDINGS {
        return vec![common];
    }
    let with = |ending: u8| {
        let mut filters = common.clone();
        filters.push((offset_of!(Proposal, ending), vec![ending]));
        filters
    };
    endings.into_iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_filters_by_what_a_status_needs_and_no_more() {
        let of = |statuses: &[Status]| {
            let filter = ProposalFilter {
                statuses: statuses.to_vec(),
                ..ProposalFilter::default()
            };
            requests(&filter, filter.wanted().as_deref())
        };
        let ending = |ending: Ending| (offset_of!(Proposal, ending), vec![ending as u8]);
        let unqueued = (offset_of!(Proposal, eta), vec![0; 8]);
        assert_eq!(of(&[]), [vec![]]);
        assert_eq!(of(&STATUSES), [vec![]]);
        assert_eq!(of(&[Status::Vetoed]), [vec![ending(Ending::Vetoed)]]);
        assert_eq!(of(&[Status::Queued]), [vec![ending(Ending::Open)]]);
        assert_eq!(
            of(&[Status::Voting, Status::Draft]),
            [vec![unqueued, ending(Ending::Open)]]
        );
        assert_eq!(
            of(&[Status::Stale]),
            [vec![ending(Ending::Open)], vec![ending(Ending::Stale)]]
        );
    }
}
