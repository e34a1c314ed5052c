//! On a terminal, a line below the events: what is open, and how long until it is ready.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use portcullis::lifecycle::Now;
use portcullis_client::watch::{OpenProposal, Watch};
use solana_sdk::pubkey::Pubkey;

use crate::{context::Context, view};

/// The line; nothing where nobody sees it.
pub struct StatusLine {
    bar: Option<ProgressBar>,
    open: Vec<OpenProposal>,
    /// The chain's time, and when it was that.
    known: Option<(Now, Instant)>,
}

impl StatusLine {
    /// Empty at first.
    pub fn new(ctx: &Context) -> Self {
        let shown = ctx.out.is_text() && ctx.out.shows_progress();
        let bar = shown.then(|| {
            let bar = ProgressBar::new_spinner();
            // A constant template that indicatif takes.
            let style = ProgressStyle::with_template("{wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        Self {
            bar,
            open: Vec::new(),
            known: None,
        }
    }

    /// Takes over how things stand.
    pub fn set(&mut self, watch: &Watch) {
        if self.bar.is_some() {
            self.open = watch.open();
            self.known = watch.now().map(|now| (now, Instant::now()));
            self.draw();
        }
    }

    /// A second later.
    pub async fn second(&self) {
        if self.bar.is_none() {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.draw();
    }

    /// Prints something above the line.
    pub fn above<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn draw(&self) {
        if let (Some(bar), Some((now, then))) = (&self.bar, self.known) {
            let passed = i64::try_from(then.elapsed().as_secs()).unwrap_or_default();
            let now = Now {
                timestamp: now.timestamp.saturating_add(passed),
                ..now
            };
            bar.set_message(text(&self.open, now));
            bar.tick();
        }
    }
}

/// What stands open, the next to change first.
fn text(open: &[OpenProposal], now: Now) -> String {
    if open.is_empty() {
        return "nothing is open".to_string();
    }
    let mut parts: Vec<(i64, String)> = open
        .iter()
        .map(|open| {
            let account = &open.account;
            let subject = open.gate.map_or(open.council, |gate| gate.program);
            let next = match account.eta {
                0 => account.terms.voting_ends_at,
                eta if eta > now.timestamp => eta,
                _ => account.expires_at(),
            };
            let standing = view::standing(open.status, account, now);
            let name = format!("{}/{}", short(&subject), account.terms.index);
            (next, format!("{name} {standing}"))
        })
        .collect();
    parts.sort();
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    format!("{} open: {}", parts.len(), parts.join(" | "))
}

/// Enough of an address to tell it from a few others.
fn short(address: &Pubkey) -> String {
    let text = address.to_string();
    let head: String = text.chars().take(4).collect();
    let tail: String = text
        .chars()
        .skip(text.chars().count().saturating_sub(4))
        .collect();
    format!("{head}..{tail}")
}

#[cfg(test)]
mod tests {
    use bytemuck::Zeroable;
    use portcullis::{lifecycle::Status, state::Proposal};

    use super::*;

    #[test]
    fn what_changes_next_comes_first() {
        let now = Now {
            timestamp: 1_000,
            slot: 1_000,
        };
        assert_eq!(text(&[], now), "nothing is open");
        let proposal = |index, eta, status| {
            let mut account = Proposal::zeroed();
            account.terms.index = index;
            account.terms.voting_ends_at = 9_000;
            account.terms.snapshot.threshold = 2;
            account.eta = eta;
            OpenProposal {
                council: Pubkey::new_from_array([1; 32]),
                gate: None,
                status,
                account,
            }
        };
        let open = [
            proposal(0, 0, Status::Voting),
            proposal(1, 1_600, Status::Queued),
        ];
        assert_eq!(
            text(&open, now),
            "2 open: 4vJ9..kLKi/1 queued, ready in 10m | 4vJ9..kLKi/0 voting, closes in 2h 13m"
        );
    }
}
