//! A bad network between the binary and the localnet. What happens to a request follows from a seed and the request's number;
//! `PORTCULLIS_SEED=n` gives others.

use std::{
    env,
    net::TcpStream,
    sync::{
        atomic::{AtomicU64, Ordering::SeqCst},
        Arc, OnceLock,
    },
    thread,
    time::Duration,
};

use serde_json::{json, Value};

use super::{
    server::{answer, forward, serve_http},
    Net,
};

/// Numbers that look like chance (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What happened, by kind.
#[derive(Debug, Default)]
pub struct Seen {
    pub requests: AtomicU64,
    pub dropped_before: AtomicU64,
    pub dropped_after: AtomicU64,
    pub too_many: AtomicU64,
    pub broken: AtomicU64,
    pub late: AtomicU64,
    pub twice: AtomicU64,
    pub stale_blockhashes: AtomicU64,
    pub lost_confirmations: AtomicU64,
}

pub struct Chaos {
    pub url: String,
    pub seen: Arc<Seen>,
}

struct Shared {
    upstream: String,
    seed: u64,
    seen: Arc<Seen>,
    first_blockhash: OnceLock<Value>,
    blockhashes: AtomicU64,
}

impl Net {
    pub fn chaos(&self, seed: u64) -> Chaos {
        let more = env::var("PORTCULLIS_SEED").map_or(0, |seed| seed.parse().unwrap());
        let seen = Arc::new(Seen::default());
        let shared = Shared {
            upstream: self.url().to_string(),
            seed: seed.wrapping_add(more),
            seen: Arc::clone(&seen),
            first_blockhash: OnceLock::new(),
            blockhashes: AtomicU64::new(0),
        };
        let url = serve_http(move |client, body| shared.serve(client, &body));
        Chaos { url, seen }
    }
}

impl Seen {
    /// Each kind of fault happened.
    pub fn all(&self) -> bool {
        [
            &self.dropped_before,
            &self.dropped_after,
            &self.too_many,
            &self.broken,
            &self.late,
            &self.twice,
            &self.stale_blockhashes,
            &self.lost_confirmations,
        ]
        .iter()
        .all(|count| count.load(SeqCst) > 0)
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream, body: &str) {
        let number = self.seen.requests.fetch_add(1, SeqCst);
        let mut chance = Chance::new(self.seed.wrapping_add(number << 20));
        let count = |kind: &AtomicU64| {
            kind.fetch_add(1, SeqCst);
        };
        match chance.below(100) {
            0..15 => return count(&self.seen.dropped_before),
            15..30 => {
                count(&self.seen.dropped_after);
                let _ = forward(&self.upstream, body);
                return;
            }
            30..32 => {
                count(&self.seen.too_many);
                let later = match chance.below(20) {
                    0 => "retry-after: 1\r\n",
                    _ => "",
                };
                return answer(&mut client, "429 Too Many Requests", later, "slow down");
            }
            32..36 => {
                count(&self.seen.broken);
                return answer(&mut client, "500 Internal Server Error", "", "");
            }
            // Others overtake it.
            36..46 => {
                count(&self.seen.late);
                thread::sleep(Duration::from_millis(chance.below(250)));
            }
            46..51 => {
                count(&self.seen.twice);
                let _ = forward(&self.upstream, body);
            }
            _ => {}
        }
        let Ok(found) = forward(&self.upstream, body) else {
            return;
        };
        let altered = self.alter(body, &found).unwrap_or(found);
        answer(&mut client, "200 OK", "", &altered);
    }

    /// A server that is behind, and one that has forgotten.
    fn alter(&self, body: &str, found: &str) -> Option<String> {
        if body.contains("\"getLatestBlockhash\"") {
            let found: Value = serde_json::from_str(found).unwrap();
            let first = self.first_blockhash.get_or_init(|| found.clone());
            // Every other time.
            let fresh = self.blockhashes.fetch_add(1, SeqCst).is_multiple_of(2);
            if fresh || found["result"]["value"] == first["result"]["value"] {
                return None;
            }
            self.seen.stale_blockhashes.fetch_add(1, SeqCst);
            return Some(first.to_string());
        }
        if !body.contains("\"getSignatureStatuses\"") {
            return None;
        }
        let asked: Value = serde_json::from_str(body).unwrap();
        let mut found: Value = serde_json::from_str(found).unwrap();
        let statuses = found["result"]["value"].as_array_mut()?;
        let signatures = asked["params"][0].as_array().unwrap();
        for (status, signature) in statuses.iter_mut().zip(signatures) {
            // Of one in ten it never knows anything.
            let sum: u32 = signature.as_str().unwrap().bytes().map(u32::from).sum();
            if sum.is_multiple_of(10) && !status.is_null() {
                self.seen.lost_confirmations.fetch_add(1, SeqCst);
                *status = json!(null);
            }
        }
        Some(found.to_string())
    }
}
