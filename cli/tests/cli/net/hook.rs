//! A server that takes what a webhook posts.

use std::{
    net::TcpListener,
    sync::mpsc::{channel, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::server::{answer, request};

const LONG: Duration = Duration::from_secs(60);

pub struct Hook {
    pub url: String,
    posted: Receiver<Posted>,
}

pub struct Posted {
    /// The request line and the headers, in lower case.
    pub head: String,
    pub body: String,
}

impl Hook {
    /// Answers with these statuses, and then with 200. Its path is a secret.
    pub fn open(statuses: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
        let (sender, posted) = channel();
        // It ends with the process.
        thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                let mut client = client.unwrap();
                let Ok((head, body)) = request(&mut client) else {
                    continue;
                };
                let status = statuses.get(number).copied().unwrap_or("200 OK");
                answer(&mut client, status, "", "");
                let head = head.to_lowercase();
                if sender.send(Posted { head, body }).is_err() {
                    return;
                }
            }
        });
        Self { url, posted }
    }

    pub fn next(&self) -> Posted {
        self.posted.recv_timeout(LONG).unwrap()
    }
}

impl Posted {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            (found == name).then_some(value)
        })
    }
}

/// What the signature of a body must be.
pub fn hmac(secret: &str, body: &str) -> String {
    use hmac::{Hmac, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={text}")
}
