//! The program inside the lab's container images, chosen by the name it is called by:
//!
//! - `replyhost`: answers `I am <hostname>` (with `VERSION=v2`: `I am v2 <hostname>`) on port 80 (or
//!   `PORT`) to every request, and ends at once on SIGTERM;
//! - `crash`: says why on standard error and exits with 1 at once;
//! - `healthcheck-fail`: a health check that never passes;
//! - `fetch HOST`: prints what port 80 of a host answers with, its name resolved by the resolver that
//!   Docker gives a container (the C library's crashes in a static program).
use std::io::{Error, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(code: i32) -> !;
}

/// PID 1 of a container has no default action for signals: without a handler every stop would wait
/// for the grace period.
extern "C" fn end(_: i32) {
    unsafe { _exit(0) }
}

fn main() {
    let called = std::env::args().next().unwrap_or_default();
    match called.rsplit('/').next() {
        Some("crash") => {
            eprintln!("crash: cannot read the configuration: no such file");
            std::process::exit(1);
        }
        Some("healthcheck-fail") => {
            println!("healthcheck: the backend does not answer");
            std::process::exit(1);
        }
        Some("fetch") => {
            let host = std::env::args().nth(1).unwrap_or_default();
            match fetch(&host) {
                Ok(body) => print!("{body}"),
                Err(error) => {
                    eprintln!("fetch: {host}: {error}");
                    std::process::exit(1);
                }
            }
        }
        _ => serve(),
    }
}

/// The body of the answer to one request.
fn fetch(host: &str) -> std::io::Result<String> {
    let address = host.parse().or_else(|_| resolve(host))?;
    let patience = Duration::from_secs(10);
    let mut stream = TcpStream::connect_timeout(&(address, 80).into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| Error::other(format!("not a page: {answer}")))
}

/// The first IPv4 address of a name.
fn resolve(name: &str) -> std::io::Result<Ipv4Addr> {
    let settings = std::fs::read_to_string("/etc/resolv.conf")?;
    let server = settings.lines().find_map(|line| line.strip_prefix("nameserver "));
    let server: Ipv4Addr = server
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| Error::other("no resolver in /etc/resolv.conf"))?;
    // One question, recursion wanted, for an A record of the internet.
    let mut query = vec![0x4c, 0x42, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.send_to(&query, (server, 53))?;
    let mut answer = [0; 512];
    let size = socket.recv(&mut answer)?;
    // The answers follow the question: a name, type, class, time to live, size of the data, data.
    let mut rest = answer[..size].get(query.len()..).unwrap_or_default();
    loop {
        // A name is labels up to an empty one or up to a pointer.
        while let &[length @ 1..0xc0, ref after @ ..] = rest {
            rest = after.get(usize::from(length)..).unwrap_or_default();
        }
        let skip = if rest.first() == Some(&0) { 1 } else { 2 };
        let record = rest.get(skip..).unwrap_or_default();
        let &[_, kind, _, _, _, _, _, _, high, low, ref data @ ..] = record else {
            return Err(Error::other("the name has no address"));
        };
        if let (1, &[a, b, c, d, ..]) = (kind, data) {
            return Ok(Ipv4Addr::new(a, b, c, d));
        }
        rest = data.get(usize::from(high) * 256 + usize::from(low)..).unwrap_or_default();
    }
}

fn serve() {
    for number in [2, 15] {
        unsafe { signal(number, end) };
    }
    let port = std::env::var("PORT").unwrap_or_else(|_| "80".into());
    let listener = match TcpListener::bind(format!("0.0.0.0:{port}")) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("replyhost: port {port}: {error}");
            std::process::exit(1);
        }
    };
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let version = std::env::var("VERSION").map(|v| format!("{v} ")).unwrap_or_default();
    let body = format!("I am {version}{}\n", host.trim());
    for connection in listener.incoming().flatten() {
        let body = body.clone();
        std::thread::spawn(move || {
            if let Err(error) = answer(connection, &body) {
                eprintln!("replyhost: {error}");
            }
        });
    }
}

/// Reads a request up to its empty line, whatever it says, and answers.
fn answer(mut stream: TcpStream, body: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
    while !seen.windows(4).any(|w| w == b"\r\n\r\n") && seen.len() < 16 * 1024 {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            n => seen.extend_from_slice(&buffer[..n]),
        }
    }
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())
}
