//! Other doors than TCP addresses: a Unix socket, and what systemd hands over.

use super::{Client, Paraph, Serving, code, err, out};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

const URL: &str = "http://localhost:8099";

/// The status of a GET by a Unix socket, as a proxy on this machine sends it for `client`.
fn status(socket: &Path, path: &str, client: &str) -> u16 {
    let mut stream = UnixStream::connect(socket).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:8099\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status.parse().unwrap_or_else(|_| panic!("{answer}"))
}

fn serve(paraph: &Paraph, listen: &str) -> Command {
    let mut command = paraph.command(&["serve"]);
    command
        .env("PARAPH__SERVER__LISTEN", listen)
        .env("PARAPH__SERVER__PUBLIC_URL", URL)
        .env("PARAPH__ADMIN__ALLOW_FROM", "10.0.0.0/8");
    command
}

#[test]
fn a_unix_socket_serves_believes_its_proxy_and_goes_with_the_server() {
    let paraph = Paraph::new("socket");
    let socket = paraph.folder.join("http.sock");
    let listen = format!("unix:{}", socket.display());
    // As a server that was killed leaves it.
    drop(UnixListener::bind(&socket).unwrap());
    let mut serving = Serving::by(serve(&paraph, &listen), URL);
    let health = |arguments: &[&str]| {
        let mut command = paraph.command(arguments);
        command
            .env("PARAPH__SERVER__LISTEN", &listen)
            .env("PARAPH__SERVER__PUBLIC_URL", URL);
        command.output().unwrap()
    };
    assert_eq!(code(&health(&["healthcheck"])), 0);
    assert_eq!(code(&health(&["healthcheck", &listen])), 0);
    assert_eq!(status(&socket, "/admin/login", "10.1.4.7"), 200);
    assert_eq!(status(&socket, "/admin/login", "192.0.2.7"), 404);
    assert_eq!(status(&socket, "/admin/login", "10.1.4.7, 192.0.2.7"), 404);

    let second = serve(&paraph, &listen).output().unwrap();
    assert_eq!(code(&second), 75, "{}", err(&second));
    assert!(
        err(&second).contains("another process listens there"),
        "{}",
        err(&second)
    );
    assert_eq!(status(&socket, "/healthz", "10.1.4.7"), 200, "still there");

    assert_eq!(serving.terminate(), 0);
    assert!(!socket.exists());
    let gone = health(&["healthcheck"]);
    assert_eq!((code(&gone), out(&gone)), (1, ""), "{}", err(&gone));
}

/// Hands a socket over as systemd does, but as the first descriptor: the number is the protocol's to name.
fn hand_over(mut command: Command, socket: impl Into<OwnedFd>) -> Command {
    command
        .stdin(socket.into())
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDS_FIRST_FD", "0");
    command
}

#[test]
fn sockets_that_systemd_hands_over_are_served_and_stay_when_the_server_goes() {
    let paraph = Paraph::new("passed");
    let path = paraph.folder.join("passed.sock");
    let passed = UnixListener::bind(&path).unwrap();
    let copy = passed.try_clone().unwrap();
    let mut serving = Serving::by(hand_over(serve(&paraph, "systemd"), copy), URL);
    assert_eq!(status(&path, "/admin/login", "10.1.4.7"), 200);
    assert_eq!(status(&path, "/admin/login", "192.0.2.7"), 404);
    assert_eq!(serving.terminate(), 0);
    assert!(path.exists(), "it is systemd's");

    let passed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = passed.local_addr().unwrap();
    let mut serving = Serving::by(hand_over(serve(&paraph, "systemd"), passed), URL);
    let client = Client::new(&format!("http://{address}"));
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(serving.terminate(), 0);
}

#[test]
fn systemd_that_hands_over_nothing_or_something_else_is_named() {
    let paraph = Paraph::new("nothing");
    let nothing = serve(&paraph, "systemd").output().unwrap();
    assert_eq!(code(&nothing), 78);
    assert!(
        err(&nothing).contains("start paraph.socket"),
        "{}",
        err(&nothing)
    );

    let file = std::fs::File::open("/dev/null").unwrap();
    let unsuited = hand_over(serve(&paraph, "systemd"), file).output().unwrap();
    assert_eq!(code(&unsuited), 78);
    assert!(err(&unsuited).contains("socket 1"), "{}", err(&unsuited));

    let open = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let open = hand_over(serve(&paraph, "systemd"), open).output().unwrap();
    assert_eq!(code(&open), 78, "{}", err(&open));
    assert!(
        err(&open).contains("must be the https address"),
        "{}",
        err(&open)
    );

    let health = paraph
        .command(&["healthcheck"])
        .env("PARAPH__SERVER__LISTEN", "systemd")
        .env("PARAPH__SERVER__PUBLIC_URL", URL)
        .output()
        .unwrap();
    assert_eq!(code(&health), 2, "{}", err(&health));
}
