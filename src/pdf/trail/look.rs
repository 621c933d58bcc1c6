//! How the audit trail looks: colours, sizes, places.

use super::letters::Cut;
use super::sheet::{Colour, Ink, MARGIN};

pub(super) const TEXT: Colour = (0x1B, 0x24, 0x30);
pub(super) const QUIET: Colour = (0x57, 0x60, 0x6A);
pub(super) const ACCENT: Colour = (0x1D, 0x4E, 0x89);
pub(super) const TEST: Colour = (0x9A, 0x34, 0x12);
pub(super) const TEST_GROUND: Colour = (0xFF, 0xED, 0xD5);
pub(super) const INTERIM: Colour = (0x1E, 0x40, 0x7C);
pub(super) const INTERIM_GROUND: Colour = (0xE4, 0xEE, 0xFB);

const fn ink(cut: Cut, size: f32, colour: Colour, leading: f32) -> Ink {
    Ink {
        cut,
        size,
        colour,
        leading,
    }
}

pub(super) const OVERLINE: Ink = ink(Cut::Bold, 8.0, ACCENT, 15.0);
pub(super) const HEADING: Ink = ink(Cut::Bold, 19.0, TEXT, 25.0);
/// On a coloured ground; its colour is that of what it says.
pub(super) const BANNER: Ink = ink(Cut::Bold, 9.0, TEXT, 13.0);
pub(super) const SUBHEAD: Ink = ink(Cut::Regular, 9.0, QUIET, 14.0);
pub(super) const SECTION: Ink = ink(Cut::Bold, 12.0, ACCENT, 18.0);
pub(super) const NAME: Ink = ink(Cut::Bold, 9.5, TEXT, 14.0);
pub(super) const DOCUMENT: Ink = ink(Cut::Bold, 8.5, TEXT, 12.5);
pub(super) const BODY: Ink = ink(Cut::Regular, 8.5, TEXT, 12.5);
pub(super) const SMALL: Ink = ink(Cut::Regular, 7.5, TEXT, 10.5);
pub(super) const STRONG: Ink = ink(Cut::Bold, 7.5, TEXT, 10.5);
pub(super) const SMALL_QUIET: Ink = ink(Cut::Regular, 7.5, QUIET, 10.5);
pub(super) const LABEL: Ink = ink(Cut::Regular, 8.5, QUIET, 12.5);
pub(super) const TABLE_HEAD: Ink = ink(Cut::Bold, 7.5, TEXT, 10.5);
pub(super) const CAPTION: Ink = ink(Cut::Regular, 6.5, QUIET, 9.5);
pub(super) const HASH: Ink = ink(Cut::Mono, 7.0, TEXT, 10.5);
/// A hash beside a label: on the same baseline.
pub(super) const VALUE_HASH: Ink = ink(Cut::Mono, 7.5, TEXT, 12.5);
pub(super) const QUIET_HASH: Ink = ink(Cut::Mono, 6.0, QUIET, 8.5);
pub(super) const FOOT: Ink = ink(Cut::Regular, 7.0, QUIET, 9.0);

/// Left edge of values beside labels.
pub(super) const VALUE_X: f32 = MARGIN + 138.0;
