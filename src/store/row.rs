//! Reading values back: what a row holds is parsed as strictly as what comes from outside.

use super::error::Error;
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::time::Timestamp;
use rusqlite::Row;
use std::str::FromStr;

fn text<'r>(row: &'r Row<'_>, i: usize) -> Result<&'r str, Error> {
    Ok(row.get_ref(i)?.as_str().map_err(rusqlite::Error::from)?)
}

/// A value whose text is its form: an id, an address, a name of a list.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, i: usize, what: &'static str) -> Result<T, Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text(row, i)?.parse().map_err(|e| Error::damaged(what, e))
}

/// Like [`parsed`], for a column that may be NULL.
pub(super) fn parsed_or_none<T: FromStr>(
    row: &Row<'_>,
    i: usize,
    what: &'static str,
) -> Result<Option<T>, Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(i)?.as_str_or_null();
    text.map_err(rusqlite::Error::from)?
        .map(|text| text.parse().map_err(|e| Error::damaged(what, e)))
        .transpose()
}

pub(super) fn environment(row: &Row<'_>, i: usize) -> Result<Environment, Error> {
    parsed(row, i, "environment")
}

pub(super) fn time(row: &Row<'_>, i: usize) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_millis(row.get(i)?))
}

pub(super) fn time_or_none(row: &Row<'_>, i: usize) -> Result<Option<Timestamp>, Error> {
    Ok(row.get::<_, Option<i64>>(i)?.map(Timestamp::from_millis))
}

pub(super) fn digest(row: &Row<'_>, i: usize) -> Result<Digest, Error> {
    Ok(Digest::from_bytes(row.get(i)?))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    i: usize,
    what: &'static str,
) -> Result<T, Error> {
    serde_json::from_str(text(row, i)?).map_err(|e| Error::damaged(what, e))
}

/// The JSON that [`json`] reads.
pub(super) fn to_json<T: serde::Serialize>(value: &T, what: &'static str) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::damaged(what, e))
}

/// A number that is never negative: a size, a version.
pub(super) fn unsigned(row: &Row<'_>, i: usize) -> Result<u64, Error> {
    let n: i64 = row.get(i)?;
    u64::try_from(n).map_err(|e| Error::damaged("number", e))
}

/// SQLite's integers have a sign; nothing of ours reaches the half that this cuts.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
