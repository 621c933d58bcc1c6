//! Values with units, as people write them: `"50 MB"`, `"512 MiB"`, `"15m"`, `"90 days"`.

use std::time::Duration;

/// Number and unit of `text`, whatever blanks stand between; `None` where it is not of that shape.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

/// A size in bytes. Units: `B`, `kB` `MB` `GB` (1000), `KiB` `MiB` `GiB` (1024), upper or lower case.
pub fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A span of time. Units: `s`, `m` or `min`, `h`, `d`, and their words.
pub fn span(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let factor: u64 = match unit {
        "s" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    number.checked_mul(factor).map(Duration::from_secs)
}

/// A span as [`span`] reads it, in the largest unit that is exact.
pub fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    for (factor, unit) in [(86_400, " days"), (3_600, "h"), (60, "m")] {
        if seconds > 0 && seconds.is_multiple_of(factor) {
            return format!("{}{unit}", seconds / factor);
        }
    }
    format!("{seconds}s")
}

/// A size as [`bytes`] reads it, in the largest unit that is exact.
pub fn bytes_text(bytes: u64) -> String {
    for (factor, unit) in [
        (1 << 30, "GiB"),
        (1_000_000_000, "GB"),
        (1 << 20, "MiB"),
        (1_000_000, "MB"),
        (1 << 10, "KiB"),
        (1_000, "kB"),
    ] {
        if bytes > 0 && bytes.is_multiple_of(factor) {
            return format!("{} {unit}", bytes / factor);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_know_both_kinds_of_units() {
        assert_eq!(bytes("50 MB"), Some(50_000_000));
        assert_eq!(bytes("512MiB"), Some(536_870_912));
        assert_eq!(bytes(" 1 kb "), Some(1_000));
        assert_eq!(bytes("0 B"), Some(0));
    }

    #[test]
    fn spans_know_letters_and_words() {
        assert_eq!(span("15m"), Some(Duration::from_secs(900)));
        assert_eq!(span("90 days"), Some(Duration::from_secs(7_776_000)));
        assert_eq!(span("1 hour"), Some(Duration::from_secs(3_600)));
    }

    #[test]
    fn a_value_without_unit_or_with_a_foreign_one_is_none() {
        for text in [
            "",
            "50",
            "MB",
            "-1 MB",
            "1.5 MB",
            "1 MBit",
            "1 TB",
            "99999999999999999999 B",
            "18446744073709551615 kB",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
        for text in [
            "",
            "5",
            "m",
            "5 M",
            "5 months",
            "-5m",
            "1h30m",
            "18446744073709551615 d",
        ] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for seconds in [0, 1, 59, 60, 900, 3_600, 86_400, 7_776_000, 86_401] {
            let it = Duration::from_secs(seconds);
            assert_eq!(span(&span_text(it)), Some(it));
        }
        for n in [0, 1, 1_000, 1_024, 50_000_000, 536_870_912, 5] {
            assert_eq!(bytes(&bytes_text(n)), Some(n));
        }
    }
}
