//! The layers below the typed configuration: the built-in example, the administrator's file, the environment. Every key is
//! checked here against the example, so that a fault can point at its line and name the key that was meant.

use super::fault::{Fault, Faults, Source};
use super::raw::RawConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The defaults, as the file that explains them.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// What the environment's names begin with.
pub(super) const PREFIX: &str = "PARAPH__";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The built-in example.
    Default,
    /// A line of the administrator's file.
    File {
        /// The file's path.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

/// A value that has the type of its key.
#[derive(Clone, Debug, PartialEq)]
enum Typed {
    Text(String),
    Number(i64),
    Truth(bool),
    List(Vec<String>),
}

impl Typed {
    /// From a file; `None` where it has a type that no setting has.
    fn of(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::String(text) => Some(Self::Text(text.to_string())),
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
                .ok()
                .map(Self::Number),
            DeValue::Boolean(b) => Some(Self::Truth(*b)),
            DeValue::Array(items) => items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::List),
            _ => None,
        }
    }

    /// From the environment, where everything is text, in the type that the key has.
    fn read_like_this(&self, text: &str) -> Option<Self> {
        match self {
            Self::Text(_) => Some(Self::Text(text.to_owned())),
            Self::Number(_) => text.trim().parse().ok().map(Self::Number),
            Self::Truth(_) => text.trim().parse().ok().map(Self::Truth),
            Self::List(_) => Some(Self::List(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            )),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// What a value for this key looks like, for a message.
    fn wanted(&self) -> String {
        match self {
            Self::Text(example) if example.is_empty() => "a text in quotes is wanted".to_owned(),
            Self::Text(example) => format!("a text in quotes is wanted, as in \"{example}\""),
            Self::Number(example) => format!("a whole number is wanted, as in {example}"),
            Self::Truth(_) => "true or false is wanted".to_owned(),
            Self::List(_) => "a list of texts is wanted, as in [\"...\", \"...\"]".to_owned(),
        }
    }
}

impl From<&Typed> for config::ValueKind {
    fn from(value: &Typed) -> Self {
        match value {
            Typed::Text(text) => text.clone().into(),
            Typed::Number(n) => (*n).into(),
            Typed::Truth(b) => (*b).into(),
            Typed::List(items) => items.clone().into(),
        }
    }
}

/// `section.key` of every setting, with its default, in the example's order.
struct Schema(Vec<(String, Typed)>);

impl Schema {
    fn of_example() -> Result<Self, Fault> {
        let broken = |what: &str| Fault::named("config.example.toml", format!("built-in: {what}"));
        let table = DeTable::parse(EXAMPLE).map_err(|e| broken(e.message()))?;
        let mut settings: Vec<(usize, String, Typed)> = Vec::new();
        for (section, keys) in table.get_ref() {
            let keys = keys
                .get_ref()
                .as_table()
                .ok_or_else(|| broken("a key outside a section"))?;
            for (key, value) in keys {
                let typed = Typed::of(value.get_ref())
                    .ok_or_else(|| broken("a value of a strange type"))?;
                settings.push((
                    key.span().start,
                    format!("{}.{}", section.get_ref(), key.get_ref()),
                    typed,
                ));
            }
        }
        settings.sort_by_key(|(at, _, _)| *at);
        Ok(Self(
            settings
                .into_iter()
                .map(|(_, path, value)| (path, value))
                .collect(),
        ))
    }

    fn default_of(&self, path: &str) -> Option<&Typed> {
        self.0
            .iter()
            .find(|(it, _)| it == path)
            .map(|(_, value)| value)
    }

    fn sections(&self) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter_map(|(path, _)| Some(path.split_once('.')?.0))
            .collect()
    }

    fn keys_of<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |(path, _)| {
            let (of, key) = path.split_once('.')?;
            (of == section).then_some(key)
        })
    }
}

/// The candidate nearest to `word`, unless even that is too far away to have been meant.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|it| (strsim::damerau_levenshtein(word, it), it))
        .min()
        .filter(|(distance, it)| *distance <= 2.max(it.chars().count() / 3))
        .map(|(_, it)| it)
}

/// What the layers came to.
pub(super) struct Layered {
    /// The values; for a faulty key the one below it.
    pub(super) raw: RawConfig,
    /// All settings in the example's order: path and value.
    pub(super) settings: Vec<(String, toml::Value)>,
    places: BTreeMap<String, Place>,
    source: Option<Source>,
    /// Keys with a fault of their own: what follows from them isn't worth a second message.
    pub(super) faulty: BTreeSet<String>,
    pub(super) faults: Faults,
}

#[derive(Clone)]
enum Place {
    File(Range<usize>),
    Environment(String),
}

impl Layered {
    /// Where `path` got its value.
    pub(super) fn origin(&self, path: &str) -> Origin {
        match (self.places.get(path), &self.source) {
            (Some(Place::File(span)), Some(source)) => Origin::File {
                file: source.name.clone(),
                line: source.line_number(span.start),
            },
            (Some(Place::Environment(name)), _) => Origin::Environment(name.clone()),
            _ => Origin::Default,
        }
    }

    /// A fault of the value of `path`, shown where that came from.
    pub(super) fn refuse(&mut self, path: &str, message: &str) {
        let message = format!("{path}: {message}");
        let fault = match (self.places.get(path), &self.source) {
            (Some(Place::File(span)), Some(source)) => Fault::at(source, span.clone(), message),
            (Some(Place::Environment(name)), _) => Fault::named(name, message),
            _ => Fault::anywhere(message),
        };
        self.faults.push(fault);
        self.faulty.insert(path.to_owned());
    }

    /// A fault of several settings together, shown at the first of them that somebody wrote.
    pub(super) fn refuse_together(&mut self, paths: &[&str], message: &str) {
        if paths.iter().any(|path| self.faulty.contains(*path)) {
            return;
        }
        let at = paths
            .iter()
            .find_map(|path| self.places.get(*path).cloned());
        let fault = match (at, &self.source) {
            (Some(Place::File(span)), Some(source)) => Fault::at(source, span, message),
            (Some(Place::Environment(name)), _) => Fault::named(name, message),
            _ => Fault::anywhere(message),
        };
        self.faults.push(fault);
        self.faulty
            .extend(paths.iter().map(|path| (*path).to_owned()));
    }
}

/// Lays file and environment over the example.
///
/// # Errors
/// What makes the rest unreadable: the faults so far.
pub(super) fn lay(
    source: Option<Source>,
    environment: &BTreeMap<String, String>,
) -> Result<Layered, Faults> {
    let mut faults = Faults::default();
    let schema = match Schema::of_example() {
        Ok(schema) => schema,
        Err(fault) => {
            faults.push(fault);
            return Err(faults);
        }
    };
    let mut values: BTreeMap<String, (Typed, Place)> = BTreeMap::new();
    let mut faulty = BTreeSet::new();
    let mut broken = false;
    if let Some(source) = &source {
        broken = read_file(source, &schema, &mut values, &mut faulty, &mut faults);
    }
    read_environment(environment, &schema, &mut values, &mut faulty, &mut faults);
    if broken {
        // What a file with broken syntax says of the rest is a guess.
        faults.sort();
        return Err(faults);
    }
    let typed = |faults: &mut Faults| -> Option<RawConfig> {
        let overlay = Overlay(
            values
                .iter()
                .map(|(path, (value, _))| (path.clone(), value.clone()))
                .collect(),
        );
        config::Config::builder()
            .add_source(config::File::from_str(EXAMPLE, config::FileFormat::Toml))
            .add_source(overlay)
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|e| faults.push(Fault::anywhere(e.to_string())))
            .ok()
    };
    let Some(raw) = typed(&mut faults) else {
        faults.sort();
        return Err(faults);
    };
    let settings = schema
        .0
        .iter()
        .map(|(path, default)| {
            let value = values.get(path).map_or(default, |(value, _)| value);
            (path.clone(), toml::Value::from(value))
        })
        .collect();
    Ok(Layered {
        raw,
        settings,
        places: values
            .into_iter()
            .map(|(path, (_, place))| (path, place))
            .collect(),
        source,
        faulty,
        faults,
    })
}

impl From<&Typed> for toml::Value {
    fn from(value: &Typed) -> Self {
        match value {
            Typed::Text(text) => Self::String(text.clone()),
            Typed::Number(n) => Self::Integer(*n),
            Typed::Truth(b) => Self::Boolean(*b),
            Typed::List(items) => Self::Array(items.iter().cloned().map(Self::String).collect()),
        }
    }
}

/// Takes the file's values; true where its syntax is broken.
fn read_file(
    source: &Source,
    schema: &Schema,
    values: &mut BTreeMap<String, (Typed, Place)>,
    faulty: &mut BTreeSet<String>,
    faults: &mut Faults,
) -> bool {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        faults.push(Fault::at(source, span, error.message()));
    }
    let sections = schema.sections();
    for (name, content) in table.get_ref() {
        let section: &str = name.get_ref();
        let Some(keys) = content.get_ref().as_table() else {
            if errors.is_empty() {
                let message =
                    match schema.0.iter().find(|(path, _)| {
                        path.split_once('.').is_some_and(|(_, key)| key == section)
                    }) {
                        Some((path, _)) if !sections.contains(section) => {
                            let of = path.split_once('.').map_or("", |(of, _)| of);
                            format!("`{section}` stands outside its section [{of}]")
                        }
                        _ if sections.contains(section) => {
                            format!("`{section}` is a section, as in [{section}]")
                        }
                        _ => format!("unknown key `{section}`, outside every section"),
                    };
                faults.push(Fault::at(source, name.span(), message));
            }
            continue;
        };
        if !sections.contains(section) {
            let hint = nearest(section, sections.iter().copied())
                .map_or(String::new(), |it| format!("; did you mean [{it}]?"));
            faults.push(Fault::at(
                source,
                name.span(),
                format!("unknown section [{section}]{hint}"),
            ));
            continue;
        }
        for (key, value) in keys {
            let word: &str = key.get_ref();
            let path = format!("{section}.{word}");
            let Some(default) = schema.default_of(&path) else {
                let hint = nearest(word, schema.keys_of(section))
                    .map_or(String::new(), |it| format!("; did you mean `{it}`?"));
                faults.push(Fault::at(
                    source,
                    key.span(),
                    format!("unknown key `{word}` in [{section}]{hint}"),
                ));
                continue;
            };
            match Typed::of(value.get_ref()).filter(|it| it.is_like(default)) {
                Some(typed) => {
                    values.insert(path, (typed, Place::File(value.span())));
                }
                None => {
                    faults.push(Fault::at(
                        source,
                        value.span(),
                        format!("{path}: {}", default.wanted()),
                    ));
                    faulty.insert(path);
                }
            }
        }
    }
    !errors.is_empty()
}

/// Takes the values of variables that begin with the prefix.
fn read_environment(
    environment: &BTreeMap<String, String>,
    schema: &Schema,
    values: &mut BTreeMap<String, (Typed, Place)>,
    faulty: &mut BTreeSet<String>,
    faults: &mut Faults,
) {
    let variable = |path: &str| format!("{PREFIX}{}", path.replacen('.', "__", 1).to_uppercase());
    let known: BTreeMap<String, &(String, Typed)> =
        schema.0.iter().map(|it| (variable(&it.0), it)).collect();
    for (name, text) in environment
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
    {
        let Some((path, default)) = known.get(name) else {
            let hint = nearest(name, known.keys().map(String::as_str))
                .map_or(String::new(), |it| format!("; did you mean {it}?"));
            faults.push(Fault::named(
                name,
                format!("no setting has this name{hint}"),
            ));
            continue;
        };
        match default.read_like_this(text) {
            Some(typed) => {
                values.insert(path.clone(), (typed, Place::Environment(name.clone())));
            }
            None => {
                faults.push(Fault::named(name, format!("{path}: {}", default.wanted())));
                faulty.insert(path.clone());
            }
        }
    }
}

/// The checked values of file and environment as one source for the `config` crate.
#[derive(Clone, Debug)]
struct Overlay(BTreeMap<String, Typed>);

impl config::Source for Overlay {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, config::Value>, config::ConfigError> {
        Ok(self
            .0
            .iter()
            .map(|(path, value)| {
                (
                    path.clone(),
                    config::Value::new(None, config::ValueKind::from(value)),
                )
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_names_exactly_the_keys_that_are_read() {
        let raw: RawConfig = toml::from_str(EXAMPLE).unwrap();
        let written = toml::Table::try_from(&raw).unwrap();
        let example: toml::Table = EXAMPLE.parse().unwrap();
        assert_eq!(written, example);
    }

    #[test]
    fn every_setting_has_a_comment() {
        let lines: Vec<&str> = EXAMPLE.lines().collect();
        for (n, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'))
        {
            assert!(
                lines[n - 1].starts_with("# "),
                "`{line}` has no word about it"
            );
        }
    }
}
