//! Whose turn it is, and how far everybody is.

use super::{Envelope, State, Status};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Progress, Recipient};
use crate::domain::refusal::Refusal;

impl Envelope {
    /// The status that the API shows; `None` for a deleted draft, which it doesn't.
    pub fn status(&self) -> Option<Status> {
        Some(match &self.state {
            State::Draft => Status::Draft,
            State::Open { .. } | State::Sealing { .. } => {
                if self.progress.iter().any(|p| p.signed_at.is_some()) {
                    Status::PartiallySigned
                } else if self.progress.iter().any(|p| p.viewed_at.is_some()) {
                    Status::Delivered
                } else {
                    Status::Sent
                }
            }
            State::Completed { .. } => Status::Completed,
            State::Declined { .. } => Status::Declined,
            State::Voided { .. } => Status::Voided,
            State::Expired => Status::Expired,
            State::Discarded => return None,
        })
    }

    /// The recipient of that id and how far they are.
    pub fn recipient(&self, id: RecipientId) -> Option<(&Recipient, &Progress)> {
        self.recipients().find(|(recipient, _)| recipient.id == id)
    }

    /// All recipients and how far they are, in the definition's order.
    pub fn recipients(&self) -> impl Iterator<Item = (&Recipient, &Progress)> {
        self.definition.recipients.iter().zip(&self.progress)
    }

    /// Those who have not acted.
    pub fn waiting(&self) -> impl Iterator<Item = (&Recipient, &Progress)> {
        self.recipients()
            .filter(|(_, progress)| !progress.has_acted())
    }

    /// How many signed.
    pub fn signed_count(&self) -> usize {
        self.progress
            .iter()
            .filter(|p| p.signed_at.is_some())
            .count()
    }

    /// Whether `by` may act now: their place among the recipients.
    ///
    /// # Errors
    /// [`Refusal::NotARecipient`], [`Refusal::AlreadyActed`], [`Refusal::NotYourTurn`].
    pub fn turn(&self, by: RecipientId) -> Result<usize, Refusal> {
        let index = self.index_of(by)?;
        if self.progress[index].has_acted() {
            return Err(Refusal::AlreadyActed);
        }
        let own = self.definition.turn_of(index);
        let earlier = |(i, progress): &(usize, &Progress)| {
            !progress.has_acted() && self.definition.turn_of(*i) < own
        };
        match self.progress.iter().enumerate().filter(earlier).count() {
            0 => Ok(index),
            before => Err(Refusal::NotYourTurn { before }),
        }
    }

    pub(super) fn index_of(&self, id: RecipientId) -> Result<usize, Refusal> {
        self.definition
            .recipients
            .iter()
            .position(|r| r.id == id)
            .ok_or(Refusal::NotARecipient)
    }

    pub(super) fn progress_of(&self, id: RecipientId) -> Option<&Progress> {
        self.recipient(id).map(|(_, progress)| progress)
    }

    /// Those of `candidates` whose turn comes first.
    pub(super) fn first_of<'a>(
        &self,
        candidates: impl Iterator<Item = (&'a Recipient, &'a Progress)>,
    ) -> Vec<RecipientId> {
        let turns: Vec<(u16, RecipientId)> = candidates
            .filter_map(|(r, _)| Some((self.definition.turn_of(self.index_of(r.id).ok()?), r.id)))
            .collect();
        let first = turns.iter().map(|(turn, _)| *turn).min();
        turns
            .into_iter()
            .filter(|(turn, _)| Some(*turn) == first)
            .map(|(_, id)| id)
            .collect()
    }

    /// Everybody who has heard of the envelope, but one.
    pub(super) fn invited_but(&self, but: Option<RecipientId>) -> Vec<RecipientId> {
        self.recipients()
            .filter(|(recipient, progress)| {
                progress.invited_at.is_some() && Some(recipient.id) != but
            })
            .map(|(recipient, _)| recipient.id)
            .collect()
    }
}
