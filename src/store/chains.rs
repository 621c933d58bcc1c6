//! The audit trail: appended to by `record` alone, and read for the evidence file and for verification.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::audit::{self, Chain, Content, Entry, Head, Recordable, Stamp};
use crate::domain::origin::Origin;
use rusqlite::{Row, params};

/// Name and version of the program, as entries keep them.
const SOFTWARE: &str = concat!("paraph ", env!("CARGO_PKG_VERSION"));

fn entry(chain: Chain, r: &Row<'_>) -> Result<Entry, Error> {
    let salt: Option<[u8; 16]> = r.get(1)?;
    let body: Option<String> = r.get(2)?;
    Ok(Entry {
        chain,
        seq: row::unsigned(r, 0)?,
        content: salt.zip(body).map(|(salt, body)| Content { salt, body }),
        body_hash: row::digest(r, 3)?,
        hash: row::digest(r, 4)?,
    })
}

impl ReadTx<'_> {
    /// The end of a chain; its start where it has no entry.
    pub fn head(&self, chain: Chain) -> Result<Head, Error> {
        let head = self.find(
            "SELECT seq, hash FROM audit_entry WHERE chain = ?1 ORDER BY seq DESC LIMIT 1",
            [chain.to_string()],
            |r| {
                Ok(Head {
                    chain,
                    seq: row::unsigned(r, 0)?,
                    hash: row::digest(r, 1)?,
                })
            },
        )?;
        Ok(head.unwrap_or_else(|| Head::start(chain)))
    }

    /// Up to `limit` entries of a chain after the place `after`, in their order: 0 begins.
    pub fn entries(&self, chain: Chain, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        self.all(
            "SELECT seq, salt, body, body_hash, hash FROM audit_entry WHERE chain = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            params![chain.to_string(), row::signed(after), limit],
            |r| entry(chain, r),
        )
    }

    /// Up to `limit` names of chains after `after`, in their order, as they are stored: a check must see strange ones too. One
    /// step into an index for each, however long they are.
    pub fn chain_names(&self, after: &str, limit: u32) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        while names.len() < limit as usize {
            let next = self.find(
                "SELECT chain FROM audit_entry WHERE chain > ?1 ORDER BY chain LIMIT 1",
                [names.last().map_or(after, String::as_str)],
                |r| Ok(r.get(0)?),
            )?;
            let Some(next) = next else { break };
            names.push(next);
        }
        Ok(names)
    }

    /// How many entries there are in all chains. Reads one row: entries are numbered as they come, and none goes.
    pub fn entries_total(&self) -> Result<u64, Error> {
        let last = self.find("SELECT max(id) FROM audit_entry", [], |r| {
            Ok(r.get::<_, Option<i64>>(0)?)
        })?;
        Ok(last.flatten().unwrap_or(0).unsigned_abs())
    }

    /// How many entries are there, counted one by one, and how many there must be: entries are numbered from 1 as they come, and
    /// none goes, so a chain that was taken away as a whole leaves a hole.
    pub fn entries_counted(&self) -> Result<(u64, u64), Error> {
        let counted = self.find("SELECT count(*) FROM audit_entry", [], |r| {
            row::unsigned(r, 0)
        })?;
        Ok((counted.unwrap_or(0), self.entries_total()?))
    }
}

impl WriteTx<'_> {
    /// Hangs an entry on the end of a chain and gives the new end.
    pub(super) fn append<E: Recordable>(
        &self,
        head: &Head,
        event: &E,
        origin: &Origin,
    ) -> Result<Head, Error> {
        let stamp = Stamp {
            at: self.now(),
            monotonic: self.monotonic(),
            boot: self.boot(),
            software: SOFTWARE.to_owned(),
        };
        let entry = audit::extend(head, event, origin, &stamp, self.random())
            .map_err(|e| Error::damaged("event", e))?;
        let content = entry.content.as_ref();
        self.run(
            "INSERT INTO audit_entry (chain, seq, salt, body, body_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                entry.chain.to_string(),
                row::signed(entry.seq),
                content.map(|c| c.salt),
                content.map(|c| c.body.as_str()),
                entry.body_hash.as_bytes(),
                entry.hash.as_bytes(),
            ],
        )?;
        Ok(entry.head())
    }
}
