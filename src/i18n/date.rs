//! Moments as people read them, in a named time zone: `Friday 12 December 2026, 23:59 (Paris time)`.

use super::Locale;
use super::Value::{Number, Text};
use std::borrow::Cow;

/// A time zone of the IANA database, `Europe/Paris`; the database is compiled in.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: jiff::tz::TimeZone,
    place: Option<String>,
}

/// There is no time zone of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time zone is called {0:?}; names are those of the IANA database, as in Europe/Paris")]
pub struct UnknownZone(pub String);

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self {
            zone: jiff::tz::TimeZone::UTC,
            place: None,
        }
    }

    /// By its name in the IANA database.
    pub fn new(name: &str) -> Result<Self, UnknownZone> {
        if matches!(name, "UTC" | "Etc/UTC") {
            return Ok(Self::utc());
        }
        let zone = jiff::tz::TimeZone::get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        let place = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
        Ok(Self {
            zone,
            place: Some(place),
        })
    }

    /// Weekday, day, month, year, time and zone: for deadlines and everything else that people plan by.
    pub fn moment_long(&self, locale: Locale, millis: i64) -> String {
        let Some(parts) = self.parts(locale, millis) else {
            return String::new();
        };
        let zone = match &self.place {
            Some(place) => locale.t1("date-zone-place", "place", place),
            None => locale.t("date-zone-utc"),
        };
        locale.tn(
            "date-long",
            &[
                ("weekday", Text(Cow::Owned(parts.weekday))),
                ("day", Number(parts.day)),
                ("month", Text(Cow::Owned(parts.month))),
                ("year", Text(Cow::Owned(parts.year))),
                ("time", Text(Cow::Owned(parts.time))),
                ("zone", Text(Cow::Owned(zone))),
            ],
        )
    }

    /// Date in figures and time: for lists.
    pub fn moment_short(&self, locale: Locale, millis: i64) -> String {
        let Some(parts) = self.parts(locale, millis) else {
            return String::new();
        };
        locale.tn(
            "date-short",
            &[
                ("day", Text(Cow::Owned(format!("{:02}", parts.day)))),
                (
                    "month",
                    Text(Cow::Owned(format!("{:02}", parts.month_number))),
                ),
                ("year", Text(Cow::Owned(parts.year))),
                ("time", Text(Cow::Owned(parts.time))),
            ],
        )
    }

    /// The second in UTC, beside it the organisation's own time: for evidence.
    pub fn moment_exact(&self, locale: Locale, millis: i64) -> String {
        let Some(utc) = Self::utc().parts(locale, millis) else {
            return String::new();
        };
        let exact = locale.tn(
            "date-exact",
            &[
                ("day", Text(Cow::Owned(format!("{:02}", utc.day)))),
                (
                    "month",
                    Text(Cow::Owned(format!("{:02}", utc.month_number))),
                ),
                ("year", Text(Cow::Owned(utc.year))),
                ("time", Text(Cow::Owned(utc.time))),
                ("second", Text(Cow::Owned(format!("{:02}", utc.second)))),
            ],
        );
        let Some(place) = &self.place else {
            return exact;
        };
        locale.tn(
            "date-exact-here",
            &[
                ("utc", Text(Cow::Owned(exact))),
                ("local", Text(Cow::Owned(self.moment_short(locale, millis)))),
                (
                    "zone",
                    Text(Cow::Owned(locale.t1("date-zone-place", "place", place))),
                ),
            ],
        )
    }

    /// The day alone: `12 December 2026`, as it is also stamped beside a signature.
    pub fn day(&self, locale: Locale, millis: i64) -> String {
        let Some(parts) = self.parts(locale, millis) else {
            return String::new();
        };
        locale.tn(
            "date-day",
            &[
                ("day", Number(parts.day)),
                ("month", Text(Cow::Owned(parts.month))),
                ("year", Text(Cow::Owned(parts.year))),
            ],
        )
    }

    /// The time of day alone: `14:02`.
    pub fn clock(&self, locale: Locale, millis: i64) -> String {
        self.parts(locale, millis)
            .map(|p| p.time)
            .unwrap_or_default()
    }

    /// `None` only outside the years that the calendar library knows (−9999 to 9999).
    fn parts(&self, locale: Locale, millis: i64) -> Option<Parts> {
        let moment = jiff::Timestamp::from_millisecond(millis)
            .ok()?
            .to_zoned_datetime(self.zone.clone());
        Some(Parts {
            weekday: weekday(locale, moment.weekday()),
            day: i64::from(moment.day()),
            month: month(locale, moment.month()),
            month_number: moment.month(),
            year: moment.year().to_string(),
            second: moment.second(),
            time: locale.tn(
                "date-time",
                &[
                    ("hour", Text(Cow::Owned(format!("{:02}", moment.hour())))),
                    (
                        "minute",
                        Text(Cow::Owned(format!("{:02}", moment.minute()))),
                    ),
                ],
            ),
        })
    }
}

struct Parts {
    weekday: String,
    day: i64,
    month: String,
    month_number: i8,
    year: String,
    time: String,
    second: i8,
}

fn weekday(locale: Locale, day: jiff::civil::Weekday) -> String {
    use jiff::civil::Weekday as W;
    match day {
        W::Monday => locale.t("date-monday"),
        W::Tuesday => locale.t("date-tuesday"),
        W::Wednesday => locale.t("date-wednesday"),
        W::Thursday => locale.t("date-thursday"),
        W::Friday => locale.t("date-friday"),
        W::Saturday => locale.t("date-saturday"),
        W::Sunday => locale.t("date-sunday"),
    }
}

fn month(locale: Locale, month: i8) -> String {
    match month {
        1 => locale.t("date-january"),
        2 => locale.t("date-february"),
        3 => locale.t("date-march"),
        4 => locale.t("date-april"),
        5 => locale.t("date-may"),
        6 => locale.t("date-june"),
        7 => locale.t("date-july"),
        8 => locale.t("date-august"),
        9 => locale.t("date-september"),
        10 => locale.t("date-october"),
        11 => locale.t("date-november"),
        _ => locale.t("date-december"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-12-11T22:59:00Z.
    const DEADLINE: i64 = 1_797_029_940_000;

    #[test]
    fn a_deadline_names_its_day_its_time_and_the_place_whose_time_it_is() {
        let paris = Zone::new("Europe/Paris").expect("a zone");
        assert_eq!(
            paris.moment_long(Locale::En, DEADLINE),
            "Friday 11 December 2026, 23:59 (Paris time)"
        );
        assert_eq!(
            Zone::utc().moment_long(Locale::En, DEADLINE),
            "Friday 11 December 2026, 22:59 (UTC)"
        );
    }

    #[test]
    fn the_day_changes_with_the_zone() {
        let tokyo = Zone::new("Asia/Tokyo").expect("a zone");
        assert_eq!(tokyo.day(Locale::En, DEADLINE), "12 December 2026");
        assert_eq!(tokyo.clock(Locale::En, DEADLINE), "07:59");
        assert_eq!(tokyo.moment_short(Locale::En, DEADLINE), "2026-12-12 07:59");
        assert_eq!(
            Zone::new("America/New_York")
                .expect("a zone")
                .moment_long(Locale::En, DEADLINE),
            "Friday 11 December 2026, 17:59 (New York time)"
        );
    }

    #[test]
    fn evidence_tells_the_second_in_utc_and_beside_it_the_time_on_the_wall() {
        let utc = "2026-12-11 22:59:00 UTC";
        assert_eq!(Zone::utc().moment_exact(Locale::En, DEADLINE), utc);
        let tokyo = Zone::new("Asia/Tokyo").expect("a zone");
        assert_eq!(
            tokyo.moment_exact(Locale::En, DEADLINE),
            format!("{utc} (2026-12-12 07:59, Tokyo time)")
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let error = Zone::new("Europe/Atlantis").expect_err("no such zone");
        assert!(error.to_string().contains("Europe/Atlantis"));
    }
}
