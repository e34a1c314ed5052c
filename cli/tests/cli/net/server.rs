//! What the servers of the tests have in common.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

/// Serves each connection in a thread of its own until the process ends; gives the address.
pub(super) fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let each = Arc::new(each);
    thread::spawn(move || {
        for client in listener.incoming() {
            let each = Arc::clone(&each);
            thread::spawn(move || each(client.unwrap()));
        }
    });
    address
}

/// [`serve`] for requests of which each has a connection of its own; gives the URL.
pub(super) fn serve_http(each: impl Fn(TcpStream, String) + Send + Sync + 'static) -> String {
    let address = serve(move |mut client| {
        // A client that goes away is no failure.
        if let Ok((_, body)) = request(&mut client) {
            each(client, body);
        }
    });
    format!("http://{address}")
}

/// Asks the localnet; gives the body of its answer.
pub(super) fn forward(url: &str, body: &str) -> io::Result<String> {
    let mut server = TcpStream::connect(url.trim_start_matches("http://"))?;
    write!(
        server,
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok(body.to_string())
}

/// Head and body of a request.
pub(super) fn request(client: &mut TcpStream) -> io::Result<(String, String)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let found = name.eq_ignore_ascii_case("content-length");
                found.then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or_default() {
                return Ok((head.to_string(), body.to_string()));
            }
        }
        match client.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
}

pub(super) fn answer(client: &mut TcpStream, status: &str, headers: &str, body: &str) {
    let _ = write!(
        client,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
}
