//! Secrets: the configuration only says where they are.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a secret's file, at most: a password or a key is much shorter.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// A secret in memory: it never prints and is overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text; `None` where it is no UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// Where credentials and variables are looked for.
#[derive(Clone, Debug)]
pub(super) struct Places<'a> {
    /// systemd's folder for this service, where it runs under systemd.
    pub(super) credentials_directory: Option<PathBuf>,
    /// The folder without systemd's.
    pub(super) credentials_fallback: PathBuf,
    pub(super) environment: &'a BTreeMap<String, String>,
}

/// What a setting says about where its secret is.
enum Reference<'a> {
    Credential(&'a str),
    File(&'a Path),
    Variable(&'a str),
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let known = text.split_once(':').filter(|(_, rest)| !rest.is_empty());
        match known {
            Some(("credential", name))
                if !name.starts_with('.')
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) =>
            {
                Ok(Self::Credential(name))
            }
            Some(("credential", _)) => {
                Err("the name of a credential has letters, digits, `-`, `_` and `.`, no folder".to_owned())
            }
            Some(("file", path)) if Path::new(path).is_absolute() => Ok(Self::File(Path::new(path))),
            Some(("file", _)) => Err("the path after `file:` must begin with `/`".to_owned()),
            Some(("env", name)) => Ok(Self::Variable(name)),
            // Never repeats the value: it may be the secret.
            _ => Err(
                "the secret itself doesn't belong here; say where it is: \"credential:NAME\", \"file:/path\" or \"env:NAME\""
                    .to_owned(),
            ),
        }
    }
}

impl Places<'_> {
    /// Reads the secret that `text` refers to, as it lies there.
    pub(super) fn read(&self, text: &str) -> Result<Secret, String> {
        let secret = match Reference::parse(text)? {
            Reference::Credential(name) => {
                let folder = self
                    .credentials_directory
                    .as_ref()
                    .unwrap_or(&self.credentials_fallback);
                read_private(&folder.join(name))?
            }
            Reference::File(path) => read_private(path)?,
            Reference::Variable(name) => match self.environment.get(name) {
                Some(value) => Secret::new(value.clone().into_bytes()),
                None => return Err(format!("the environment has no variable {name}")),
            },
        };
        if secret.expose().is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(secret)
    }

    /// Reads a password: one line of text, the line end of its file dropped.
    pub(super) fn read_line(&self, text: &str) -> Result<Secret, String> {
        let secret = self.read(text)?;
        let line = secret
            .text()
            .map(|text| text.trim_end_matches(['\r', '\n']));
        match line {
            Some("") => Err("the secret is empty".to_owned()),
            Some(line) if !line.chars().any(char::is_control) => {
                Ok(Secret::new(line.as_bytes().to_vec()))
            }
            _ => Err("the secret must be one line of text".to_owned()),
        }
    }

    /// Reads a key of 32 bytes: raw, or as hexadecimal or base64 text.
    pub(super) fn read_key(&self, text: &str) -> Result<Secret, String> {
        use base64::Engine as _;
        let secret = self.read(text)?;
        if secret.expose().len() == 32 {
            return Ok(secret);
        }
        let line = secret.text().map(str::trim).unwrap_or_default();
        let decoded = match line.len() {
            64 => hex::decode(line).ok(),
            44 => base64::engine::general_purpose::STANDARD.decode(line).ok(),
            _ => None,
        };
        match decoded.map(Secret::new) {
            Some(key) if key.expose().len() == 32 => Ok(key),
            _ => Err(
                "a key is 32 bytes, raw or as 64 hexadecimal or 44 base64 characters".to_owned(),
            ),
        }
    }
}

/// Reads a file that only its owner and group may read or write.
fn read_private(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let file = std::fs::File::open(path).map_err(|e| format!("{shown}: {}", io_text(&e)))?;
    let meta = file
        .metadata()
        .map_err(|e| format!("{shown}: {}", io_text(&e)))?;
    if !meta.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let others = meta.mode() & 0o007;
    if others != 0 {
        return Err(format!(
            "{shown} can be used by every user of this machine (mode {:04o}); `chmod o= {shown}`",
            meta.mode() & 0o7777
        ));
    }
    let mut bytes = Vec::new();
    file.take(SECRET_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("{shown}: {}", io_text(&e)))?;
    let secret = Secret::new(bytes);
    if secret.expose().len() as u64 > SECRET_BYTES_MAX {
        return Err(format!(
            "{shown} is larger than a secret can be ({SECRET_BYTES_MAX} bytes)"
        ));
    }
    Ok(secret)
}

/// The reason without the number that the system gives it.
pub(super) fn io_text(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("paraph-secret-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write(path: &Path, bytes: &[u8], mode: u32) {
        std::fs::write(path, bytes).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn places<'a>(folder: &Path, environment: &'a BTreeMap<String, String>) -> Places<'a> {
        Places {
            credentials_directory: None,
            credentials_fallback: folder.to_owned(),
            environment,
        }
    }

    #[test]
    fn a_secret_comes_from_a_credential_a_file_or_a_variable() {
        let at = folder("kinds");
        write(&at.join("smtp"), b"one two\n", 0o640);
        let environment = BTreeMap::from([("SMTP".to_owned(), "three".to_owned())]);
        let mut from = places(&at, &environment);
        assert_eq!(
            from.read_line("credential:smtp").unwrap().text(),
            Some("one two")
        );
        let path = format!("file:{}", at.join("smtp").display());
        assert_eq!(from.read_line(&path).unwrap().text(), Some("one two"));
        assert_eq!(from.read_line("env:SMTP").unwrap().text(), Some("three"));
        let other = folder("systemd");
        write(&other.join("smtp"), b"four", 0o400);
        from.credentials_directory = Some(other.clone());
        assert_eq!(
            from.read_line("credential:smtp").unwrap().text(),
            Some("four")
        );
        std::fs::remove_dir_all(at).unwrap();
        std::fs::remove_dir_all(other).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let at = folder("mode");
        write(&at.join("key"), &[7; 32], 0o644);
        let environment = BTreeMap::new();
        let refused = places(&at, &environment)
            .read("credential:key")
            .unwrap_err();
        assert!(
            refused.contains("mode 0644") && refused.contains("chmod o="),
            "{refused}"
        );
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn a_plain_value_is_refused_and_never_repeated() {
        let environment = BTreeMap::new();
        let at = std::env::temp_dir();
        for plain in ["hunter2", "https://hunter2", "credential:", "hunter2:x"] {
            let refused = places(&at, &environment).read(plain).unwrap_err();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
        assert!(
            places(&at, &environment)
                .read("credential:../../etc/shadow")
                .unwrap_err()
                .contains("no folder")
        );
        assert!(
            places(&at, &environment)
                .read("file:relative")
                .unwrap_err()
                .contains("begin with `/`")
        );
        assert!(
            places(&at, &environment)
                .read("env:NOT_THERE")
                .unwrap_err()
                .contains("NOT_THERE")
        );
    }

    #[test]
    fn a_key_is_32_bytes_in_one_of_three_forms() {
        let at = folder("key");
        let environment = BTreeMap::new();
        let from = places(&at, &environment);
        let raw = [0x0a; 32];
        for form in [
            raw.to_vec(),
            format!("{}\n", hex::encode(raw)).into_bytes(),
            format!(
                "{}\n",
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, raw)
            )
            .into_bytes(),
        ] {
            write(&at.join("key"), &form, 0o600);
            assert_eq!(from.read_key("credential:key").unwrap().expose(), raw);
        }
        for wrong in [&raw[..31], b"zz", &[b'g'; 64]] {
            write(&at.join("key"), wrong, 0o600);
            assert!(from.read_key("credential:key").is_err());
        }
        std::fs::remove_dir_all(at).unwrap();
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(
            format!("{:?}", Secret::new(b"hunter2".to_vec())),
            "Secret(...)"
        );
    }
}
