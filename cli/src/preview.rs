//! What a proposal would change, as before and after, and what would end with it.

use portcullis::{
    policy::Powers,
    state::{Council, Gate, Member},
};
use portcullis_client::account::{Keyed, ProposalView};
use serde_json::{json, Value};

use crate::{context::Context, error::CliError, member::role_names, output::table, view};

/// One thing before and after. Nothing before: it is new; nothing after: it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// An open proposal that does not outlive the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    pub name: String,
    /// Its action and lane.
    pub kind: String,
    pub status: &'static str,
    /// Why it ends.
    pub because: &'static str,
}

/// What a proposal would do.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    pub differences: Vec<Difference>,
    pub doomed: Vec<Doomed>,
}

/// How far a change reaches.
pub enum Reach<'a> {
    /// No open proposal ends.
    None,
    /// The council's epoch rises: all that is open of it and of its gates ends.
    Council,
    /// The gate begins another life.
    Life(&'a Keyed<Gate>),
    /// The gate gets another release, with this hash.
    Release(&'a Keyed<Gate>, [u8; 32]),
    /// A release with this hash is revoked.
    Revocation(&'a Keyed<Gate>, [u8; 32]),
}

impl Preview {
    /// A preview of these differences, with the open proposals that end.
    ///
    /// # Errors
    /// Those of the RPC server.
    pub async fn new(
        ctx: &Context,
        council: &Keyed<Council>,
        differences: Vec<Difference>,
        reach: Reach<'_>,
    ) -> Result<Self, CliError> {
        Ok(Self {
            differences,
            doomed: doomed(ctx, council, reach).await?,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.differences.is_empty() {
            let cell = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_string());
            let rows = self
                .differences
                .iter()
                .map(|row| vec![row.what.clone(), cell(&row.before), cell(&row.after)])
                .collect();
            text.push_str(&table(&["", "before", "after"], rows));
            text.push_str("\n\n");
        }
        if self.doomed.is_empty() {
            text.push_str("no open proposal ends with it, and no armed standby");
        } else {
            let rows = self
                .doomed
                .iter()
                .map(|doomed| {
                    vec![
                        doomed.name.clone(),
                        doomed.kind.clone(),
                        doomed.status.to_string(),
                        doomed.because.to_string(),
                    ]
                })
                .collect();
            text.push_str("what ends when it executes\n");
            text.push_str(&table(&["proposal", "kind", "status", "because"], rows));
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let differences: Vec<Value> = self
            .differences
            .iter()
            .map(|row| json!({ "what": row.what, "before": row.before, "after": row.after }))
            .collect();
        let ends: Vec<Value> = self
            .doomed
            .iter()
            .map(|doomed| {
                json!({
                    "ref": doomed.name, "kind": doomed.kind, "status": doomed.status, "because": doomed.because,
                })
            })
            .collect();
        json!({ "changes": differences, "ends": ends })
    }
}

/// The rows that differ between two lists of the same names in the same order.
pub fn differences<N: ToString>(
    before: Vec<(N, String)>,
    after: Vec<(N, String)>,
) -> Vec<Difference> {
    before
        .into_iter()
        .zip(after)
        .filter(|((_, before), (_, after))| before != after)
        .map(|((what, before), (_, after))| Difference {
            what: what.to_string(),
            before: Some(before),
            after: Some(after),
        })
        .collect()
}

/// What changes among members, and what they can do together.
pub fn members(before: &[Member], after: &[Member]) -> Vec<Difference> {
    let text = |member: &Member| {
        let roles = role_names(member).join(",");
        match member.weight {
            0 => roles,
            weight => format!("{roles}, weight {weight}"),
        }
    };
    let find = |members: &[Member], key| {
        let found = members.iter().find(|member| member.key == key);
        found.map(text)
    };
    let mut keys: Vec<_> = before
        .iter()
        .chain(after)
        .map(|member| member.key)
        .collect();
    keys.sort();
    keys.dedup();
    let mut rows: Vec<Difference> = keys
        .into_iter()
        .map(|key| Difference {
            what: key.to_string(),
            before: find(before, key),
            after: find(after, key),
        })
        .filter(|row| row.before != row.after)
        .collect();
    rows.extend(differences(totals(before), totals(after)));
    rows
}

fn totals(members: &[Member]) -> Vec<(&'static str, String)> {
    let powers = Powers::of(members);
    vec![
        ("members", members.len().to_string()),
        ("weight of all voters", powers.weight.to_string()),
        ("guardians", powers.guardians.to_string()),
        ("proposers", powers.proposers.to_string()),
        ("executors", powers.executors.to_string()),
    ]
}

async fn doomed(
    ctx: &Context,
    council: &Keyed<Council>,
    reach: Reach<'_>,
) -> Result<Vec<Doomed>, CliError> {
    let client = ctx.client()?;
    if matches!(reach, Reach::None) {
        return Ok(Vec::new());
    }
    let now = client.now().await?;
    let mut views = Vec::new();
    match reach {
        Reach::Life(gate) | Reach::Release(gate, _) => {
            views.extend(client.list_views_of_gate(gate, council, now).await?);
        }
        Reach::Council | Reach::Revocation(..) => {
            if matches!(reach, Reach::Council) {
                views.extend(client.list_views_of_council(council, now).await?);
            }
            for gate in client.list_gates(Some(&council.address)).await? {
                views.extend(client.list_views_of_gate(&gate, council, now).await?);
            }
        }
        Reach::None => {}
    }
    Ok(views
        .iter()
        .filter(|view| !view.status.is_ended())
        .filter_map(|view| {
            Some(Doomed {
                because: because(view, &reach)?,
                name: view::name(view),
                kind: view::action(view).to_string(),
                status: view.status.name(),
            })
        })
        .collect())
}

/// Why a proposal that is open ends.
fn because(view: &ProposalView, reach: &Reach) -> Option<&'static str> {
    let terms = &view.proposal.terms;
    match reach {
        Reach::None => None,
        Reach::Council => Some("the council's members change"),
        Reach::Life(_) => Some("the gate begins another life"),
        Reach::Release(gate, sha256) => {
            let current = gate.account.release.index;
            let follows = Some(terms.base_index) == current.checked_add(1);
            if terms.base_index == 0 || (follows && terms.base_sha256 == *sha256) {
                None
            } else if follows {
                Some("it waits for another release")
            } else {
                Some("it builds on the release before")
            }
        }
        Reach::Revocation(gate, sha256) => {
            let goes_there = view.lane.is_standby()
                && view.proposal.terms.parent == gate.address
                && terms.sha256 == *sha256;
            let waits_for_it = view.predecessor().is_some_and(|predecessor| {
                predecessor.gate == gate.address
                    && gate.account.releases().any(|release| {
                        release.proposal_digest == predecessor.digest && release.sha256 == *sha256
                    })
            });
            if goes_there {
                Some("it goes to the revoked release")
            } else if waits_for_it {
                Some("it waits for the revoked release")
            } else {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis::state::{ROLE_GUARD, ROLE_VOTE};
    use solana_sdk::pubkey::Pubkey;

    use super::*;

    fn member(number: u8, roles: u8, weight: u16) -> Member {
        Member {
            key: Pubkey::new_from_array([number; 32]),
            weight,
            roles,
            attests: 0,
        }
    }

    #[test]
    fn only_what_differs_is_shown() {
        let before = vec![("threshold", "2".to_string()), ("timelock", "2days".into())];
        let after = vec![("threshold", "3".to_string()), ("timelock", "2days".into())];
        let rows = differences(before, after);
        assert_eq!(
            rows,
            [Difference {
                what: "threshold".into(),
                before: Some("2".into()),
                after: Some("3".into()),
            }]
        );
    }

    #[test]
    fn members_that_leave_join_and_change_are_shown_with_what_all_can_do() {
        let stays = member(1, ROLE_VOTE, 1);
        let before = [stays, member(2, ROLE_VOTE, 2), member(3, ROLE_GUARD, 0)];
        let after = [
            stays,
            member(3, ROLE_GUARD | ROLE_VOTE, 1),
            member(4, ROLE_GUARD, 0),
        ];
        let lines: Vec<String> = members(&before, &after)
            .iter()
            .map(|row| format!("{}: {:?} to {:?}", row.what, row.before, row.after))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        8qbHbw2BbbTHBW1sbeqakYXVKRQM8Ne7pLK7m6CVfeR: Some("vote, weight 2") to None
        CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8: Some("guard") to Some("vote,guard, weight 1")
        GgBaCs3NCBuZN12kCJgAW63ydqohFkHEdfdEXBPzLHq: None to Some("guard")
        weight of all voters: Some("3") to Some("2")
        guardians: Some("1") to Some("2")
        "#);
    }

    #[test]
    fn what_ends_is_named_with_its_reason() {
        let preview = Preview {
            differences: Vec::new(),
            doomed: vec![Doomed {
                name: "council/3".into(),
                kind: "policy change".into(),
                status: "queued",
                because: "the council's members change",
            }],
        };
        let text = preview.text();
        assert!(text.starts_with("what ends when it executes"), "{text}");
        assert!(text.contains("the council's members change"), "{text}");
        assert_eq!(preview.json()["ends"][0]["ref"], "council/3");
        let harmless = Preview::default().text();
        assert_eq!(
            harmless,
            "no open proposal ends with it, and no armed standby"
        );
    }
}
