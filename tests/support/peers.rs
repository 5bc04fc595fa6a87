//! Peers on the loopback interface: other people's services, and a small HTTP
//! server that behaves as it is told. All end with the test, however that ends.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Says that a peer is missing, or fails where it must not be.
pub fn missing(what: &str) {
    assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none_or(|v| v != "1"), "{what} is required here");
    eprintln!("{what} is not there: skipped");
}

/// The Python that has the modules of peers, with this one among them.
pub fn python_with(module: &str) -> Option<String> {
    let python = std::env::var("KYSO_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut probe = Command::new(&python);
    probe.args(["-c", &format!("import {module}")]).stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Some(python);
    }
    missing(&format!("{python} with {module}"));
    None
}

pub fn has_openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        missing("openssl");
    }
    there
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A service in a process of its own, which ends when this is dropped.
pub struct Service(Child);

impl Service {
    /// Starts what `command` makes of a port, and waits until it listens there.
    pub fn start(command: impl Fn(u16) -> Command) -> (Self, u16) {
        // Another process may take the port in between.
        for _ in 0..5 {
            let port = free_port();
            let child = command(port).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let mut service = Self(child.unwrap());
            for _ in 0..600 {
                if service.0.try_wait().unwrap().is_some() {
                    break;
                }
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return (service, port);
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        panic!("the service does not start");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a server does with one request.
pub enum Reply {
    /// 200 with this body.
    Body(Vec<u8>),
    /// Another status.
    Status(u16),
    /// 200, and octets without end.
    Endless,
    /// Nothing, until the client goes.
    Silence,
    /// Octets that are no HTTP.
    Raw(Vec<u8>),
}

/// One request as it came.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
}

/// An HTTP server on a free port of the loopback interface.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (handler, seen) = (Arc::new(handler), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
                thread::spawn(move || serve(stream, &*handler, &log));
            }
        });
        Self { address, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Method and first part of the path of each request since the last call.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, handler: &dyn Fn(&Asked) -> Reply, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut octet).ok()? == 0 {
            return None;
        }
        head.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1).and_then(|l| l.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    log.lock().unwrap().push(format!("{method} /{}", path.split('/').nth(1).unwrap_or_default()));
    let start = |status: u16, length: Option<usize>| {
        let length = length.map_or_else(String::new, |n| format!("content-length: {n}\r\n"));
        format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\n{length}\r\n").into_bytes()
    };
    match handler(&Asked { method, path, body }) {
        Reply::Body(body) => stream.write_all(&[start(200, Some(body.len())), body].concat()).ok()?,
        Reply::Status(status) => stream.write_all(&start(status, Some(0))).ok()?,
        Reply::Raw(octets) => stream.write_all(&octets).ok()?,
        Reply::Endless => {
            stream.write_all(&start(200, None)).ok()?;
            while stream.write_all(&[0x30; 4096]).is_ok() {}
        }
        Reply::Silence => while stream.read(&mut octet).is_ok_and(|n| n > 0) {},
    }
    Some(())
}
