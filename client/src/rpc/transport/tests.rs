//! Against servers that answer what they are told to, over real connections.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{atomic::AtomicU32, Arc},
    thread,
};

use serde_json::json;

use super::*;
use crate::{Client, ClientError};

/// What a server does with a request: closes the connection, or answers with status, headers and body.
type Reply = Option<(&'static str, &'static str, &'static str)>;

const HEIGHT: Reply = Some(("200 OK", "", r#"{"jsonrpc":"2.0","id":1,"result":7}"#));
const BUSY: Reply = Some(("429 Too Many Requests", "", ""));
const BROKEN: Reply = Some(("500 Internal Server Error", "", ""));

/// A server that gives these replies in turn, the last one again and again; and how many requests it saw.
fn server(genesis: &'static str, replies: &'static [Reply]) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/?api-key=secret", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    // It ends with the process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let body = read(&mut stream);
            if body.contains("getGenesisHash") {
                let hash = json!({ "jsonrpc": "2.0", "id": 1, "result": genesis }).to_string();
                write(&mut stream, "200 OK", "", &hash);
                continue;
            }
            let number = count.fetch_add(1, Relaxed) as usize;
            let reply = replies.get(number).or(replies.last()).unwrap();
            if let Some((status, headers, body)) = reply {
                write(&mut stream, status, headers, body);
            }
        }
    });
    (url, seen)
}

fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).unwrap();
        text.push_str(&String::from_utf8_lossy(&part[..count]));
        // Every request here is one JSON object.
        if count == 0 || text.ends_with('}') {
            return text;
        }
    }
}

fn write(stream: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn client(urls: &[&str], patience: Duration) -> Client {
    let options = ConnectOptions {
        patience,
        ..ConnectOptions::default()
    };
    let urls = urls.iter().map(ToString::to_string).collect();
    Client::connect(urls, portcullis::ID, options)
}

const LONG: Duration = Duration::from_secs(30);

async fn height(client: &Client) -> std::result::Result<u64, ClientError> {
    Ok(client.rpc.get_block_height().await?)
}

async fn send(client: &Client) -> ClientError {
    let transaction = solana_transaction::Transaction::default();
    client
        .rpc
        .send_transaction(&transaction)
        .await
        .unwrap_err()
        .into()
}

#[tokio::test]
async fn a_question_is_asked_until_it_is_answered() {
    let (url, seen) = server("a", &[None, BROKEN, BUSY, None, HEIGHT]);
    let client = client(&[&url], LONG);
    assert_eq!(height(&client).await.unwrap(), 7);
    assert_eq!(seen.load(Relaxed), 5);
}

#[tokio::test]
async fn a_server_is_left_alone_for_as_long_as_it_asks() {
    const LATER: Reply = Some(("429 Too Many Requests", "retry-after: 1\r\n", ""));
    const UNAVAILABLE: Reply = Some(("503 Service Unavailable", "retry-after: 1\r\n", ""));
    for replies in [&[LATER, HEIGHT], &[UNAVAILABLE, HEIGHT]] {
        let (url, seen) = server("a", replies);
        let client = client(&[&url], LONG);
        let begun = Instant::now();
        assert_eq!(height(&client).await.unwrap(), 7);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        assert_eq!(seen.load(Relaxed), 2);
    }
}

#[tokio::test]
async fn what_a_server_asks_for_beyond_all_patience_is_an_error_at_once() {
    let (url, seen) = server(
        "a",
        &[Some(("429 Too Many Requests", "retry-after: 600\r\n", ""))],
    );
    let error = height(&client(&[&url], LONG)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the RPC server refused getBlockHeight: HTTP status 429 Too Many Requests; the server asks to wait 600 s"
    );
    assert!(error.is_transient());
    assert_eq!(seen.load(Relaxed), 1);
}

#[tokio::test]
async fn patience_ends_with_what_was_tried() {
    for (reply, said) in [
        (
            BROKEN,
            "the RPC server refused getBlockHeight: HTTP status 500 Internal Server Error; asked ",
        ),
        (None, "the RPC server cannot be reached (getBlockHeight): "),
    ] {
        let replies: &'static [Reply] = match reply {
            None => &[None],
            Some(_) => &[BROKEN],
        };
        let (url, seen) = server("a", replies);
        let patience = Duration::from_secs(3);
        let begun = Instant::now();
        let error = height(&client(&[&url], patience)).await.unwrap_err();
        assert!(begun.elapsed() < patience + Duration::from_secs(1));
        let text = error.to_string();
        let count = seen.load(Relaxed);
        assert!(text.starts_with(said), "{text}");
        assert!(
            text.contains(&format!("; asked {count} times in ")),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
        assert!(count >= MIN_ATTEMPTS);
    }
}

#[tokio::test]
async fn a_transaction_that_may_have_arrived_is_not_sent_again() {
    for replies in [&[None, HEIGHT], &[BROKEN, HEIGHT]] {
        let (url, seen) = server("a", replies);
        send(&client(&[&url], LONG)).await;
        assert_eq!(seen.load(Relaxed), 1);
    }
    // One that was turned away is.
    let (url, seen) = server("a", &[BUSY, HEIGHT]);
    send(&client(&[&url], LONG)).await;
    assert_eq!(seen.load(Relaxed), 2);
}

#[tokio::test]
async fn the_next_server_is_asked_where_one_fails() {
    const BEHIND: Reply = Some((
        "200 OK",
        "",
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"Node is behind by 42 slots"}}"#,
    ));
    const DENIED: Reply = Some(("403 Forbidden", "", ""));
    let cases: [&'static [Reply]; 5] = [&[None], &[BROKEN], &[BUSY], &[BEHIND], &[DENIED]];
    for replies in cases {
        let (bad, asked) = server("a", replies);
        let (good, seen) = server("a", &[HEIGHT]);
        let client = client(&["http://127.0.0.1:1", &bad, &good], LONG);
        let begun = Instant::now();
        for _ in 0..5 {
            assert_eq!(height(&client).await.unwrap(), 7);
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
        // It stays with the one that works.
        assert_eq!(
            (asked.load(Relaxed), seen.load(Relaxed)),
            (1, 5),
            "{replies:?}"
        );
    }
}

#[tokio::test]
async fn what_all_servers_refuse_is_an_error_at_once() {
    let (first, _) = server("a", &[Some(("403 Forbidden", "", ""))]);
    let (second, _) = server("a", &[Some(("404 Not Found", "", ""))]);
    let error = height(&client(&[&first, &second], LONG)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the RPC server refused getBlockHeight: HTTP status 404 Not Found"
    );
}

#[tokio::test]
async fn servers_of_two_clusters_do_not_pass_for_one() {
    let (first, _) = server("a", &[HEIGHT, BROKEN]);
    let (second, seen) = server("b", &[HEIGHT]);
    let client = client(&[&first, &second], LONG);
    height(&client).await.unwrap();
    let error = height(&client).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the RPC server refused getBlockHeight: all servers must belong to one cluster, and they have the genesis hashes \
         \"a\" and \"b\": correct the URLs"
    );
    assert_eq!(seen.load(Relaxed), 0);
}

#[tokio::test]
async fn no_more_requests_go_out_than_allowed() {
    let (url, _) = server("a", &[HEIGHT]);
    let options = ConnectOptions {
        requests_per_second: NonZeroU32::new(20),
        ..ConnectOptions::default()
    };
    let client = Client::connect(vec![url], portcullis::ID, options);
    let begun = Instant::now();
    let asked = (0..11).map(|_| height(&client));
    futures::future::try_join_all(asked).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(500));
}

#[test]
fn pauses_double_and_differ() {
    for (failures, most) in [(1, 100), (2, 200), (3, 400), (7, 5_000), (u32::MAX, 5_000)] {
        let most = Duration::from_millis(most);
        let pauses: Vec<Duration> = (0..20).map(|_| pause_after(failures)).collect();
        assert!(pauses.iter().all(|pause| (most / 2..=most).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
