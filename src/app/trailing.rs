//! The audit trail as a document: what an auditor reads. PDF/A and PDF/UA, sealed like the documents themselves.

use super::auditing::{entries, trail_json};
use super::documents::Outgoing;
use super::{App, Error};
use crate::domain::audit::Body;
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, Mark, State};
use crate::domain::environment::Environment;
use crate::domain::event::Event;
use crate::domain::origin::{Actor, Factor};
use crate::domain::time::Timestamp;
use crate::pdf::Document;
use crate::pdf::prepare::{Plan, prepare};
use crate::pdf::sign::{SignatureSpec, seal};
use crate::pdf::trail::{Certificate, DocumentRow, Entry, Fact, Labels, Person, Trail, render};
use crate::pki;
use std::io::{Seek as _, Write as _};
use zip::write::SimpleFileOptions;

impl App {
    /// Makes the trail of an envelope and seals it.
    pub(crate) fn make_trail(&self, envelope: &Envelope, interim: bool) -> Result<Vec<u8>, Error> {
        let environment = envelope.environment;
        let kept = self.store.read(|tx| entries(tx, envelope.id))?;
        let export = trail_json(envelope, &kept)?;
        let mut rows = Vec::with_capacity(kept.len());
        for entry in &kept {
            if let Some(body) = entry.envelope_body().map_err(Error::internal)? {
                rows.push(row(envelope, &body, entry.hash));
            }
        }
        let sealer = self.sealer(environment)?;
        let trail = Trail {
            title: format!("Audit trail: {}", envelope.definition.subject),
            heading: envelope.definition.subject.clone(),
            organisation: self.settings.organisation.name.clone(),
            language: "en".to_owned(),
            made_at: self.now(),
            reference: envelope.id.to_string(),
            facts: facts(envelope),
            documents: documents(envelope),
            recipients: people(envelope, &kept)?,
            entries: rows,
            chain_head: kept.last().map(|entry| entry.hash.to_string()).unwrap_or_default(),
            export_sha256: Digest::of(&export).to_string(),
            certificates: certificates(&sealer)?,
            test: environment == Environment::Test,
            interim,
            verification: vec![
                "Each entry's hash covers the entry and the hash of the one before: nothing can be changed, taken out or put in without breaking all that follow.".to_owned(),
                "The export of the same trail as JSON (audit-trail?format=json) carries the hashed bytes themselves, so that the chain can be computed again with any SHA-256 tool.".to_owned(),
                "The sealed documents carry the hash of the entry before their seal; the entry envelope.completed carries the SHA-256 of the sealed documents.".to_owned(),
            ],
            labels: labels(),
        };
        let plain = render(&trail, &self.fonts).map_err(Error::internal)?;
        let document = Document::open(plain.as_slice()).map_err(Error::internal)?;
        let pages_max = super::sealing::PAGES_MAX;
        // Nothing is stamped: what PDF/A and PDF/UA ask for stays as it is.
        let tail = prepare(&document, &Plan::default(), &self.fonts, pages_max)
            .map_err(Error::internal)?;
        let spec = SignatureSpec {
            name: self.settings.organisation.name.clone(),
            reason: Some("Audit trail".to_owned()),
            at: self.now(),
            place: None,
            field: "Seal".to_owned(),
        };
        let mut sealed = Vec::with_capacity(plain.len() + tail.bytes.len() + 32 * 1024);
        seal(
            &plain.as_slice(),
            &tail.bytes,
            &spec,
            &sealer.signer,
            None,
            pages_max,
            &mut sealed,
        )
        .map_err(Error::internal)?;
        Ok(sealed)
    }

    /// Several files in one ZIP, stored and not deflated: PDFs are compressed already.
    pub(crate) fn zipped(
        &self,
        envelope: &Envelope,
        files: &[(String, Digest)],
    ) -> Result<Outgoing, Error> {
        let mut incoming = self.vault.incoming(u64::MAX)?;
        let mut zip = zip::ZipWriter::new_stream(&mut incoming);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip_time(envelope.ended_at.unwrap_or_default()))
            .large_file(true);
        let mut used = std::collections::HashSet::new();
        for (index, (name, sha256)) in files.iter().enumerate() {
            let name = if used.insert(name.clone()) {
                name.clone()
            } else {
                format!("{}-{name}", index + 1)
            };
            zip.start_file(name, options).map_err(Error::internal)?;
            let mut reader = self.vault.reader(envelope.environment, sha256)?;
            std::io::copy(&mut reader, &mut zip).map_err(Error::internal)?;
        }
        zip.finish()
            .map_err(Error::internal)?
            .flush()
            .map_err(Error::internal)?;
        let received = incoming.finish()?;
        let mut file = received.reopen()?;
        file.rewind().map_err(Error::internal)?;
        Ok(Outgoing {
            name: format!("{}-signed.zip", envelope.id),
            media_type: "application/zip",
            length: received.len(),
            digest: None,
            content: Box::new(file),
        })
    }
}

fn zip_time(at: Timestamp) -> zip::DateTime {
    let c = at.civil();
    let year = u16::try_from(c.year).unwrap_or(1980);
    zip::DateTime::from_date_and_time(year, c.month, c.day, c.hour, c.minute, c.second)
        .unwrap_or_default()
}

fn facts(envelope: &Envelope) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("Envelope", envelope.id.to_string()),
        Fact::new("Status", envelope.status().map_or("", |s| s.as_str())),
        Fact::new(
            "Signature level",
            envelope.definition.signature_level.as_str(),
        ),
        Fact::new("Created", envelope.created_at.to_string()),
    ];
    let mut when = |label: &str, at: Option<Timestamp>| {
        if let Some(at) = at {
            facts.push(Fact::new(label, at.to_string()));
        }
    };
    when("Sent", envelope.sent_at);
    when("Ended", envelope.ended_at);
    match &envelope.state {
        State::Declined { reason, .. } => {
            facts.push(Fact::new("Reason for declining", reason.clone()))
        }
        State::Voided {
            reason: Some(reason),
        } => facts.push(Fact::new("Reason for withdrawing", reason.clone())),
        _ => {}
    }
    if let Some(external) = &envelope.definition.external_id {
        facts.push(Fact::new("External id", external.clone()));
    }
    facts
}

fn documents(envelope: &Envelope) -> Vec<DocumentRow> {
    let sealed = match &envelope.state {
        State::Completed { sealed } => sealed.as_slice(),
        _ => &[],
    };
    envelope
        .documents
        .iter()
        .map(|d| DocumentRow {
            name: d.name.clone(),
            pages: d.pages,
            sha256: d.sha256.to_string(),
            signed_sha256: sealed
                .iter()
                .find(|s| s.document == d.id)
                .map(|s| s.sha256.to_string()),
        })
        .collect()
}

fn people(envelope: &Envelope, kept: &[crate::domain::audit::Entry]) -> Result<Vec<Person>, Error> {
    let mut people = Vec::new();
    for (person, progress) in envelope.recipients() {
        let mut evidence = vec![Fact::new(
            "Identity",
            "Personal link sent to this e-mail address",
        )];
        for (label, at) in [
            ("Invited", progress.invited_at),
            ("Opened", progress.viewed_at),
            ("Signed", progress.signed_at),
            ("Declined", progress.declined_at),
        ] {
            if let Some(at) = at {
                evidence.push(Fact::new(label, at.to_string()));
            }
        }
        for entry in kept {
            let Some(body) = entry.envelope_body().map_err(Error::internal)? else {
                continue;
            };
            let acted = matches!(&body.event, Event::Signed { by, .. } | Event::Declined { by, .. } if *by == person.id);
            if !acted {
                continue;
            }
            if let Some(address) = body.origin.address {
                evidence.push(Fact::new("IP address", address.to_string()));
            }
            if let Some(agent) = body.origin.user_agent {
                evidence.push(Fact::new("Browser", agent));
            }
        }
        if let Some(given) = &progress.evidence {
            let how = match given.signature {
                Mark::Typed { .. } => "typed",
                Mark::Drawn { .. } => "drawn by hand",
                Mark::Picture { .. } => "uploaded picture",
            };
            evidence.push(Fact::new("Signature", how));
            evidence.push(Fact::new(
                "Consent",
                format!(
                    "{} ({}), SHA-256 {}",
                    given.consent.version, given.consent.locale, given.consent.sha256
                ),
            ));
        }
        people.push(Person {
            name: person.shown_as().to_owned(),
            email: person.email.to_string(),
            role: "Signer".to_owned(),
            evidence,
        });
    }
    Ok(people)
}

fn row(envelope: &Envelope, body: &Body<Event>, hash: Digest) -> Entry {
    let actor = match &body.origin.actor {
        Actor::ApiKey { name, .. } => format!("API key {name}"),
        Actor::Recipient { email, name, .. } => name
            .as_ref()
            .map_or(email.to_string(), |n| n.as_str().to_owned()),
        Actor::Admin { name, .. } => format!("Administrator {name}"),
        Actor::Operator => "Operator at the command line".to_owned(),
        Actor::System => "The appliance".to_owned(),
        Actor::Stranger => "Unknown".to_owned(),
    };
    let factors = match body.origin.factor {
        Factor::ApiKey => "API key",
        Factor::Link => "personal link",
        Factor::SetupLink => "setup link",
        Factor::Password => "password",
        Factor::Shell => "shell",
        Factor::Own | Factor::None => "",
    };
    Entry {
        sequence: body.seq,
        at: body.at,
        event: words(envelope, &body.event),
        actor,
        factors: factors.to_owned(),
        address: body
            .origin
            .address
            .map(|a| a.to_string())
            .unwrap_or_default(),
        hash: hash.to_string(),
    }
}

/// What happened, in words; the name of the event stays in front, for whoever compares with the export.
fn words(envelope: &Envelope, event: &Event) -> String {
    let who = |id| {
        envelope
            .recipient(id)
            .map_or("a former recipient", |(p, _)| p.shown_as())
    };
    let all = |ids: &[crate::domain::ids::RecipientId]| {
        ids.iter().map(|id| who(*id)).collect::<Vec<_>>().join(", ")
    };
    let told = match event {
        Event::Created { .. } => "Draft made".to_owned(),
        Event::Edited { .. } => "Draft changed".to_owned(),
        Event::LinksCreated { links } => {
            format!(
                "Personal links made for {}",
                all(&links.iter().map(|l| l.recipient).collect::<Vec<_>>())
            )
        }
        Event::Sent {
            invited,
            expires_at,
            ..
        } => {
            format!(
                "Sent; {} invited first; open until {expires_at}",
                all(invited)
            )
        }
        Event::Invited { recipients } => format!("{} invited", all(recipients)),
        Event::MailQueued {
            message,
            recipients,
        } => format!("Mail ({}) queued for {}", message.as_str(), all(recipients)),
        Event::Viewed { by } => format!("{} opened the documents", who(*by)),
        Event::ConsentGiven { by, consent } => format!(
            "{} agreed to sign electronically (text {})",
            who(*by),
            consent.version
        ),
        Event::Signed { by, .. } => format!("{} signed", who(*by)),
        Event::AllActed => "Everyone has signed".to_owned(),
        Event::Completed { .. } => "Sealed and completed".to_owned(),
        Event::Declined { by, reason } => format!("{} declined: {reason}", who(*by)),
        Event::Voided { reason } => format!(
            "Withdrawn{}",
            reason.as_ref().map_or(String::new(), |r| format!(": {r}"))
        ),
        Event::Expired { missing } => format!("Deadline passed without {}", all(missing)),
        Event::Discarded => "Draft deleted".to_owned(),
        Event::SealParked { reason } => format!("Seal waits: {reason}"),
        Event::SealResumed => "Seal tried again".to_owned(),
        Event::SealFailed { attempt, reason } => format!("Seal attempt {attempt} failed: {reason}"),
        Event::MailAccepted(answer) => format!(
            "Mail to {} taken by the server: {}",
            who(answer.recipient),
            answer.answer
        ),
        Event::MailRefused(answer) => format!(
            "Mail to {} refused: {}",
            who(answer.recipient),
            answer.answer
        ),
        Event::LinkFetched { recipient } => {
            format!("Link of {} fetched (not a view)", who(*recipient))
        }
        Event::DocumentServed { recipient, .. } => format!("Document shown to {}", who(*recipient)),
        Event::Downloaded(download) => format!("Downloaded: {}", downloaded(download.what)),
    };
    format!("{}: {told}", event.name())
}

const fn downloaded(what: crate::domain::event::Downloadable) -> &'static str {
    use crate::domain::event::Downloadable as D;
    match what {
        D::Unsigned => "the document before the seal",
        D::Signed => "the sealed document",
        D::AuditTrail => "the audit trail",
    }
}

fn certificates(sealer: &super::seals::Sealer) -> Result<Vec<Certificate>, Error> {
    use pki::Signer as _;
    let ders = [sealer.signer.certificate(), sealer.authority.certificate()];
    ders.into_iter()
        .map(|der| {
            let parsed = pki::certificate::Certificate::parse(der).map_err(Error::internal)?;
            Ok(Certificate {
                subject: pki::name::describe(parsed.subject).map_err(Error::internal)?,
                issuer: pki::name::describe(parsed.issuer).map_err(Error::internal)?,
                serial: hex::encode(parsed.serial),
                not_before: parsed.not_before,
                not_after: parsed.not_after,
                sha256: Digest::of(der).to_string(),
            })
        })
        .collect()
}

fn labels() -> Labels {
    let own = str::to_owned;
    Labels {
        audit_trail: own("Audit trail"),
        envelope: own("Envelope"),
        documents: own("Documents"),
        document: own("Document"),
        pages: own("Pages"),
        uploaded_sha256: own("SHA-256 as uploaded"),
        sealed_sha256: own("SHA-256 sealed"),
        recipients: own("Recipients"),
        events: own("Events"),
        number: own("No."),
        time_utc: own("Time (UTC)"),
        event: own("Event"),
        actor: own("Who"),
        address: own("Address"),
        entry_hash: own("Hash"),
        integrity: own("Integrity"),
        chain_head: own("Hash of the last entry"),
        export_sha256: own("SHA-256 of the JSON export"),
        certificates: own("Certificates"),
        subject: own("Subject"),
        issuer: own("Issuer"),
        serial: own("Serial number"),
        valid: own("Valid"),
        sha256: own("SHA-256"),
        verification: own("How to check this trail"),
        test: own("Test - not legally binding"),
        interim: own("Interim - the envelope has not ended"),
        page_of: own("Page {page} of {pages}"),
    }
}
