//! Mail through one SMTP server (RFC 5321), blocking, with few connections kept.

use crate::domain::contact::EmailAddress;
use crate::domain::text;
use crate::domain::{limits, time::Timestamp};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{MultiPart, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, Message, SmtpTransport, Transport as _};
use std::fmt;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Between two lines of the dialogue.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Connections to the server at once.
const CONNECTIONS_MAX: u32 = 4;
/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_secs(60);

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// In clear.
    None,
    /// Begun in clear; nothing is sent to a server that doesn't encrypt.
    StartTls,
    /// From the first byte.
    Tls,
}

/// Who we are to the server.
#[derive(Clone)]
pub struct SmtpLogin {
    /// Name.
    pub user: String,
    /// Overwritten when it goes.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for SmtpLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpLogin")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A person or an office with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Shown beside the address.
    pub name: Option<String>,
    /// Where it goes.
    pub address: EmailAddress,
}

/// Everything that [`Smtp`] needs.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Name or address of the server; what its certificate must name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The way's protection.
    pub tls: SmtpTls,
    /// Where the server wants one.
    pub login: Option<SmtpLogin>,
    /// Sender of every letter.
    pub from: Mailbox,
    /// Trusted beside the machine's anchors (DER).
    pub extra_roots: Vec<Vec<u8>>,
}

/// One mail to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The unique part of its Message-ID: letters, digits, `-`, `_` and `.`. The same in every attempt, so that a receiver can drop doubles.
    pub id: String,
    /// When it was written.
    pub date: Timestamp,
    /// To whom.
    pub to: Mailbox,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<Mailbox>,
    /// One line.
    pub subject: String,
    /// For every reader.
    pub text: String,
    /// The same for readers that show HTML.
    pub html: Option<String>,
}

/// Why a letter didn't go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpFailure {
    /// The server won't ever take this letter (5yz), or nobody could send it.
    #[error("refused: {0}")]
    Permanent(String),
    /// The server takes it another time (4yz), or can't be reached or trusted.
    #[error("not now: {0}")]
    Transient(String),
}

impl SmtpFailure {
    /// Whether another attempt is in vain.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent(_))
    }

    /// What the server or the network said, fit to keep.
    pub fn reason(&self) -> &str {
        match self {
            Self::Permanent(reason) | Self::Transient(reason) => reason,
        }
    }
}

/// The way to the server.
pub struct Smtp {
    transport: SmtpTransport,
    from: lettre::message::Mailbox,
    id_domain: String,
}

impl Smtp {
    /// Prepares the way; connects with the first letter.
    ///
    /// # Errors
    /// Where the TLS settings can't be built, or the sender's address can't be carried.
    pub fn new(settings: SmtpSettings) -> Result<Self, SmtpFailure> {
        let from = mailbox(&settings.from)?;
        let tls = match settings.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::Required(parameters(&settings)?),
            SmtpTls::Tls => Tls::Wrapper(parameters(&settings)?),
        };
        let pool = PoolConfig::new()
            .min_idle(0)
            .max_size(CONNECTIONS_MAX)
            .idle_timeout(IDLE);
        let mut builder = SmtpTransport::builder_dangerous(settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(pool);
        if let Some(login) = &settings.login {
            builder = builder.credentials(Credentials::new(
                login.user.clone(),
                login.password.to_string(),
            ));
        }
        let id_domain = from.email.domain().to_owned();
        Ok(Self {
            transport: builder.build(),
            from,
            id_domain,
        })
    }

    /// Sends one letter; what the server said to it comes back, fit to keep.
    ///
    /// # Errors
    /// As [`SmtpFailure`] tells: once more later, or never.
    pub fn send(&self, letter: &Letter) -> Result<String, SmtpFailure> {
        let message = self.message(letter)?;
        match self.transport.send(&message) {
            Ok(response) => {
                let said: Vec<&str> = response.message().collect();
                let line = format!("{} {}", response.code(), said.join(" "));
                Ok(text::kept(&line, limits::ANSWER_CHARS_MAX))
            }
            Err(e) => Err(failure(&e)),
        }
    }

    /// Connects, protects the way, logs in where that is set, and sends nothing.
    ///
    /// # Errors
    /// What the server or the network said.
    pub fn probe(&self) -> Result<(), SmtpFailure> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err(SmtpFailure::Transient(
                "the server took the connection and then went silent".to_owned(),
            )),
            Err(e) => Err(failure(&e)),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, SmtpFailure> {
        let plain_id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if letter.id.is_empty() || !letter.id.bytes().all(plain_id) {
            return Err(SmtpFailure::Permanent(
                "the letter's id can't stand in a header".to_owned(),
            ));
        }
        let since =
            Duration::from_millis(u64::try_from(letter.date.as_millis()).unwrap_or_default());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(mailbox(&letter.to)?)
            .date(SystemTime::UNIX_EPOCH + since)
            .message_id(Some(format!("<{}@{}>", letter.id, self.id_domain)))
            // RFC 3834: nobody's holiday answer is wanted.
            .header(AutoSubmitted)
            .subject(line(&letter.subject)?);
        if let Some(reply_to) = &letter.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let plain = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone());
        let built = match &letter.html {
            None => builder.singlepart(plain),
            Some(html) => {
                let html = SinglePart::builder()
                    .header(ContentType::TEXT_HTML)
                    .body(html.clone());
                // From the id, not from chance: the same letter is the same bytes in every attempt.
                let boundary = format!("=_{}", letter.id);
                builder.multipart(
                    MultiPart::alternative()
                        .boundary(boundary)
                        .singlepart(plain)
                        .singlepart(html),
                )
            }
        };
        built.map_err(|e| SmtpFailure::Permanent(e.to_string()))
    }
}

/// `Auto-Submitted: auto-generated`.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// A header's text in one line. The domain's types hold no line ends; this holds where a caller built one by hand.
fn line(text: &str) -> Result<String, SmtpFailure> {
    if text.chars().any(char::is_control) {
        return Err(SmtpFailure::Permanent("a line end in a header".to_owned()));
    }
    Ok(text.to_owned())
}

fn mailbox(of: &Mailbox) -> Result<lettre::message::Mailbox, SmtpFailure> {
    let address: Address =
        of.address.as_str().parse().map_err(|e| {
            SmtpFailure::Permanent(format!("the address can't be used in SMTP: {e}"))
        })?;
    let name = of.name.as_deref().map(line).transpose()?;
    Ok(lettre::message::Mailbox::new(name, address))
}

fn parameters(settings: &SmtpSettings) -> Result<TlsParameters, SmtpFailure> {
    let tls = |e: lettre::transport::smtp::Error| SmtpFailure::Transient(format!("TLS: {e}"));
    let mut builder = TlsParameters::builder(settings.host.clone());
    for root in &settings.extra_roots {
        builder = builder.add_root_certificate(Certificate::from_der(root.clone()).map_err(tls)?);
    }
    builder.build_rustls().map_err(tls)
}

fn failure(error: &lettre::transport::smtp::Error) -> SmtpFailure {
    use std::error::Error as _;
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = cause.source();
    }
    let said = text::kept(&said, limits::ANSWER_CHARS_MAX);
    let code = error.status().map(|code| code.to_string());
    // Who may log in is between the operator and the server (RFC 4954): the letter is good and waits until that is mended.
    let login = matches!(code.as_deref(), Some("530" | "534" | "535" | "538"));
    if error.is_permanent() && !login {
        SmtpFailure::Permanent(said)
    } else {
        SmtpFailure::Transient(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// A server for one connection: answers each command by `answer`, and gives back all that it heard.
    fn server(answer: impl Fn(&str) -> &'static str + Send + 'static) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            stream.write_all(b"220 test ESMTP\r\n").unwrap();
            let mut all = String::new();
            let mut in_data = false;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return all;
                }
                all.push_str(&line);
                if in_data {
                    if line == ".\r\n" {
                        in_data = false;
                        stream.write_all(answer("BODY").as_bytes()).unwrap();
                    }
                    continue;
                }
                let reply = answer(line.trim_end());
                in_data = reply.starts_with("354");
                stream.write_all(reply.as_bytes()).unwrap();
                if line.starts_with("QUIT") {
                    return all;
                }
            }
        });
        (port, heard)
    }

    fn good(command: &str) -> &'static str {
        match command.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n",
            "DATA" => "354 go on\r\n",
            "BODY" => "250 2.0.0 queued as 77\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        }
    }

    fn smtp(port: u16, tls: SmtpTls, login: Option<SmtpLogin>) -> Smtp {
        Smtp::new(SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port,
            tls,
            login,
            from: Mailbox {
                name: Some("Acmé, Sàrl".to_owned()),
                address: "sign@acme.example".parse().unwrap(),
            },
            extra_roots: Vec::new(),
        })
        .unwrap()
    }

    fn letter() -> Letter {
        Letter {
            id: "mail_1".to_owned(),
            date: Timestamp::parse("2026-11-24T09:30:00Z").unwrap(),
            to: Mailbox {
                name: Some("Marie \"M\" Dubois".to_owned()),
                address: "marie@example.com".parse().unwrap(),
            },
            reply_to: Some(Mailbox {
                name: None,
                address: "hr@acme.example".parse().unwrap(),
            }),
            subject: "Please sign: Contrat été".to_owned(),
            text: "Bonjour\n.\nhttps://sign.example.com/sign/x\n".to_owned(),
            html: Some("<p>Bonjour</p>".to_owned()),
        }
    }

    #[test]
    fn a_letter_arrives_with_its_headers_and_both_texts() {
        let (port, heard) = server(good);
        let way = smtp(port, SmtpTls::None, None);
        assert_eq!(way.send(&letter()), Ok("250 2.0.0 queued as 77".to_owned()));
        drop(way);
        let heard = heard.join().unwrap();
        for wanted in [
            "MAIL FROM:<sign@acme.example>",
            "RCPT TO:<marie@example.com>",
            "Message-ID: <mail_1@acme.example>\r\n",
            "Date: Tue, 24 Nov 2026 09:30:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Reply-To: hr@acme.example\r\n",
            "multipart/alternative",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
        ] {
            assert!(heard.contains(wanted), "`{wanted}` is missing in:\n{heard}");
        }
        assert_eq!(heard.matches("RCPT TO").count(), 1);
    }

    #[test]
    fn a_probe_logs_in_and_sends_nothing() {
        let login = || SmtpLogin {
            user: "paraph".to_owned(),
            password: Zeroizing::new("secret".to_owned()),
        };
        let offers = |command: &str| match command.split(' ').next() {
            Some("EHLO") => "250-test\r\n250 AUTH PLAIN\r\n",
            _ => good(command),
        };
        let (port, heard) = server(move |command| match command.split(' ').next() {
            Some("AUTH") => "235 2.7.0 welcome\r\n",
            _ => offers(command),
        });
        let way = smtp(port, SmtpTls::None, Some(login()));
        assert_eq!(way.probe(), Ok(()));
        drop(way);
        let heard = heard.join().unwrap();
        assert!(heard.contains("AUTH PLAIN"), "{heard}");
        assert!(!heard.contains("MAIL FROM"), "{heard}");

        let (port, heard) = server(move |command| match command.split(' ').next() {
            Some("AUTH") => "535 5.7.8 who are you\r\n",
            _ => offers(command),
        });
        let refused = smtp(port, SmtpTls::None, Some(login()))
            .probe()
            .unwrap_err();
        assert!(refused.reason().contains("who are you"), "{refused:?}");
        heard.join().unwrap();

        let (port, heard) = server(good);
        let clear = smtp(port, SmtpTls::StartTls, None).probe().unwrap_err();
        assert!(clear.reason().contains("STARTTLS"), "{clear:?}");
        heard.join().unwrap();
    }

    #[test]
    fn the_same_letter_is_the_same_bytes_in_every_attempt() {
        let way = smtp(25, SmtpTls::None, None);
        let once = way.message(&letter()).unwrap().formatted();
        assert_eq!(once, way.message(&letter()).unwrap().formatted());
    }

    #[test]
    fn a_5yz_is_final_and_a_4yz_is_not() {
        let (port, heard) = server(|command| {
            if command.starts_with("RCPT") {
                "550 5.1.1 no such user\r\n"
            } else {
                good(command)
            }
        });
        let refused = smtp(port, SmtpTls::None, None).send(&letter()).unwrap_err();
        assert!(
            refused.is_permanent() && refused.reason().contains("no such user"),
            "{refused:?}"
        );
        heard.join().unwrap();
        let (port, heard) = server(|command| {
            if command == "BODY" {
                "451 4.7.1 greylisted\r\n"
            } else {
                good(command)
            }
        });
        let later = smtp(port, SmtpTls::None, None).send(&letter()).unwrap_err();
        assert!(
            !later.is_permanent() && later.reason().contains("greylisted"),
            "{later:?}"
        );
        heard.join().unwrap();
    }

    #[test]
    fn a_wrong_password_keeps_the_letter_waiting_and_is_not_repeated() {
        let (port, heard) = server(|command| match command.split(' ').next() {
            Some("EHLO") => "250-test\r\n250 AUTH PLAIN\r\n",
            Some("AUTH") => "535 5.7.8 bad credentials\r\n",
            _ => good(command),
        });
        let login = SmtpLogin {
            user: "u".to_owned(),
            password: Zeroizing::new("hunter2".to_owned()),
        };
        assert!(!format!("{login:?}").contains("hunter2"));
        let told = smtp(port, SmtpTls::None, Some(login))
            .send(&letter())
            .unwrap_err();
        assert!(
            !told.is_permanent() && !told.reason().contains("hunter2"),
            "{told:?}"
        );
        heard.join().unwrap();
    }

    #[test]
    fn nothing_is_sent_in_clear_to_a_server_that_does_not_encrypt() {
        let (port, heard) = server(good);
        let told = smtp(port, SmtpTls::StartTls, None)
            .send(&letter())
            .unwrap_err();
        assert!(!told.is_permanent(), "{told:?}");
        let heard = heard.join().unwrap();
        assert!(
            !heard.contains("MAIL FROM") && !heard.contains("DATA"),
            "{heard}"
        );
    }

    #[test]
    fn a_server_that_is_not_there_is_transient() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let told = smtp(port, SmtpTls::Tls, None).send(&letter()).unwrap_err();
        assert!(
            !told.is_permanent() && told.reason().contains("refused"),
            "{told:?}"
        );
    }

    #[test]
    fn a_line_end_in_a_name_or_subject_makes_no_header() {
        let way = smtp(25, SmtpTls::None, None);
        let mut evil = letter();
        evil.subject = "Hi\r\nBcc: x@example.com".to_owned();
        assert!(way.message(&evil).is_err_and(|e| e.is_permanent()));
        let mut evil = letter();
        evil.to.name = Some("M\r\nBcc: x@example.com".to_owned());
        assert!(way.message(&evil).is_err_and(|e| e.is_permanent()));
        let mut evil = letter();
        evil.id = "a>\r\nBcc: x".to_owned();
        assert!(way.message(&evil).is_err_and(|e| e.is_permanent()));
    }
}
