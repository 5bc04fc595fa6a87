//! The HTTP client against a server on the loopback interface that behaves and misbehaves.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use kyso::Error;
use kyso::error::FetchFault;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::fetch::http::OcspMethod;
use kyso::fetch::http::PrivateAddresses;

/// A server that answers by path, and remembers what it was sent.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(stream.unwrap(), &log));
            }
        });
        Self { address, seen }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut octet).unwrap_or(0) == 0 {
            return;
        }
        request.push(octet[0]);
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|l| l.split("\r\n").next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    log.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
    // A proxy answers for whatever host.
    let path = head.split(' ').nth(1).unwrap();
    let path = path.strip_prefix("http://").map_or(path, |rest| &rest[rest.find('/').unwrap()..]);
    let path = path.split('?').next().unwrap();
    if head.starts_with("connect ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        return serve(stream, log);
    }
    let close = "connection: close\r\n";
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\n{close}content-length: {}\r\n\r\n{body}", body.len());
    let moved = |to: &str| format!("HTTP/1.1 302 Found\r\n{close}content-length: 0\r\nlocation: {to}\r\n\r\n");
    let answer = match path {
        "/ten" => ok("0123456789"),
        "/unsized" => format!("HTTP/1.1 200 OK\r\n{close}\r\n0123456789"),
        "/chunked" => {
            format!("HTTP/1.1 200 OK\r\n{close}transfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n")
        }
        "/claims" => format!("HTTP/1.1 200 OK\r\n{close}content-length: 99999999999\r\n\r\n0"),
        "/short" => format!("HTTP/1.1 200 OK\r\n{close}content-length: 20\r\n\r\n0123456789"),
        "/once" => moved("/ten"),
        "/relative" => moved("ten"),
        "/loop" => moved("/loop"),
        "/file" => moved("file:///etc/passwd"),
        "/inside" => moved(&format!("http://127.0.0.1:{}/ten", stream.local_addr().unwrap().port())),
        "/nowhere" => format!("HTTP/1.1 302 Found\r\n{close}content-length: 0\r\n\r\n"),
        "/post" => ok("posted"),
        // The answer `tryLater` by GET alone, by POST alone, by POST after a move, by both.
        "/get/mda%3d" | "/moved" if head.starts_with("get") => ok("0\x03\n\x01\x03"),
        "/by-post" if head.starts_with("post") => ok("0\x03\n\x01\x03"),
        "/move" | "/move/mda%3d" => moved("/moved"),
        "/malformed" => ok("0\x03\n\x01\x01"),
        "/garbage" => "this is no HTTP\r\n\r\n".to_owned(),
        "/heads" => format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-head: 0123456789\r\n".repeat(10_000)),
        "/endless" => {
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{close}\r\n").as_bytes());
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
            return;
        }
        "/drip" => {
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{close}content-length: 1000\r\n\r\n").as_bytes());
            while stream.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
            return;
        }
        "/silent" => {
            thread::sleep(Duration::from_secs(5));
            return;
        }
        _ => format!("HTTP/1.1 404 Not Found\r\n{close}content-length: 0\r\n\r\n"),
    };
    let _ = stream.write_all(answer.as_bytes());
}

fn client(change: impl FnOnce(&mut HttpOptions)) -> HttpClient {
    let mut options = HttpOptions::default();
    options.private_addresses = PrivateAddresses::Allowed;
    options.timeout = Duration::from_secs(2);
    change(&mut options);
    HttpClient::new(options).unwrap()
}

fn get(client: &HttpClient, url: impl Into<String>, max_octets: usize) -> Result<Vec<u8>, String> {
    let request = Request::get(Purpose::Crl, url, max_octets);
    client.fetch(&request).map(|r| r.body).map_err(|e| e.to_string())
}

#[test]
fn bodies_are_read_whole_and_no_further_than_asked() {
    let (server, client) = (Server::start(), client(|_| {}));
    for path in ["ten", "unsized", "chunked", "once", "relative"] {
        assert_eq!(get(&client, server.url(path), 10).unwrap(), b"0123456789", "{path}");
        assert!(get(&client, server.url(path), 9).unwrap_err().contains("larger than 9 octets"), "{path}");
    }
    assert!(get(&client, server.url("claims"), 1 << 20).unwrap_err().contains("larger than"));
    assert!(get(&client, server.url("endless"), 1 << 20).unwrap_err().contains("larger than"));
    assert!(get(&client, server.url("short"), 100).is_err());
}

#[test]
fn a_post_carries_its_body_and_follows_nothing() {
    let (server, client) = (Server::start(), client(|o| o.ocsp_method = OcspMethod::Post));
    let post = |path: &str| {
        let request = Request::post(Purpose::Ocsp, server.url(path), "application/ocsp-request", b"body".to_vec(), 99);
        client.fetch(&request).map(|r| r.body).map_err(|e| e.to_string())
    };
    assert_eq!(post("post").unwrap(), b"posted");
    let seen = &server.seen()[0];
    assert!(seen.starts_with("post /post ") && seen.ends_with("\r\n\r\nbody"), "{seen}");
    assert!(seen.contains("content-type: application/ocsp-request\r\n"), "{seen}");
    assert!(post("once").unwrap_err().contains("redirects"));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn an_ocsp_request_goes_the_other_way_where_one_is_of_no_use() {
    let ask = |method: OcspMethod, path: &str| {
        let (server, client) = (Server::start(), client(|o| o.ocsp_method = method));
        let body = vec![0x30, 0x30];
        let request = Request::post(Purpose::Ocsp, server.url(path), "application/ocsp-request", body, 99);
        let answer = client.fetch(&request).map(|r| r.body).map_err(|e| e.to_string());
        let way = |seen: &String| seen.split(' ').next().unwrap().to_owned();
        (answer, server.seen().iter().map(way).collect::<Vec<_>>())
    };
    let later = Ok(vec![0x30, 3, 10, 1, 3]);
    assert_eq!(ask(OcspMethod::PostThenGet, "by-post"), (later.clone(), vec!["post".to_owned()]));
    assert_eq!(ask(OcspMethod::PostThenGet, "get"), (later.clone(), vec!["post".to_owned(), "get".to_owned()]));
    assert_eq!(ask(OcspMethod::GetThenPost, "get"), (later.clone(), vec!["get".to_owned()]));
    assert_eq!(ask(OcspMethod::GetThenPost, "by-post"), (later.clone(), vec!["get".to_owned(), "post".to_owned()]));
    // A GET may be moved, a POST may not.
    let (answer, ways) = ask(OcspMethod::PostThenGet, "move");
    assert_eq!((answer, ways), (later, ["post", "get", "get"].map(str::to_owned).to_vec()));
    // Neither way: the first answer counts.
    assert_eq!(
        ask(OcspMethod::PostThenGet, "malformed"),
        (Ok(vec![0x30, 3, 10, 1, 1]), vec!["post".to_owned(), "get".to_owned()])
    );
    let (answer, ways) = ask(OcspMethod::Post, "get");
    assert!(answer.unwrap_err().contains("404") && ways == ["post"]);
}

#[test]
fn whoever_is_silent_is_not_asked_the_other_way() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = client(|o| {
        o.host_timeouts.insert("127.0.0.1".to_owned(), Duration::from_millis(100));
    });
    let request = Request::post(Purpose::Ocsp, format!("http://{address}/"), "application/ocsp-request", vec![0x30], 9);
    let Err(Error::Fetch(error)) = client.fetch(&request) else { panic!() };
    assert_eq!(error.fault(), FetchFault::TooSlow, "{error}");
    // Whoever connected waits in the listener's queue.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(std::iter::from_fn(|| listener.accept().ok()).count(), 1);
}

#[test]
fn nothing_about_the_caller_is_sent() {
    let (server, client) = (Server::start(), client(|_| {}));
    get(&client, server.url("ten"), 10).unwrap();
    let seen = &server.seen()[0];
    for header in ["cookie:", "authorization:", "referer:", "accept-encoding:", "from:"] {
        assert!(!seen.contains(header), "{seen}");
    }
    let error = get(&client, format!("http://user:secret@{}/ten", server.address), 10).unwrap_err();
    assert!(error.contains("credentials") && !error.contains("secret"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn redirects_are_few_and_lead_to_http_alone() {
    let (server, client) = (Server::start(), client(|o| o.max_redirects = 2));
    assert!(get(&client, server.url("loop"), 10).unwrap_err().contains("more redirects than allowed"));
    assert_eq!(server.seen().len(), 3);
    assert!(get(&client, server.url("file"), 10).unwrap_err().contains("only http and https"));
    assert!(get(&client, server.url("nowhere"), 10).unwrap_err().contains("without a location"));
}

#[test]
fn faults_are_named() {
    let (server, client) = (Server::start(), client(|_| {}));
    assert!(get(&client, server.url("missing"), 10).unwrap_err().contains("HTTP status 404"));
    assert!(get(&client, server.url("garbage"), 10).is_err());
    assert!(get(&client, server.url("heads"), 10).is_err());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(get(&client, format!("http://{closed}/"), 10).unwrap_err().contains("refused"));
    let fault = |url: String| match client.fetch(&Request::get(Purpose::Crl, url, 10)) {
        Err(Error::Fetch(error)) => error.fault(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(format!("http://{closed}/")), FetchFault::Unreachable);
    assert_eq!(fault("http://no-such-host.invalid/".to_owned()), FetchFault::Unreachable);
    assert_eq!(fault(server.url("missing")), FetchFault::Status(404));
    assert_eq!(fault(server.url("endless")), FetchFault::Other);
    assert_eq!(fault("ftp://a.vn/".to_owned()), FetchFault::Address);
    assert!(get(&client, "http://no-such-host.invalid/", 10).is_err());
}

#[test]
fn slow_servers_are_left() {
    let (server, client) = (Server::start(), client(|o| o.timeout = Duration::from_millis(400)));
    for path in ["silent", "drip"] {
        let error = get(&client, server.url(path), 2_000).unwrap_err();
        assert!(error.contains("longer than allowed"), "{path}: {error}");
    }
}

#[test]
fn a_certificate_leads_into_no_private_network() {
    let server = Server::start();
    let port = server.address.port();
    let guarded = client(|o| {
        o.private_addresses = PrivateAddresses::Refused;
        o.hosts.insert("crl.example.vn".to_owned(), server.address);
    });
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let error = get(&guarded, format!("http://{host}:{port}/ten"), 10).unwrap_err();
        assert!(error.contains("private network"), "{host}: {error}");
    }
    assert!(server.seen().is_empty());
    // A name that the caller mapped may; what it redirects to may not.
    let mapped = |path: &str| get(&guarded, format!("http://crl.example.vn:{port}/{path}"), 10);
    assert_eq!(mapped("ten").unwrap(), b"0123456789");
    assert!(mapped("inside").unwrap_err().contains("private network"));
    // The caller's own address of a time-stamping authority may.
    let request = Request::post(Purpose::TimeStamp, server.url("post"), "application/timestamp-query", vec![1], 10);
    assert_eq!(guarded.fetch(&request).unwrap().body, b"posted");
    // And its connection does not serve a certificate's address afterwards.
    assert!(get(&guarded, server.url("ten"), 10).unwrap_err().contains("private network"));
}

#[test]
fn a_proxy_is_asked_for_names_and_for_no_private_ones() {
    use PrivateAddresses::Allowed;
    use PrivateAddresses::Refused;
    let (server, other) = (Server::start(), Server::start());
    let proxied = |private_addresses, credentials: &str| {
        client(|o| {
            o.proxy = Some(format!("http://{credentials}{}", server.address));
            o.private_addresses = private_addresses;
            o.hosts.insert("past".to_owned(), other.address);
        })
    };
    let with = |private_addresses, purpose, url: &str| {
        let request = Request::get(purpose, url, 10);
        proxied(private_addresses, "").fetch(&request).map(|r| r.body).map_err(|e| e.to_string())
    };
    // The proxy itself lies in a private network, which the caller said.
    assert_eq!(with(Refused, Purpose::Crl, "http://crl.example.vn/ten?x").unwrap(), b"0123456789");
    assert!(server.seen()[0].starts_with("get http://crl.example.vn/ten?x http/1.1\r\n"), "{:?}", server.seen());
    assert!(server.seen()[0].contains("host: crl.example.vn\r\n"), "{:?}", server.seen());
    for inside in ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "intranet"] {
        let error = with(Refused, Purpose::Crl, &format!("http://{inside}/ten")).unwrap_err();
        assert!(error.contains("private network"), "{inside}: {error}");
    }
    assert_eq!(server.seen().len(), 1);
    assert_eq!(with(Allowed, Purpose::Crl, "http://intranet/ten").unwrap(), b"0123456789");
    assert_eq!(with(Refused, Purpose::RemoteSigning, "http://intranet/ten").unwrap(), b"0123456789");
    // TLS goes through a tunnel.
    let count = server.seen().len();
    with(Refused, Purpose::Crl, "https://crl.example.vn/ten").unwrap_err();
    assert!(server.seen()[count].starts_with("connect crl.example.vn:443 "), "{:?}", server.seen());
    // What has a fixed address is asked there.
    assert_eq!(with(Refused, Purpose::Crl, "http://past/ten").unwrap(), b"0123456789");
    assert!(other.seen()[0].starts_with("get /ten "), "{:?}", other.seen());
    // Several on one client, with a body, a redirect, a name and a password.
    let client = proxied(Refused, "user:secret@");
    assert!(!format!("{client:?}").contains("secret"));
    let count = server.seen().len();
    for _ in 0..2 {
        assert_eq!(get(&client, "http://crl.example.vn/once", 10).unwrap(), b"0123456789");
        let post = Request::post(Purpose::TimeStamp, "http://tsa.example.vn/post", "a/b", b"body".to_vec(), 99);
        assert_eq!(client.fetch(&post).unwrap().body, b"posted");
    }
    let seen = server.seen().split_off(count);
    let first = |line: &String| line.split(" http/1.1").next().unwrap().to_owned();
    let round = ["get http://crl.example.vn/once", "get http://crl.example.vn/ten", "post http://tsa.example.vn/post"];
    assert_eq!(seen.iter().map(first).collect::<Vec<_>>(), [round, round].concat());
    assert!(seen.iter().all(|s| s.contains("proxy-authorization: basic dxnlcjpzzwnyzxq=\r\n")), "{seen:?}");
    assert!(seen[2].ends_with("\r\n\r\nbody"));
}

/// `openssl s_server` with a certificate made on the spot; `None` (said on
/// standard error) where there is no OpenSSL.
fn tls_server(folder: &Path) -> Option<(Child, u16, Vec<u8>)> {
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -outform DER -out \
                root.der -days 30 -subj /CN=crl.example.vn -addext subjectAltName=DNS:crl.example.vn -addext basicConstraints=critical,CA:FALSE";
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    if !openssl(make).status().is_ok_and(|s| s.success()) {
        eprintln!("no OpenSSL: skipped");
        return None;
    }
    fs::write(folder.join("ten"), b"0123456789").unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let serve = format!("s_server -accept 127.0.0.1:{port} -cert root.der -certform DER -key key.pem -HTTP -quiet");
    let server = openssl(&serve).spawn().unwrap();
    for _ in 0..100 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    Some((server, port, fs::read(folder.join("root.der")).unwrap()))
}

#[test]
fn tls_servers_are_authenticated() {
    let folder = tempfile::tempdir().unwrap();
    // -HTTP sends a file as it stands, with its own head.
    let Some((mut server, port, root)) = tls_server(folder.path()) else { return };
    fs::write(folder.path().join("ten"), b"HTTP/1.0 200 OK\r\n\r\n0123456789").unwrap();
    let with = |roots: Option<Vec<Vec<u8>>>, name: &str| {
        let client = client(|o| {
            o.tls_roots = roots;
            o.hosts.insert(name.to_owned(), SocketAddr::from(([127, 0, 0, 1], port)));
        });
        get(&client, format!("https://{name}:{port}/ten"), 10)
    };
    let trusted = with(Some(vec![root.clone()]), "crl.example.vn");
    let untrusted = with(None, "crl.example.vn");
    let other_name = with(Some(vec![root]), "ocsp.example.vn");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(trusted.unwrap(), b"0123456789");
    assert!(untrusted.unwrap_err().contains("certificate"));
    assert!(other_name.unwrap_err().contains("certificate"));
}
