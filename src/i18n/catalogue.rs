//! The bundles, built once at first use, and the values that go into messages.

use super::Locale;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::borrow::Cow;
use std::sync::OnceLock;

const EN: [&str; 5] = [
    include_str!("../../assets/locales/en/sign.ftl"),
    include_str!("../../assets/locales/en/mail.ftl"),
    include_str!("../../assets/locales/en/errors.ftl"),
    include_str!("../../assets/locales/en/admin.ftl"),
    include_str!("../../assets/locales/en/proof.ftl"),
];

/// What a variable of a message holds: text, or a number that plural rules look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Shown as it is.
    Text(Cow<'a, str>),
    /// Shown in digits; picks the plural form.
    Number(i64),
}

/// Whatever can stand for a variable; templates pass references of references.
pub trait Arg {
    /// As a message's value.
    fn value(&self) -> Value<'_>;
}

impl Arg for str {
    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}
impl Arg for String {
    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}
impl Arg for u32 {
    fn value(&self) -> Value<'_> {
        Value::Number(i64::from(*self))
    }
}
impl Arg for usize {
    fn value(&self) -> Value<'_> {
        Value::Number(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}
impl<T: Arg + ?Sized> Arg for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

fn bundle(locale: Locale) -> &'static FluentBundle<FluentResource> {
    static ENGLISH: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
    match locale {
        Locale::En => ENGLISH.get_or_init(|| build(locale, &EN)),
        #[cfg(test)]
        Locale::Pseudo => {
            static PSEUDO: OnceLock<FluentBundle<FluentResource>> = OnceLock::new();
            PSEUDO.get_or_init(|| {
                let mut bundle = build(locale, &EN);
                bundle.set_transform(Some(pseudo));
                bundle
            })
        }
    }
}

/// Each Latin letter of a message as a Cyrillic one, whatever it means; what goes in through variables stays.
#[cfg(test)]
fn pseudo(text: &str) -> Cow<'_, str> {
    let shift = |c: char| {
        let place = u32::from(c.to_ascii_lowercase()) - u32::from('a');
        char::from_u32(0x430 + place).unwrap_or(c)
    };
    text.chars()
        .map(|c| if c.is_ascii_alphabetic() { shift(c) } else { c })
        .collect::<String>()
        .into()
}

fn build(locale: Locale, sources: &[&str]) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![locale.identifier()]);
    // No isolation marks: texts also go into subjects, file names and attributes, and bidi controls in names are refused
    // where they come in.
    bundle.set_use_isolating(false);
    for source in sources {
        // A fault in a file drops that one message; a test parses every file and shows every message.
        let resource = match FluentResource::try_new((*source).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        // As above: a duplicate key keeps the first.
        drop(bundle.add_resource(resource));
    }
    bundle
}

/// The text of `key`. A key that is not there shows itself: ugly, never an empty button (a test keeps it from happening).
pub(super) fn message(
    locale: Locale,
    key: &'static str,
    values: &[(&'static str, Value<'_>)],
) -> String {
    let bundle = bundle(locale);
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        return key.to_owned();
    };
    let mut args = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        args.set(
            *name,
            match value {
                Value::Text(text) => FluentValue::String(Cow::Borrowed(text.as_ref())),
                Value::Number(number) => FluentValue::from(*number),
            },
        );
    }
    let mut faults = Vec::new();
    bundle
        .format_pattern(pattern, Some(&args), &mut faults)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    fn variables(pattern: &Pattern<&str>, into: &mut BTreeSet<String>) {
        for element in &pattern.elements {
            let PatternElement::Placeable { expression } = element else {
                continue;
            };
            let inline = match expression {
                Expression::Inline(inline) => inline,
                Expression::Select { selector, variants } => {
                    for variant in variants {
                        variables(&variant.value, into);
                    }
                    selector
                }
            };
            if let InlineExpression::VariableReference { id } = inline {
                into.insert(id.name.to_owned());
            }
        }
    }

    /// Every key with its variables.
    fn keys() -> BTreeMap<String, BTreeSet<String>> {
        let mut keys = BTreeMap::new();
        for source in EN {
            let resource = fluent_syntax::parser::parse(source).expect("a locale file parses");
            for entry in resource.body {
                if let Entry::Message(m) = entry {
                    let mut names = BTreeSet::new();
                    variables(&m.value.expect("a message has a value"), &mut names);
                    let double = keys.insert(m.id.name.to_owned(), names);
                    assert!(double.is_none(), "{} stands twice", m.id.name);
                }
            }
        }
        keys
    }

    fn files(folder: &Path, ends: &[&str], into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files(&path, ends, into);
            } else if ends.iter().any(|e| path.to_string_lossy().ends_with(e)) {
                into.push(path);
            }
        }
    }

    /// Every key that code or a template names, with the place.
    fn uses() -> BTreeMap<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        files(&root.join("src"), &[".rs"], &mut paths);
        files(&root.join("assets/pages"), &[".html", ".txt"], &mut paths);
        let mut uses = BTreeMap::new();
        for path in paths {
            let text = std::fs::read_to_string(&path).expect("text");
            for call in ["t(", "t1(", "t2(", "tn("] {
                for (at, _) in text.match_indices(call) {
                    let before = text[..at].chars().next_back();
                    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                        continue;
                    }
                    let rest = text[at + call.len()..].trim_start();
                    if let Some(literal) = rest.strip_prefix('"')
                        && let Some((key, _)) = literal.split_once('"')
                        && key.contains('-')
                        && key
                            .bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                    {
                        uses.insert(key.to_owned(), path.display().to_string());
                    }
                }
            }
        }
        uses
    }

    #[test]
    fn every_key_used_exists_and_every_key_there_is_used() {
        let keys = keys();
        let uses = uses();
        let missing: Vec<_> = uses
            .iter()
            .filter(|(k, _)| !keys.contains_key(*k))
            .collect();
        let unused: Vec<_> = keys.keys().filter(|k| !uses.contains_key(*k)).collect();
        assert!(missing.is_empty(), "used but not there: {missing:#?}");
        assert!(unused.is_empty(), "there but not used: {unused:#?}");
        assert!(keys.len() > 100);
    }

    #[test]
    fn no_message_holds_markup_and_no_button_is_longer_than_24_characters() {
        for source in EN {
            assert!(!source.contains('<') && !source.contains("&amp;"));
        }
        for (key, names) in keys() {
            if key.contains("-button-") && names.is_empty() {
                let leaked: &'static str = Box::leak(key.clone().into_boxed_str());
                let text = Locale::En.t(leaked);
                assert!(text.chars().count() <= 24, "{key}: {text}");
            }
        }
    }

    #[test]
    fn plural_rules_choose_the_form() {
        assert_eq!(Locale::En.t1("sign-pages", "n", 1u32), "1 page");
        assert_eq!(Locale::En.t1("sign-pages", "n", 14u32), "14 pages");
    }

    #[test]
    fn a_key_that_is_not_there_shows_itself() {
        assert_eq!(message(Locale::En, "absent", &[]), "absent");
    }
}
