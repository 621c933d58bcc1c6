//! The words of the audit trail: an envelope and its entries, told for people.

use super::Error;
use super::wording::{how_signed, role};
use crate::domain::audit::{Body, Entry};
use crate::domain::definition::SignatureLevel;
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, State, Status};
use crate::domain::environment::Environment;
use crate::domain::event::{Download, Downloadable, Event, Message};
use crate::domain::ids::RecipientId;
use crate::domain::origin::{Actor, Factor};
use crate::domain::time::Timestamp;
use crate::i18n::Locale;
use crate::pdf::trail::{self, DocumentRow, Fact, Labels, Person, Trail};

/// What a trail is told from. Nothing else goes in, no clock either: the same entries give the same trail.
pub(super) struct Telling<'a> {
    pub(super) locale: Locale,
    pub(super) organisation: &'a str,
    pub(super) public_url: &'a str,
    /// As the entries make it.
    pub(super) envelope: &'a Envelope,
    /// The envelope's chain from its first entry.
    pub(super) entries: &'a [Entry],
    /// SHA-256 of the export of these entries.
    pub(super) export_sha256: Digest,
    /// Of the seal and above.
    pub(super) certificates: Vec<trail::Certificate>,
}

impl Telling<'_> {
    /// The whole trail.
    pub(super) fn trail(&self) -> Result<Trail, Error> {
        let locale = self.locale;
        let mut bodies = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            if let Some(body) = entry.envelope_body().map_err(Error::internal)? {
                bodies.push((body, entry.hash));
            }
        }
        let envelope = self.envelope;
        let as_of = bodies
            .last()
            .map_or(envelope.updated_at, |(body, _)| body.at);
        let sequence = self.entries.last().map_or(0, |entry| entry.seq);
        Ok(Trail {
            title: locale.t1("trail-title", "subject", &envelope.definition.subject),
            heading: envelope.definition.subject.clone(),
            organisation: self.organisation.to_owned(),
            language: locale.tag().to_owned(),
            as_of,
            state: locale.t2(
                "trail-as-of",
                "sequence",
                sequence.to_string(),
                "moment",
                self.instant(as_of),
            ),
            reference: envelope.id.to_string(),
            facts: self.facts(),
            documents: self.documents(),
            recipients: envelope
                .recipients()
                .map(|(person, _)| self.person(person.id, &bodies))
                .collect(),
            entries: bodies
                .iter()
                .map(|(body, hash)| self.entry(body, *hash))
                .collect(),
            integrity: self.integrity(sequence),
            certificates: self.certificates.clone(),
            test: envelope.environment == Environment::Test,
            interim: !envelope.state.has_ended(),
            verification: vec![
                locale.t("trail-check-seal"),
                locale.t("trail-check-chain"),
                locale.t("trail-check-export"),
                locale.t("trail-check-documents"),
            ],
            labels: labels(locale),
        })
    }

    /// As `2026-11-24 09:30:00.000 UTC`.
    fn instant(&self, at: Timestamp) -> String {
        self.locale.t1("trail-instant", "moment", trail::moment(at))
    }

    fn facts(&self) -> Vec<Fact> {
        let (locale, envelope) = (self.locale, self.envelope);
        let mut facts = vec![Fact::new(locale.t("trail-id"), envelope.id.to_string())];
        if let Some(status) = envelope.status() {
            facts.push(Fact::new(locale.t("trail-status"), shown(locale, status)));
        }
        let level = match envelope.definition.signature_level {
            SignatureLevel::Simple => locale.t("trail-level-simple"),
        };
        facts.push(Fact::new(locale.t("trail-level"), level));
        for (label, at) in [
            (locale.t("trail-created"), Some(envelope.created_at)),
            (locale.t("trail-sent"), envelope.sent_at),
            (locale.t("trail-ended"), envelope.ended_at),
        ] {
            facts.extend(at.map(|at| Fact::new(label, self.instant(at))));
        }
        match &envelope.state {
            State::Declined { reason, .. } => {
                facts.push(Fact::new(locale.t("trail-decline-reason"), reason.clone()));
            }
            State::Voided {
                reason: Some(reason),
            } => facts.push(Fact::new(locale.t("trail-void-reason"), reason.clone())),
            _ => {}
        }
        if let Some(external) = &envelope.definition.external_id {
            facts.push(Fact::new(locale.t("trail-external-id"), external.clone()));
        }
        facts
    }

    fn documents(&self) -> Vec<DocumentRow> {
        let sealed = match &self.envelope.state {
            State::Completed { sealed } => sealed.as_slice(),
            _ => &[],
        };
        self.envelope
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

    fn person(&self, id: RecipientId, bodies: &[(Body<Event>, Digest)]) -> Person {
        let locale = self.locale;
        let Some((person, progress)) = self.envelope.recipient(id) else {
            return Person::default();
        };
        let mut evidence = vec![Fact::new(
            locale.t("proof-identity"),
            locale.t("proof-identity-link"),
        )];
        for (label, at) in [
            (locale.t("proof-invited"), progress.invited_at),
            (locale.t("proof-opened"), progress.viewed_at),
            (locale.t("proof-signed"), progress.signed_at),
            (locale.t("proof-declined"), progress.declined_at),
        ] {
            evidence.extend(at.map(|at| Fact::new(label, self.instant(at))));
        }
        if let Some(given) = &progress.evidence {
            evidence.push(Fact::new(
                locale.t("proof-signature"),
                how_signed(locale, &given.signature),
            ));
            let consent = locale.t2(
                "proof-consent-version",
                "version",
                &given.consent.version,
                "language",
                &given.consent.locale,
            );
            evidence.push(Fact::new(locale.t("proof-consent"), consent));
            evidence.push(Fact::digits(
                locale.t("proof-consent-sha256"),
                given.consent.sha256.to_string(),
            ));
        }
        for (body, _) in bodies {
            let acted = matches!(&body.event, Event::Signed { by, .. } | Event::Declined { by, .. } if *by == id);
            if !acted {
                continue;
            }
            if let Some(address) = body.origin.address {
                evidence.push(Fact::new(locale.t("proof-address"), address.to_string()));
            }
            if let Some(agent) = &body.origin.user_agent {
                evidence.push(Fact::new(locale.t("proof-browser"), agent.clone()));
            }
        }
        Person {
            name: person.shown_as().to_owned(),
            email: person.email.to_string(),
            role: role(locale, person.role),
            evidence,
        }
    }

    fn integrity(&self, sequence: u64) -> Vec<Fact> {
        let locale = self.locale;
        let head = self.entries.last().map(|entry| entry.hash.to_string());
        vec![
            Fact::new(locale.t("trail-head-number"), sequence.to_string()),
            Fact::digits(locale.t("trail-head"), head.unwrap_or_default()),
            Fact::new(locale.t("trail-export"), self.export_address(sequence)),
            Fact::digits(
                locale.t("trail-export-sha256"),
                self.export_sha256.to_string(),
            ),
        ]
    }

    /// Where the export of exactly these entries is.
    fn export_address(&self, sequence: u64) -> String {
        format!(
            "{}/api/v1/envelopes/{}/audit-trail?format=json&through={sequence}",
            self.public_url, self.envelope.id
        )
    }

    fn entry(&self, body: &Body<Event>, hash: Digest) -> trail::Entry {
        let locale = self.locale;
        let actor = match &body.origin.actor {
            Actor::ApiKey { name, .. } => locale.t1("trail-actor-api-key", "name", name),
            Actor::Recipient { email, name, .. } => name
                .as_ref()
                .map_or(email.to_string(), |n| n.as_str().to_owned()),
            Actor::Admin { name, .. } => locale.t1("trail-actor-admin", "name", name),
            Actor::Operator => locale.t("trail-actor-operator"),
            Actor::System => locale.t("trail-actor-system"),
            Actor::Stranger => locale.t("trail-actor-stranger"),
        };
        let factors = match body.origin.factor {
            // An API key names itself.
            Factor::ApiKey if matches!(body.origin.actor, Actor::ApiKey { .. }) => String::new(),
            Factor::ApiKey => locale.t("trail-factor-api-key"),
            Factor::Link => locale.t("trail-factor-link"),
            Factor::SetupLink => locale.t("trail-factor-setup-link"),
            Factor::ResetLink => locale.t("trail-factor-reset-link"),
            Factor::Password => locale.t("trail-factor-password"),
            Factor::Shell => locale.t("trail-factor-shell"),
            Factor::Own | Factor::None => String::new(),
        };
        trail::Entry {
            sequence: body.seq,
            at: body.at,
            name: body.event.name().to_owned(),
            event: self.told(&body.event),
            actor,
            factors,
            address: body
                .origin
                .address
                .map(|a| a.to_string())
                .unwrap_or_default(),
            hash: hash.to_string(),
        }
    }

    fn who(&self, id: RecipientId) -> String {
        self.envelope.recipient(id).map_or_else(
            || self.locale.t("trail-former-recipient"),
            |(person, _)| person.shown_as().to_owned(),
        )
    }

    fn all(&self, ids: impl IntoIterator<Item = RecipientId>) -> String {
        let names: Vec<_> = ids.into_iter().map(|id| self.who(id)).collect();
        names.join(", ")
    }

    /// What happened, in words.
    fn told(&self, event: &Event) -> String {
        let locale = self.locale;
        match event {
            Event::Created { .. } => locale.t("trail-event-created"),
            Event::Edited { .. } => locale.t("trail-event-edited"),
            Event::LinksCreated { links } => {
                let recipients = self.all(links.iter().map(|link| link.recipient));
                locale.t1("trail-event-links", "recipients", recipients)
            }
            Event::Sent {
                invited,
                expires_at,
                ..
            } => locale.t2(
                "trail-event-sent",
                "recipients",
                self.all(invited.iter().copied()),
                "moment",
                self.instant(*expires_at),
            ),
            Event::Invited { recipients } => {
                let recipients = self.all(recipients.iter().copied());
                locale.t1("trail-event-invited", "recipients", recipients)
            }
            Event::MailQueued {
                message,
                recipients,
            } => queued(locale, *message, &self.all(recipients.iter().copied())),
            Event::Viewed { by } => locale.t1("trail-event-viewed", "recipient", self.who(*by)),
            Event::ConsentGiven { by, consent } => locale.t2(
                "trail-event-consent",
                "recipient",
                self.who(*by),
                "version",
                &consent.version,
            ),
            Event::Signed { by, .. } => locale.t1("trail-event-signed", "recipient", self.who(*by)),
            Event::AllActed => locale.t("trail-event-all-acted"),
            Event::Completed { .. } => locale.t("trail-event-completed"),
            Event::Declined { by, reason } => locale.t2(
                "trail-event-declined",
                "recipient",
                self.who(*by),
                "reason",
                reason,
            ),
            Event::Voided { reason: None } => locale.t("trail-event-voided"),
            Event::Voided {
                reason: Some(reason),
            } => locale.t1("trail-event-voided-reason", "reason", reason),
            Event::Expired { missing } => {
                let recipients = self.all(missing.iter().copied());
                locale.t1("trail-event-expired", "recipients", recipients)
            }
            Event::Discarded => locale.t("trail-event-discarded"),
            Event::SealParked { reason } => locale.t1("trail-event-seal-parked", "reason", reason),
            Event::SealResumed => locale.t("trail-event-seal-resumed"),
            Event::SealFailed { attempt, reason } => locale.t2(
                "trail-event-seal-failed",
                "attempt",
                attempt.to_string(),
                "reason",
                reason,
            ),
            Event::MailAccepted(mail) => locale.t2(
                "trail-event-mail-accepted",
                "recipient",
                self.who(mail.recipient),
                "answer",
                &mail.answer,
            ),
            Event::MailRefused(mail) => locale.t2(
                "trail-event-mail-refused",
                "recipient",
                self.who(mail.recipient),
                "answer",
                &mail.answer,
            ),
            Event::LinkFetched { recipient } => locale.t1(
                "trail-event-link-fetched",
                "recipient",
                self.who(*recipient),
            ),
            Event::DocumentServed { recipient, .. } => {
                locale.t1("trail-event-served", "recipient", self.who(*recipient))
            }
            Event::Downloaded(Download { what, .. }) => match what {
                Downloadable::Unsigned => locale.t("trail-event-downloaded-unsigned"),
                Downloadable::Signed => locale.t("trail-event-downloaded-signed"),
                Downloadable::AuditTrail => locale.t("trail-event-downloaded-trail"),
            },
            Event::TrailKept(kept) => {
                locale.t1("trail-event-kept", "sequence", kept.version.to_string())
            }
        }
    }
}

fn shown(locale: Locale, status: Status) -> String {
    match status {
        Status::Draft => locale.t("trail-status-draft"),
        Status::Sent => locale.t("trail-status-sent"),
        Status::Delivered => locale.t("trail-status-delivered"),
        Status::PartiallySigned => locale.t("trail-status-partially-signed"),
        Status::Completed => locale.t("trail-status-completed"),
        Status::Declined => locale.t("trail-status-declined"),
        Status::Voided => locale.t("trail-status-voided"),
        Status::Expired => locale.t("trail-status-expired"),
    }
}

fn queued(locale: Locale, message: Message, recipients: &str) -> String {
    match message {
        Message::Invitation => locale.t1("trail-event-mail-invitation", "recipients", recipients),
        Message::Completed => locale.t1("trail-event-mail-completed", "recipients", recipients),
        Message::Declined => locale.t1("trail-event-mail-declined", "recipients", recipients),
        Message::Withdrawn => locale.t1("trail-event-mail-withdrawn", "recipients", recipients),
        Message::Expired => locale.t1("trail-event-mail-expired", "recipients", recipients),
    }
}

fn labels(locale: Locale) -> Labels {
    Labels {
        audit_trail: locale.t("trail-name"),
        envelope: locale.t("trail-envelope"),
        documents: locale.t("trail-documents"),
        document: locale.t("trail-document"),
        pages: locale.t("trail-pages"),
        uploaded_sha256: locale.t("trail-uploaded-sha256"),
        sealed_sha256: locale.t("trail-sealed-sha256"),
        recipients: locale.t("trail-recipients"),
        events: locale.t("trail-events"),
        number: locale.t("trail-number"),
        time_utc: locale.t("trail-time"),
        event: locale.t("trail-event"),
        actor: locale.t("trail-actor"),
        address: locale.t("trail-from"),
        entry_hash: locale.t("trail-entry-hash"),
        integrity: locale.t("trail-integrity"),
        certificates: locale.t("trail-certificates"),
        subject: locale.t("trail-certificate-subject"),
        issuer: locale.t("trail-certificate-issuer"),
        serial: locale.t("trail-certificate-serial"),
        valid: locale.t("trail-certificate-valid"),
        sha256: locale.t("trail-certificate-sha256"),
        verification: locale.t("trail-check"),
        test: locale.t("trail-test"),
        interim: locale.t("trail-interim"),
        page_of: locale.t("trail-page-of"),
    }
}

#[cfg(test)]
mod tests;
