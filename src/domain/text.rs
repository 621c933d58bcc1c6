//! Texts that people type and other people, mail servers and PDF viewers read: trimmed, bounded, and without the characters
//! that hide, reorder or break (header injection, look-alike names, invisible tags).

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing but blanks.
    #[error("must not be empty")]
    Empty,
    /// More characters than allowed.
    #[error("is longer than {max} characters")]
    TooLong {
        /// Characters allowed.
        max: usize,
    },
    /// A control, line-breaking, bidirectional or invisible character.
    #[error("contains the character U+{:04X}, which is not allowed here", *.0 as u32)]
    Forbidden(char),
}

/// Invisible, reordering or line-breaking, and never part of a name or a subject.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn bounded(text: &str, chars_max: usize) -> Result<(), TextFault> {
    if text.is_empty() {
        Err(TextFault::Empty)
    } else if text.chars().count() > chars_max {
        Err(TextFault::TooLong { max: chars_max })
    } else {
        Ok(())
    }
}

/// One line without hidden characters: subjects, names, labels. Blanks around it are dropped.
///
/// # Errors
/// The first fault found.
pub fn line(text: &str, chars_max: usize) -> Result<String, TextFault> {
    let text = text.trim();
    if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
        return Err(TextFault::Forbidden(c));
    }
    bounded(text, chars_max)?;
    Ok(text.to_owned())
}

/// Several lines: messages, reasons. Line ends become `\n`; tabs and the joiners that Persian, Indic scripts and emoji need may stay.
///
/// # Errors
/// The first fault found.
pub fn lines(text: &str, chars_max: usize) -> Result<String, TextFault> {
    let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
    let allowed = |c: char| matches!(c, '\n' | '\t' | '\u{200c}' | '\u{200d}');
    if let Some(c) = text.chars().find(|c| is_hidden(*c) && !allowed(*c)) {
        return Err(TextFault::Forbidden(c));
    }
    bounded(&text, chars_max)?;
    Ok(text)
}

/// What another program said, made fit to keep and show: hidden characters become blanks, the rest is cut at `chars_max`.
pub fn kept(text: &str, chars_max: usize) -> String {
    text.trim()
        .chars()
        .take(chars_max)
        .map(|c| if is_hidden(c) { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_scripts_and_drops_outer_blanks() {
        for text in [
            "Łukasz Żółć",
            "Γεώργιος",
            "王小明",
            "محمد",
            "D’Arcy-O'Neil, Jr.",
        ] {
            assert_eq!(line(&format!("  {text}\n"), 40).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_hides_breaks_or_reorders_is_refused() {
        for c in [
            '\r',
            '\n',
            '\0',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{200d}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(
                line(&format!("Marie{c}Dubois"), 40),
                Err(TextFault::Forbidden(c))
            );
        }
        assert_eq!(
            lines("a\u{202e}b", 40),
            Err(TextFault::Forbidden('\u{202e}'))
        );
    }

    #[test]
    fn bounds_count_characters() {
        assert_eq!(line(&"é".repeat(40), 40).map(|t| t.len()), Ok(80));
        assert_eq!(
            line(&"é".repeat(41), 40),
            Err(TextFault::TooLong { max: 40 })
        );
        assert_eq!(line(" \t ", 40), Err(TextFault::Empty));
    }

    #[test]
    fn a_message_keeps_its_lines_in_one_form() {
        assert_eq!(lines("a\r\nb\rc\n", 40).as_deref(), Ok("a\nb\nc"));
    }
}
