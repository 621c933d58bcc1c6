//! Styles, scripts and the icon, compiled in, under addresses that change with their content.
//!
//! All files share one digest in their address (`/assets/<digest>/sign/main.js`), so that modules and styles can name each
//! other by relative paths and everything may be cached for ever.

use crate::domain::digest::Hasher;
use rust_embed::Embed;
use std::borrow::Cow;
use std::sync::OnceLock;

#[derive(Embed)]
#[folder = "assets/web/"]
struct Web;

/// A file to be sent.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// For `Content-Type`.
    pub content_type: &'static str,
}

/// The file at a path as it stands behind `/assets/`: `<digest>/<name>`. `None`: 404, also for the digest of another version.
pub fn asset(path: &str) -> Option<Asset> {
    let (digest, name) = path.split_once('/')?;
    if digest != set_digest() {
        return None;
    }
    Some(Asset {
        bytes: Web::get(name)?.data,
        content_type: content_type(name)?,
    })
}

/// The address of a file without the root of `public_url`: `/assets/<digest>/<name>`.
pub fn href(name: &str) -> String {
    format!("/assets/{}/{name}", set_digest())
}

/// Names of all files, for those who check them.
pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Web::iter()
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit('.').next()? {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// 16 hexadecimal digits over names and contents of all files.
fn set_digest() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let mut names: Vec<_> = Web::iter().collect();
        names.sort();
        let mut hasher = Hasher::new();
        for name in names {
            if let Some(file) = Web::get(&name) {
                hasher.update(name.as_bytes());
                hasher.update(&[0]);
                hasher.update(&file.metadata.sha256_hash());
            }
        }
        hasher.finish().to_string().chars().take(16).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_served_under_its_address_and_no_other() {
        let mut count = 0;
        for name in names() {
            let address = href(&name);
            let path = address.strip_prefix("/assets/").expect("the prefix");
            let asset = asset(path).unwrap_or_else(|| panic!("{name} is served"));
            assert!(!asset.bytes.is_empty());
            count += 1;
        }
        assert!(count >= 10);
        assert!(asset("0000000000000000/sign.css").is_none());
        let set = href("x");
        let set = set
            .strip_prefix("/assets/")
            .expect("the prefix")
            .strip_suffix("/x")
            .expect("x");
        for evil in [
            "../../Cargo.toml",
            "..%2f..%2fCargo.toml",
            "/etc/passwd",
            "",
            "sign",
        ] {
            assert!(asset(&format!("{set}/{evil}")).is_none(), "{evil}");
        }
    }

    #[test]
    fn scripts_ask_for_nothing_outside_and_write_no_markup() {
        for name in names().filter(|n| n.ends_with(".js")) {
            let text =
                String::from_utf8(Web::get(&name).expect("there").data.into_owned()).expect("text");
            for banned in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "http://",
                "https://",
            ] {
                assert!(!text.contains(banned), "{name} has {banned}");
            }
        }
        for name in names().filter(|n| n.ends_with(".css")) {
            let text =
                String::from_utf8(Web::get(&name).expect("there").data.into_owned()).expect("text");
            assert!(!text.contains("url("), "{name} loads something");
        }
    }
}
