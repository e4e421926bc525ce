//! The program inside the lab's container images, chosen by the name it is called by:
//!
//! - `replyhost`: answers `I am <hostname>` (with `VERSION=v2`: `I am v2 <hostname>`) on port 80 (or
//!   `PORT`) to every request, and ends at once on SIGTERM;
//! - `crash`: says why on standard error and exits with 1 at once;
//! - `healthcheck-fail`: a health check that never passes.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
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
        _ => serve(),
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
