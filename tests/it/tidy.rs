//! The house rules that the compiler doesn't know: who may import whom, what doesn't belong where, what nobody may write.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file that ship, at most: beyond it is a seam.
const LINES_MAX: usize = 800;

/// Each floor with the floors it may import. A name with `::` allows only that part. `ambient` is below `http` and `pki` for its
/// traits alone: limits, bodies that drip and key names take the clock or the chance that is passed in; who makes them stands above.
const FLOORS: [(&str, &[&str]); 15] = [
    ("http", &["app", "domain", "i18n", "ambient"]),
    ("jobs", &["app", "domain"]),
    (
        "app",
        &[
            "store", "vault", "worker", "outbound", "pdf", "pki", "i18n", "ambient", "domain",
        ],
    ),
    ("store", &["ambient", "domain"]),
    ("vault", &["domain"]),
    ("outbound", &["domain"]),
    ("worker", &["pdf"]),
    ("pdf", &["pki", "domain::time", "domain::digest"]),
    ("pki", &["ambient", "domain::time", "domain::digest"]),
    ("ambient", &["domain::time"]),
    ("domain", &[]),
    ("i18n", &[]),
    ("telemetry", &[]),
    ("lib", &[]),
    ("ARCHITECTURE", &[]),
];

/// These stand above all floors. Nobody below imports them.
const ABOVE: [&str; 4] = ["main", "cli", "server", "config"];

struct Source {
    /// From the repository's root.
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` whose names end in one of `endings`.
fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut waiting: Vec<PathBuf> = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if endings
                .iter()
                .any(|it| path.to_string_lossy().ends_with(it))
            {
                found.push(Source {
                    path: path
                        .strip_prefix(root())
                        .unwrap()
                        .to_string_lossy()
                        .into_owned(),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text with comments and the insides of strings blanked, line ends kept.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| {
        what.chars()
            .enumerate()
            .all(|(n, c)| chars.get(at + n) == Some(&c))
    };
    while at < chars.len() {
        let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
        let raw = chars[at] == 'r'
            && chars.get(at + 1 + hashes) == Some(&'"')
            && !chars[..at]
                .last()
                .is_some_and(|c| c.is_alphanumeric() || *c == '_');
        let end = if starts(at, "//") {
            chars[at..]
                .iter()
                .position(|c| *c == '\n')
                .map_or(chars.len(), |n| at + n)
        } else if starts(at, "/*") {
            (at..chars.len())
                .find(|n| starts(*n, "*/"))
                .map_or(chars.len(), |n| n + 2)
        } else if raw {
            let close = format!("\"{}", "#".repeat(hashes));
            (at + hashes + 2..chars.len())
                .find(|n| starts(*n, &close))
                .map_or(chars.len(), |n| n + 1 + hashes)
        } else if chars[at] == '"' {
            let mut end = at + 1;
            while end < chars.len() && chars[end] != '"' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            (end + 1).min(chars.len())
        } else if chars[at] == '\''
            && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\''))
        {
            let from = if chars.get(at + 1) == Some(&'\\') {
                at + 3
            } else {
                at + 2
            };
            chars[from..]
                .iter()
                .position(|c| *c == '\'')
                .map_or(chars.len(), |n| from + n + 1)
        } else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        out.extend(
            chars[at..end]
                .iter()
                .map(|c| if *c == '\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    out
}

/// `code` without the modules that only tests compile (as rustfmt lays them out).
fn shipped(code: &str) -> String {
    let mut out = String::new();
    let mut lines = code.lines().peekable();
    while let Some(line) = lines.next() {
        let next_is_module = lines
            .peek()
            .is_some_and(|it| it.trim_start().starts_with("mod ") && it.ends_with('{'));
        if line.trim() == "#[cfg(test)]" && next_is_module {
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            for inside in lines.by_ref() {
                if inside == closing {
                    break;
                }
            }
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The files of `src` that ship: not `tests.rs` and `..._tests.rs`, nor any other module that stands behind `#[cfg(test)]`.
fn shipped_sources() -> Vec<Source> {
    let all = sources("src", &[".rs"]);
    let mut behind = Vec::new();
    for source in &all {
        let folder = match source
            .path
            .strip_suffix("/mod.rs")
            .or(source.path.strip_suffix("/lib.rs"))
        {
            Some(folder) => folder,
            None => source.path.trim_end_matches(".rs"),
        };
        for (at, attribute) in source.text.match_indices("#[cfg(test)]\nmod ") {
            let name = source.text[at + attribute.len()..]
                .split([';', ' '])
                .next()
                .unwrap();
            behind.push(format!("{folder}/{name}.rs"));
            behind.push(format!("{folder}/{name}/"));
        }
    }
    let is_behind = |path: &str| {
        path.ends_with("tests.rs") || behind.iter().any(|it| path.starts_with(it.as_str()))
    };
    all.into_iter().filter(|it| !is_behind(&it.path)).collect()
}

fn floor_of(path: &str) -> String {
    let inside = path.strip_prefix("src/").unwrap();
    inside
        .split('/')
        .next()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

/// Every `a::b` that `code` reaches through `crate::` or enough `super::`, grouped and multi-line `use` included.
fn reached(path: &str, code: &str) -> Vec<String> {
    let flat: String = code
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" ::", "::")
        .replace(":: ", "::");
    let inside = path.strip_prefix("src/").unwrap().trim_end_matches(".rs");
    let depth = inside.split('/').filter(|part| *part != "mod").count();
    let up = "super::".repeat(depth);
    let mut all = Vec::new();
    for door in ["crate::", up.as_str()] {
        for (at, _) in flat.match_indices(door) {
            let before = flat[..at].chars().last();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let rest = &flat[at + door.len()..];
            match rest.strip_prefix('{') {
                Some(group) => all.extend(split_group(group).into_iter().flat_map(|it| heads(&it))),
                None => all.extend(heads(rest)),
            }
        }
    }
    all
}

/// The parts of a `use` group up to its closing brace, cut at the commas of its own level.
fn split_group(group: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                parts.last_mut().unwrap().push(c);
            }
        }
    }
    parts
        .into_iter()
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty())
        .collect()
}

/// `a::b` of a path `a::b::c`, and `a::x`, `a::y` of `a::{x, y::z}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let first = name(path);
    match path[first.len()..].strip_prefix("::") {
        None => vec![first],
        Some(rest) => match rest.strip_prefix('{') {
            Some(group) => split_group(group)
                .iter()
                .map(|it| format!("{first}::{}", name(it)))
                .collect(),
            None => vec![format!("{first}::{}", name(rest))],
        },
    }
}

fn judge(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn floors_import_only_what_lies_below_them() {
    let mut faults = Vec::new();
    for source in shipped_sources() {
        let floor = floor_of(&source.path);
        if ABOVE.contains(&floor.as_str()) {
            continue;
        }
        let Some((_, allowed)) = FLOORS.iter().find(|(it, _)| *it == floor) else {
            faults.push(format!(
                "{}: the floor `{floor}` is not in the list of this test",
                source.path
            ));
            continue;
        };
        for it in reached(&source.path, &shipped(&code(&source.text))) {
            let to = it.split("::").next().unwrap_or_default();
            let is_floor = FLOORS.iter().any(|(floor, _)| *floor == to) || ABOVE.contains(&to);
            let good = to == floor || allowed.contains(&to) || allowed.contains(&it.as_str());
            if is_floor && !good {
                faults.push(format!("{}: `{floor}` must not use `{it}`", source.path));
            }
        }
    }
    faults.dedup();
    judge(&faults);
}

#[test]
fn the_floors_test_sees_through_groups_lines_and_supers() {
    let seen = |path: &str, text: &str| reached(path, &shipped(&code(text)));
    let text = "use crate::{\n    app::{self, Access},\n    domain::{time::Timestamp, ids},\n};\nfn f() { crate::store :: Store::open(); }\n";
    assert_eq!(
        seen("src/http/api/a.rs", text),
        [
            "app::self",
            "app::Access",
            "domain::time",
            "domain::ids",
            "store::Store"
        ]
    );
    assert_eq!(
        seen("src/pdf/mod.rs", "use super::store::Store;"),
        ["store::Store"]
    );
    assert_eq!(
        seen(
            "src/pdf/a.rs",
            "use super::store; use super::super::vault::Vault;"
        ),
        ["vault::Vault"]
    );
    let hidden = "// use crate::store::Store;\nconst A: &str = \"crate::store\"; const B: char = '\"'; /* crate::app */ const C: &str = r#\"\"crate::app\"#;\n\
                  #[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}\nuse crate::vault;\n";
    assert_eq!(seen("src/pdf/a.rs", hidden), ["vault"]);
}

#[test]
fn nobody_outside_the_store_knows_sql() {
    let mut faults = Vec::new();
    for source in sources("src", &[".rs"])
        .iter()
        .filter(|it| floor_of(&it.path) != "store")
    {
        let code = code(&source.text);
        for word in ["rusqlite", "r2d2"] {
            if code.contains(word) {
                faults.push(format!("{}: `{word}` belongs to the store", source.path));
            }
        }
        for (n, line) in source
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for statement in [
                "SELECT ",
                "INSERT INTO ",
                "DELETE FROM ",
                "PRAGMA ",
                "BEGIN IMMEDIATE",
            ] {
                if line.contains(statement) {
                    faults.push(format!(
                        "{}:{}: SQL belongs to the store",
                        source.path,
                        n + 1
                    ));
                }
            }
        }
    }
    judge(&faults);
}

#[test]
fn no_database_type_leaves_the_store() {
    let mut faults = Vec::new();
    for source in shipped_sources()
        .iter()
        .filter(|it| floor_of(&it.path) == "store")
    {
        let code = shipped(&code(&source.text));
        // A signature ends at its body; a field or a re-export at its line.
        for (at, _) in code.match_indices("pub ") {
            let rest = &code[at..];
            let end = rest.find(['{', ';', '\n']).unwrap_or(rest.len());
            let end = if rest.starts_with("pub fn") {
                rest.find('{').unwrap_or(end)
            } else {
                end
            };
            let item = &rest[..end];
            for word in [
                "rusqlite",
                "r2d2",
                "Connection",
                "Statement",
                "Row<",
                "ToSql",
                "FromSql",
            ] {
                if item.contains(word) {
                    let line = code[..at].lines().count() + 1;
                    faults.push(format!(
                        "{}:{line}: `{word}` in what others see",
                        source.path
                    ));
                }
            }
        }
    }
    judge(&faults);
}

#[test]
fn files_are_short_enough_to_be_read() {
    let mut faults = Vec::new();
    for source in shipped_sources()
        .into_iter()
        .chain(sources("tests", &[".rs"]))
    {
        let lines = shipped(&code(&source.text)).lines().count();
        if lines > LINES_MAX {
            faults.push(format!(
                "{}: {lines} lines, at most {LINES_MAX}",
                source.path
            ));
        }
    }
    judge(&faults);
}

#[test]
fn nothing_is_left_for_later_ignored_or_allowed_without_a_reason() {
    let mut faults = Vec::new();
    for source in sources("src", &[".rs"])
        .into_iter()
        .chain(sources("tests", &[".rs"]))
    {
        // Built from halves, so that this file passes its own test.
        for (first, second) in [
            ("TO", "DO"),
            ("FIX", "ME"),
            ("XX", "X:"),
            ("HA", "CK"),
            ("#[ign", "ore"),
            ("unimple", "mented!("),
        ] {
            let word = format!("{first}{second}");
            for (n, _) in source
                .text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains(&word))
            {
                faults.push(format!("{}:{}: `{word}`", source.path, n + 1));
            }
        }
        let code = code(&source.text);
        for attribute in ["[allow(", "[expect("] {
            for (at, _) in code.match_indices(attribute) {
                let end = code[at..].find(']').unwrap_or_default();
                if !code[at..at + end].contains("reason") {
                    faults.push(format!(
                        "{}:{}: an exception without its reason",
                        source.path,
                        code[..at].lines().count()
                    ));
                }
            }
        }
    }
    judge(&faults);
}

#[test]
fn names_say_what_a_thing_is() {
    let mut faults = Vec::new();
    for source in sources("src", &[".rs"]) {
        for part in source.path.trim_end_matches(".rs").split('/') {
            if [
                "util", "utils", "common", "manager", "service", "services", "helper", "helpers",
                "misc",
            ]
            .contains(&part)
            {
                faults.push(format!(
                    "{}: a file isn't called `{part}` here",
                    source.path
                ));
            }
        }
        let code = code(&source.text);
        for (n, _) in code
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains("fn get_"))
        {
            faults.push(format!("{}:{}: no `get_`", source.path, n + 1));
        }
    }
    judge(&faults);
}

#[test]
fn nothing_that_looks_like_a_key_is_written_down() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "assets", "packaging"] {
        if root().join(folder).is_dir() {
            files.extend(sources(
                folder,
                &[
                    ".rs", ".md", ".html", ".css", ".js", ".toml", ".yaml", ".ftl", ".snap",
                    ".service", ".txt",
                ],
            ));
        }
    }
    for name in ["README.md", "config.example.toml"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            files.push(Source {
                path: name.to_owned(),
                text,
            });
        }
    }
    let mut faults = Vec::new();
    for source in &files {
        for start in ["sk_live_", "sk_test_", "whsec_"] {
            for (at, _) in source.text.match_indices(start) {
                let rest = source.text[at + start.len()..].chars();
                if rest.take_while(char::is_ascii_alphanumeric).count() >= 20 {
                    faults.push(format!(
                        "{}:{}: looks like a secret",
                        source.path,
                        source.text[..at].lines().count()
                    ));
                }
            }
        }
        // The body of a private key is base64 on lines of its own; its first line alone may stand in a message.
        if source.text.contains("PRIVATE KEY-----\nM") {
            faults.push(format!("{}: a private key", source.path));
        }
    }
    judge(&faults);
}
