//! The words of the certificate page: what was signed, by whom, from where, and how to check it.

use super::mailing::reference;
use super::stamping::Evidence;
use super::wording::{how_signed, role};
use crate::domain::envelope::{Consent, Envelope, FrozenDocument};
use crate::domain::origin::Origin;
use crate::domain::recipient::{Progress, Recipient};
use crate::domain::time::Timestamp;
use crate::i18n::{Locale, Zone};
use crate::pdf::added::{CertificatePage, Party, Row};

/// What a certificate page is made of beside the envelope.
pub(super) struct Certifying<'a> {
    pub(super) locale: Locale,
    pub(super) zone: &'a Zone,
    pub(super) organisation: &'a str,
    pub(super) public_url: &'a str,
    pub(super) sealed_at: Timestamp,
    pub(super) evidence: &'a Evidence,
}

impl Certifying<'_> {
    /// The page of one document. The same envelope and evidence give the same page.
    pub(super) fn page(&self, envelope: &Envelope, document: &FrozenDocument) -> CertificatePage {
        let locale = self.locale;
        let (sequence, hash) = &self.evidence.head;
        let mut facts = vec![
            Row::new(locale.t("certificate-document"), document.name.clone()),
            Row::digits(
                locale.t("certificate-original-sha256"),
                document.sha256.to_string(),
            ),
            Row::new(locale.t("certificate-envelope"), envelope.id.to_string()),
            Row::new(
                locale.t("certificate-subject"),
                envelope.definition.subject.clone(),
            ),
        ];
        for consent in consents(envelope) {
            facts.extend(self.consent(consent));
        }
        facts.push(Row::new(
            locale.t("certificate-entry"),
            locale.t1("certificate-entry-number", "sequence", sequence.to_string()),
        ));
        facts.push(Row::digits(
            locale.t("certificate-entry-hash"),
            hash.to_string(),
        ));
        let parties = envelope
            .recipients()
            .zip(&self.evidence.origins)
            .map(|((person, progress), origin)| self.party(person, progress, origin.as_ref()))
            .collect();
        let address = format!("{}/pki/{}.pem", self.public_url, self.evidence.authority);
        let organisation = self.organisation;
        CertificatePage {
            title: locale.t("certificate-title"),
            statement: locale.t1("certificate-statement", "organisation", organisation),
            facts,
            parties_title: locale.t("certificate-recipients"),
            parties,
            verify_title: locale.t("certificate-check"),
            verify: vec![
                locale.t1("certificate-check-seal", "address", address),
                locale.t1(
                    "certificate-check-original",
                    "size",
                    document.size.to_string(),
                ),
                locale.t("certificate-check-trail"),
            ],
            seal: vec![
                locale.t1("proof-sealed-by", "organisation", organisation),
                self.moment(self.sealed_at),
            ],
            footer: format!("{}  \u{00B7}  {}", envelope.id, reference(envelope.id)),
        }
    }

    fn consent(&self, consent: &Consent) -> [Row; 2] {
        [
            Row::new(
                self.locale.t("proof-consent"),
                self.locale.t2(
                    "proof-consent-version",
                    "version",
                    &consent.version,
                    "language",
                    &consent.locale,
                ),
            ),
            Row::digits(
                self.locale.t("proof-consent-sha256"),
                consent.sha256.to_string(),
            ),
        ]
    }

    fn party(&self, person: &Recipient, progress: &Progress, origin: Option<&Origin>) -> Party {
        let locale = self.locale;
        let mut rows = vec![
            Row::new(locale.t("proof-email"), person.email.to_string()),
            Row::new(locale.t("proof-role"), role(locale, person.role)),
            Row::new(locale.t("proof-identity"), locale.t("proof-identity-link")),
        ];
        for (label, at) in [
            (locale.t("proof-invited"), progress.invited_at),
            (locale.t("proof-opened"), progress.viewed_at),
            (locale.t("proof-signed"), progress.signed_at),
        ] {
            rows.extend(at.map(|at| Row::new(label, self.moment(at))));
        }
        if let Some(evidence) = &progress.evidence {
            rows.push(Row::new(
                locale.t("proof-signature"),
                how_signed(locale, &evidence.signature),
            ));
        }
        if let Some(address) = origin.and_then(|o| o.address) {
            rows.push(Row::new(locale.t("proof-address"), address.to_string()));
        }
        if let Some(agent) = origin.and_then(|o| o.user_agent.as_ref()) {
            rows.push(Row::new(locale.t("proof-browser"), agent.clone()));
        }
        Party {
            name: person.shown_as().to_owned(),
            rows,
        }
    }

    fn moment(&self, at: Timestamp) -> String {
        self.zone.moment_exact(self.locale, at.as_millis())
    }
}

/// The texts that were agreed to, each once, in the order in which the recipients stand.
fn consents(envelope: &Envelope) -> Vec<&Consent> {
    let mut consents: Vec<&Consent> = Vec::new();
    for evidence in envelope.progress.iter().filter_map(|p| p.evidence.as_ref()) {
        if !consents.contains(&&evidence.consent) {
            consents.push(&evidence.consent);
        }
    }
    consents
}

#[cfg(test)]
mod tests;
