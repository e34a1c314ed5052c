//! A machine without a network: another home, and a server that nobody may call.

use std::{io::ErrorKind, net::TcpListener, process::Output};

use super::Net;

impl Net {
    /// Runs a command where neither configuration nor server is; a request to the server that it names fails the test.
    pub fn run_offline(&self, line: &str) -> Output {
        let home = tempfile::tempdir().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let mut command = self.command(line);
        command.env("HOME", home.path()).args(["-u", &url]);
        let output = command.output().unwrap();
        let asked = server.accept().map(|_| line).map_err(|error| error.kind());
        assert_eq!(asked, Err(ErrorKind::WouldBlock), "the network was used");
        output
    }

    /// Records what a command says on a machine without a network, whatever its outcome.
    pub fn snapshot_offline(&self, name: &str, line: &str) {
        let output = self.run_offline(line);
        self.compare(name, line, output, true);
    }

    /// Runs what must work on a machine without a network.
    pub fn ok_offline(&self, line: &str) {
        let output = self.run_offline(line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {stderr}");
    }
}
