//! A wire to the localnet's WebSocket that a test can cut.

use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        Arc, Mutex,
    },
    thread,
};

use super::{server::serve, Net};

pub struct Wire {
    pub url: String,
    state: Arc<State>,
}

struct State {
    upstream: String,
    cut: AtomicBool,
    connections: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Net {
    pub fn wire(&self) -> Wire {
        let state = Arc::new(State {
            upstream: self.ws_url().trim_start_matches("ws://").to_string(),
            cut: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            open: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&state);
        let url = format!("ws://{}", serve(move |client| shared.connect(client)));
        Wire { url, state }
    }
}

impl Wire {
    /// Breaks all connections and takes no new ones.
    pub fn cut(&self) {
        self.state.cut.store(true, SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.state.cut.store(false, SeqCst);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }
}

impl State {
    fn connect(&self, client: TcpStream) {
        if self.cut.load(SeqCst) {
            return;
        }
        let server = TcpStream::connect(&self.upstream).unwrap();
        let mut open = self.open.lock().unwrap();
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        open.extend([client, server]);
        self.connections.fetch_add(1, SeqCst);
    }
}
