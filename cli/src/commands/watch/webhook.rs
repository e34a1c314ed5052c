//! `--webhook`: each event as a POST, one after the other and again where it fails. The URL is a secret.

use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::{redirect::Policy, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use crate::{config::redacted, context::Context, error::CliError};

/// Where its URL and its secret may stand instead of the command line, which others on the machine can read.
pub const VARIABLES: [&str; 2] = ["PORTCULLIS_WEBHOOK", "PORTCULLIS_WEBHOOK_SECRET"];
/// `sha256=` and the HMAC of the body under the secret, in hexadecimal.
const SIGNATURE: &str = "x-portcullis-signature";
/// Events that wait; where there are more, the watch waits for them.
const QUEUE: usize = 256;
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 7;
/// How long what waits is still delivered once the watch is interrupted.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// A queue of events, and the task that delivers them.
pub struct Webhook {
    /// Without what may be a secret.
    shown: String,
    queue: mpsc::Sender<Value>,
    /// What failed.
    pub failures: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

struct Delivery {
    http: reqwest::Client,
    url: reqwest::Url,
    secret: Option<String>,
    failures: mpsc::UnboundedSender<String>,
}

impl Webhook {
    /// Begins to deliver.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn open(url: &str) -> Result<Self, CliError> {
        let shown = redacted(url);
        let parsed = reqwest::Url::parse(url).ok();
        let parsed =
            parsed.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let parsed = parsed.ok_or_else(|| {
            CliError::usage(
                "invalid_webhook",
                format!("a webhook must be an http or https URL, found `{shown}`"),
            )
            .hint("for instance --webhook https://hooks.example.com/T0/B0")
        })?;
        let http = reqwest::Client::builder()
            .timeout(REQUEST_LIMIT)
            // The secret of one host is none of another's business.
            .redirect(Policy::none())
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                CliError::general(format!("no HTTP client: {}", error.without_url()))
            })?;
        let (queue, mut events) = mpsc::channel::<Value>(QUEUE);
        let (sender, failures) = mpsc::unbounded_channel();
        let delivery = Delivery {
            http,
            url: parsed,
            secret: std::env::var(VARIABLES[1])
                .ok()
                .filter(|secret| !secret.is_empty()),
            failures: sender,
        };
        let task = tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                delivery.deliver(&event).await;
            }
        });
        Ok(Self {
            shown,
            queue,
            failures,
            task,
        })
    }

    /// Puts an event into the queue; waits where it is full.
    pub async fn send(&self, event: Value) {
        // The task ends only after the queue is closed.
        let _ = self.queue.send(event).await;
    }

    /// Delivers what waits: all of it, or where the user has interrupted the watch what can be delivered at once.
    pub async fn close(self, ctx: &Context, interrupted: bool) {
        let Self {
            shown,
            queue,
            mut failures,
            task,
        } = self;
        let waiting = queue.max_capacity().saturating_sub(queue.capacity());
        drop(queue);
        let abort = task.abort_handle();
        let done = match interrupted {
            true => timeout(LAST_WORDS, task).await.is_ok(),
            false => task.await.is_ok(),
        };
        if !done {
            abort.abort();
            ctx.out.note(&format!(
                "warning: interrupted before all events were delivered to {shown} ({waiting} waited)"
            ));
        }
        while let Ok(failure) = failures.try_recv() {
            ctx.out.note(&failure);
        }
    }
}

impl Delivery {
    async fn deliver(&self, event: &Value) {
        let body = event.to_string();
        let mut pause = FIRST_PAUSE;
        let mut reason = String::new();
        for attempt in 1..=ATTEMPTS {
            match self.post(&body).await {
                Ok(()) => return,
                Err(Refusal { text, again }) => {
                    reason = text;
                    if !again || attempt == ATTEMPTS {
                        break;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        let name = event["event"].as_str().unwrap_or_default();
        // Nobody is there to be told when the command has ended.
        let _ = self.failures.send(format!(
            "warning: {name} was not delivered to {}: {reason}",
            redacted(self.url.as_str())
        ));
    }

    async fn post(&self, body: &str) -> Result<(), Refusal> {
        let mut post = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(secret) = &self.secret {
            post = post.header(SIGNATURE, signature(secret, body));
        }
        let answer = post.send().await.map_err(|error| Refusal {
            text: crate::error::chain(&error.without_url()),
            again: true,
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        Err(Refusal {
            text: format!("HTTP status {status}"),
            again: status.is_server_error() || later.contains(&status),
        })
    }
}

/// Why an attempt failed, and whether another one may work.
struct Refusal {
    text: String,
    again: bool,
}

fn signature(secret: &str, body: &str) -> String {
    // A key of any length will do (RFC 2104).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body.as_bytes());
    let code = portcullis_client::error::hex(&mac.finalize().into_bytes());
    format!("sha256={code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        assert_eq!(
            signature("Jefe", "what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
