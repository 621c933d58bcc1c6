//! Alarms: mails to the organisation's contact about what stands still until a person looks.

use super::{App, Error};
use crate::domain::alarm::{ALARM_EVERY, Alarm};
use crate::domain::contact::EmailAddress;
use crate::i18n::mail::{self, Notice, Trouble};
use crate::store::WriteTx;

/// Asks for the mail, unless the same thing was told within a day, or there is nobody to tell.
pub(super) fn raise(
    tx: &WriteTx<'_>,
    contact: Option<&EmailAddress>,
    alarm: &Alarm,
) -> Result<(), Error> {
    if let Some(contact) = contact {
        tx.raise_alarm(alarm, contact, ALARM_EVERY)?;
    }
    Ok(())
}

impl App {
    /// Whom alarms go to: the organisation's contact.
    pub(super) fn contact(&self) -> Option<EmailAddress> {
        self.settings.organisation.contact.as_ref()?.parse().ok()
    }

    /// Raises the alarm while there is less than twice the room under which uploads are refused.
    pub(super) fn watch_disk(&self) -> Result<(), Error> {
        let least_bytes = self.settings.free_space_bytes_min;
        let free_bytes = self.vault.free_bytes()?;
        if free_bytes >= least_bytes.saturating_mul(2) {
            return Ok(());
        }
        tracing::warn!(free_bytes, least_bytes, "the disk is nearly full");
        let contact = self.contact();
        let alarm = Alarm::DiskNearlyFull {
            free_bytes,
            least_bytes,
        };
        self.store
            .write(move |tx| raise(tx, contact.as_ref(), &alarm))
    }

    pub(super) fn write_alarm(&self, alarm: &Alarm) -> mail::Mail {
        let envelope;
        let trouble = match alarm {
            Alarm::SealUnusable { reason, .. } => Trouble::SealUnusable { reason },
            Alarm::EvidenceFailing {
                envelope: id,
                attempts,
                reason,
                ..
            } => {
                envelope = id.to_string();
                Trouble::EvidenceFailing {
                    envelope: &envelope,
                    attempts: *attempts,
                    reason,
                }
            }
            Alarm::WebhookOff { host, reason, .. } => Trouble::WebhookOff { host, reason },
            Alarm::DiskNearlyFull {
                free_bytes,
                least_bytes,
            } => Trouble::DiskNearlyFull {
                free_mib: free_bytes >> 20,
                least_mib: least_bytes >> 20,
            },
        };
        let notice = Notice {
            locale: self.locale(),
            zone: self.zone(),
            sender: self.settings.organisation.name.clone(),
            pages: format!("{}/admin/jobs", self.settings.public_url),
            test: alarm.environment() == crate::domain::environment::Environment::Test,
        };
        mail::trouble(&notice, &trouble)
    }
}
