//! A server between the binary and the localnet that fails where a test wants it to.

use std::{
    net::TcpStream,
    process::Output,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        Arc,
    },
    thread,
    time::Duration,
};

use super::{
    server::{answer, forward, serve_http},
    Net,
};

/// What goes wrong, from the n-th transaction on; the writes of an upload are not counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// It is refused, and not passed on.
    Refused(usize),
    /// It is passed on; no answer to it comes, nor to the question what became of it.
    Unanswered(usize),
    /// It is not passed on, and from then on nothing is answered.
    Silence(usize),
    /// Requests of this name are refused, as public servers do with expensive ones.
    Without(&'static str),
}

pub struct Proxy {
    pub url: String,
    state: Arc<State>,
}

struct State {
    upstream: String,
    fault: Fault,
    sent: AtomicUsize,
    broken: AtomicBool,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Net {
    pub fn proxy(&self, fault: Fault) -> Proxy {
        let state = Arc::new(State {
            upstream: self.url().to_string(),
            fault,
            sent: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        let url = serve_http(move |client, body| shared.serve(client, &body));
        Proxy { url, state }
    }
}

impl Proxy {
    /// Runs a command against this server; what it says names the localnet itself.
    pub fn run(&self, net: &Net, line: &str) -> Output {
        net.run_at(&self.url, line)
    }

    /// How many transactions were on their way at the same time, at most.
    pub fn most_under_way(&self) -> usize {
        self.state.most_under_way.load(SeqCst)
    }
}

impl State {
    /// Answers one request. Closing the connection without an answer is what a server does that breaks down.
    fn serve(&self, mut client: TcpStream, body: &str) {
        if let Fault::Without(method) = self.fault {
            match body.contains(&format!("\"{method}\"")) {
                true => refuse(&mut client),
                false => self.pass_on(body, Some(&mut client)),
            }
            return;
        }
        let sends = body.contains("\"sendTransaction\"");
        if !sends {
            let asks_for_it = body.contains("\"getSignatureStatuses\"");
            let lost = match self.fault {
                Fault::Unanswered(_) => asks_for_it,
                Fault::Silence(_) => true,
                _ => false,
            };
            if !(lost && self.broken.load(SeqCst)) {
                self.pass_on(body, Some(&mut client));
            }
            return;
        }
        let under_way = self.under_way.fetch_add(1, SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, SeqCst);
        thread::sleep(Duration::from_millis(10));
        // Whoever has its answer sends the next one.
        self.under_way.fetch_sub(1, SeqCst);
        // What is sent again, and an upload's writes, go without the server's simulation.
        let number = match body.contains("\"skipPreflight\":false") {
            true => self.sent.fetch_add(1, SeqCst) + 1,
            false => self.sent.load(SeqCst),
        };
        match self.fault {
            Fault::Refused(first) if number >= first => refuse(&mut client),
            Fault::Unanswered(first) if number >= first => {
                self.broken.store(true, SeqCst);
                self.pass_on(body, None);
            }
            Fault::Silence(first) if number >= first => self.broken.store(true, SeqCst),
            _ => self.pass_on(body, Some(&mut client)),
        }
    }

    fn pass_on(&self, body: &str, client: Option<&mut TcpStream>) {
        let found = forward(&self.upstream, body).unwrap();
        if let Some(client) = client {
            answer(client, "200 OK", "", &found);
        }
    }
}

fn refuse(client: &mut TcpStream) {
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"Node is behind by 42 slots"}}"#;
    answer(client, "200 OK", "", body);
}
