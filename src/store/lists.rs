//! Pages of lists, and totals that are kept instead of counted.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::environment::Environment;
use rusqlite::params;

/// Which piece of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Items to pass over.
    pub offset: u64,
    /// Items to give, at most.
    pub limit: u32,
}

impl Window {
    /// Page `number` (from 1) of pages of `size` items.
    pub fn page(number: u32, size: u32) -> Self {
        Self {
            offset: u64::from(number.saturating_sub(1)) * u64::from(size),
            limit: size,
        }
    }
}

/// A piece of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// How many there are in the whole list, exactly.
    pub total: u64,
}

impl ReadTx<'_> {
    pub(super) fn counter(&self, environment: Environment, name: &str) -> Result<u64, Error> {
        let n = self.find(
            "SELECT n FROM counter WHERE environment = ?1 AND name = ?2",
            params![environment.as_str(), name],
            |r| row::unsigned(r, 0),
        )?;
        Ok(n.unwrap_or(0))
    }
}

impl WriteTx<'_> {
    pub(super) fn count(
        &self,
        environment: Environment,
        name: &str,
        change: i64,
    ) -> Result<(), Error> {
        // Apart: a CHECK looks at the row to be inserted before the conflict does.
        let sql = if change < 0 {
            "UPDATE counter SET n = n + ?3 WHERE environment = ?1 AND name = ?2"
        } else {
            "INSERT INTO counter (environment, name, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (environment, name) DO UPDATE SET n = n + excluded.n"
        };
        self.run(sql, params![environment.as_str(), name, change])?;
        Ok(())
    }
}
