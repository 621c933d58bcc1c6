//! Single values: numbers in their range, sizes and spans with their unit, networks, words of a list.

use super::layers::Layered;
use super::units;
use crate::domain::network::Network;
use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) fn networks(it: &mut Layered, path: &str, texts: &[String]) -> Vec<Network> {
    texts
        .iter()
        .filter_map(|text| match text.parse() {
            Ok(network) => Some(network),
            Err(e) => {
                it.refuse(path, &format!("\"{text}\": {e}"));
                None
            }
        })
        .collect()
}

pub(super) fn number(it: &mut Layered, path: &str, value: i64, range: RangeInclusive<u32>) -> u32 {
    match u32::try_from(value).ok().filter(|n| range.contains(n)) {
        Some(n) => n,
        None => {
            it.refuse(
                path,
                &format!(
                    "{value}: a number from {} to {} is wanted",
                    range.start(),
                    range.end()
                ),
            );
            *range.start()
        }
    }
}

pub(super) fn bytes(it: &mut Layered, path: &str, text: &str, range: RangeInclusive<u64>) -> u64 {
    let read = units::bytes(text);
    match read.filter(|n| range.contains(n)) {
        Some(n) => n,
        None => {
            let message = match read {
                None => format!(
                    "\"{text}\": a size with its unit is wanted, as in \"50 MB\" or \"512 MiB\""
                ),
                Some(_) => format!(
                    "\"{text}\": a size from {} to {} is wanted",
                    units::bytes_text(*range.start()),
                    units::bytes_text(*range.end())
                ),
            };
            it.refuse(path, &message);
            *range.start()
        }
    }
}

pub(super) fn span(
    it: &mut Layered,
    path: &str,
    text: &str,
    range: RangeInclusive<Duration>,
) -> Duration {
    let read = units::span(text);
    match read.filter(|it| range.contains(it)) {
        Some(span) => span,
        None => {
            let message = match read {
                None => format!(
                    "\"{text}\": a time with its unit is wanted, as in \"15m\", \"8h\" or \"90 days\""
                ),
                Some(_) => format!(
                    "\"{text}\": a time from {} to {} is wanted",
                    units::span_text(*range.start()),
                    units::span_text(*range.end())
                ),
            };
            it.refuse(path, &message);
            *range.start()
        }
    }
}

pub(super) fn choice<T: Copy>(
    it: &mut Layered,
    path: &str,
    text: &str,
    fallback: T,
    known: &[(&str, T)],
) -> T {
    if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let words: Vec<String> = known
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    it.refuse(
        path,
        &format!("\"{text}\": one of {} is wanted", words.join(", ")),
    );
    fallback
}

pub(super) fn ordered(
    it: &mut Layered,
    idle: &str,
    idle_span: Duration,
    whole: &str,
    whole_span: Duration,
) {
    if idle_span > whole_span {
        let message = format!(
            "{idle} ({}) is longer than {whole} ({}), so it would never come to it",
            units::span_text(idle_span),
            units::span_text(whole_span)
        );
        it.refuse_together(&[idle, whole], &message);
    }
}
