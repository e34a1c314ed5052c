//! A server between the binary and the localnet that counts what it passes on, and lies where a test wants it to.

use std::{
    net::TcpStream,
    process::Output,
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        Arc,
    },
};

use serde_json::Value;

use super::{
    server::{answer, forward, serve_http},
    Net,
};

/// What it does with the result of a method; `None` leaves it alone.
type Alter = dyn Fn(&str, &Value) -> Option<Value> + Send + Sync;

pub struct Gateway {
    pub url: String,
    state: Arc<State>,
}

struct State {
    upstream: String,
    requests: AtomicUsize,
    /// Of the answers' bodies.
    bytes: AtomicUsize,
    alter: Box<Alter>,
}

impl Net {
    /// Counts only.
    pub fn gateway(&self) -> Gateway {
        self.lying_gateway(|_, _| None)
    }

    pub fn lying_gateway(
        &self,
        alter: impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Gateway {
        let state = Arc::new(State {
            upstream: self.url().to_string(),
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            alter: Box::new(alter),
        });
        let shared = Arc::clone(&state);
        let url = serve_http(move |client, body| shared.serve(client, &body));
        Gateway { url, state }
    }
}

impl Gateway {
    /// What a command against this server must answer; what it says names the localnet itself.
    pub fn run(&self, net: &Net, line: &str) -> Output {
        net.run_at(&self.url, line)
    }

    pub fn requests(&self) -> usize {
        self.state.requests.load(SeqCst)
    }

    pub fn bytes(&self) -> usize {
        self.state.bytes.load(SeqCst)
    }
}

impl State {
    fn serve(&self, mut client: TcpStream, body: &str) {
        let Ok(found) = forward(&self.upstream, body) else {
            return;
        };
        let asked: Value = serde_json::from_str(body).unwrap();
        let method = asked["method"].as_str().unwrap();
        let mut answered: Value = serde_json::from_str(&found).unwrap();
        let altered = (self.alter)(method, &answered["result"]);
        let found = match altered {
            Some(altered) => {
                answered["result"] = altered;
                answered.to_string()
            }
            None => found,
        };
        self.requests.fetch_add(1, SeqCst);
        self.bytes.fetch_add(found.len(), SeqCst);
        answer(&mut client, "200 OK", "", &found);
    }
}
