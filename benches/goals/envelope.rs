//! P4: reading one envelope, against a bare server that answers with the same JSON.

use crate::measure::{Quantity, Report, Samples, pause, process_cpu};
use crate::server::{Client, Product, Running};
use crate::{Options, Outcome, pdf};
use actix_web::{App, HttpResponse, HttpServer, web};
use paraph::ambient::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// CPU time, at most so many times the bare server's.
const CPU_FACTOR: f64 = 4.0;
/// Requests a second, at least this part of the bare server's.
const RATE_PART: f64 = 0.25;
/// Connections at once.
const CLIENTS: usize = 4;
/// Requests of each connection in one measurement.
const REQUESTS: usize = 2_000;
/// Looks for the first start's words, a hundredth of a second apart.
const WELCOME_WAITS_MAX: usize = 500;

/// One server and one question.
struct Side {
    process: u32,
    address: SocketAddr,
    path: String,
    key: String,
}

/// P4.
pub fn get(options: &Options, report: &mut Report) -> Outcome<()> {
    let folder = options.folder.join("get");
    let product = Product::start(&folder)?;
    let key = test_key(&folder)?;
    let (path, reply) = envelope(product.address, &key)?;

    let mut bare = Running(
        Command::new(std::env::current_exe()?)
            .arg("--bare-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let mut input = bare.0.stdin.take().ok_or("no input")?;
    input.write_all(&reply)?;
    input.write_all(b"\n")?;
    let mut address = String::new();
    BufReader::new(bare.0.stdout.take().ok_or("no output")?).read_line(&mut address)?;

    let side = |process: &Running, address| Side {
        process: process.0.id(),
        address,
        path: path.clone(),
        key: key.clone(),
    };
    let sides = [
        side(&product.process, product.address),
        side(&bare, address.trim().parse()?),
    ];
    let mut figures: [(Samples, Samples); 2] = Default::default();
    for side in &sides {
        side.load()?;
    }
    for _ in 0..options.pairs {
        for (side, (cpu, rate)) in sides.iter().zip(&mut figures) {
            let (one_cpu, one_rate) = side.load()?;
            cpu.push(one_cpu);
            rate.push(one_rate);
        }
    }
    let [(cpu, rate), (bare_cpu, bare_rate)] = figures;
    report.line(
        "P4.cpu",
        Quantity::Cpu,
        &cpu,
        CPU_FACTOR * bare_cpu.median(),
    );
    report.line(
        "P4.rate",
        Quantity::Rate,
        &rate,
        RATE_PART * bare_rate.median(),
    );
    Ok(())
}

impl Side {
    /// CPU nanoseconds of the server for one request, and requests a second.
    fn load(&self) -> Outcome<(f64, f64)> {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(Client::open(self.address)?);
        }
        let bearer = format!("Bearer {}", self.key);
        let (clock, before) = (SystemClock::new(), process_cpu(self.process)?);
        let ask = |mut client: Client| {
            for _ in 0..REQUESTS {
                let reply = client
                    .send("GET", &self.path, &[("authorization", &bearer)], b"")
                    .map_err(|error| error.to_string())?;
                if reply.status != 200 {
                    return Err(format!("status {}", reply.status));
                }
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .into_iter()
                .map(|client| scope.spawn(|| ask(client)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a client panicked".to_owned()))
            })
        })?;
        let took = clock.monotonic();
        let requests = (CLIENTS * REQUESTS) as f64;
        let cpu = process_cpu(self.process)? - before;
        Ok((cpu / requests, requests / took.as_secs_f64()))
    }
}

/// The key that the first start printed. It listens before it speaks: the words may come after the first answer.
pub fn test_key(folder: &Path) -> Outcome<String> {
    for _ in 0..WELCOME_WAITS_MAX {
        let welcome = std::fs::read_to_string(folder.join("out"))?;
        let key = welcome
            .lines()
            .find_map(|line| line.trim().strip_prefix("Test key"))
            .filter(|rest| rest.ends_with("shown once"))
            .and_then(|rest| rest.split_whitespace().next());
        if let Some(key) = key {
            return Ok(key.to_owned());
        }
        pause(Duration::from_millis(10));
    }
    Err("the first start printed no test key".into())
}

/// Makes an envelope of one document and two recipients; its path, and what a GET of it answers.
pub fn envelope(address: SocketAddr, key: &str) -> Outcome<(String, Vec<u8>)> {
    let mut client = Client::open(address)?;
    let bearer = format!("Bearer {key}");
    let mut call = |method: &str, path: &str, kind: &str, body: &[u8]| -> Outcome<Vec<u8>> {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = client.send(method, path, &headers, body)?;
        if reply.status / 100 == 2 {
            Ok(reply.body)
        } else {
            let text = String::from_utf8_lossy(&reply.body);
            Err(format!("{method} {path}: {} {text}", reply.status).into())
        }
    };
    let form = [
        b"--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n",
        &pdf::Pdf::one_page().build()[..],
        b"\r\n--part--\r\n",
    ]
    .concat();
    let document = id(&call(
        "POST",
        "/api/v1/documents",
        "multipart/form-data; boundary=part",
        &form,
    )?)?;
    let request = json!({
        "subject": "Contract",
        "documentIds": [document],
        "recipients": [
            {"email": "marie@example.com", "name": "Marie Dubois", "role": "SIGNER"},
            {"email": "sean@example.com", "name": "Sean Byrne", "role": "SIGNER"},
        ],
    });
    let made = id(&call(
        "POST",
        "/api/v1/envelopes",
        "application/json",
        request.to_string().as_bytes(),
    )?)?;
    let path = format!("/api/v1/envelopes/{made}");
    let reply = call("GET", &path, "application/json", b"")?;
    Ok((path, reply))
}

fn id(reply: &[u8]) -> Outcome<String> {
    let value: Value = serde_json::from_slice(reply)?;
    Ok(value
        .get("id")
        .and_then(Value::as_str)
        .ok_or("no id")?
        .to_owned())
}

/// The anchor: takes one line of JSON, says where it listens, and answers everything with that JSON until it is killed.
pub fn bare_server() -> Outcome<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let value: web::Data<Value> = web::Data::new(serde_json::from_str(&line)?);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new().app_data(value.clone()).default_service(web::to(
                async |value: web::Data<Value>| HttpResponse::Ok().json(value.get_ref()),
            ))
        })
        .workers(threads)
        .bind(("127.0.0.1", 0))?;
        for address in server.addrs() {
            println!("{address}");
        }
        server.run().await
    })?;
    Ok(())
}
