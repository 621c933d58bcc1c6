//! Signs as a browser without scripts does it: follows the pages' own forms, with their tokens and cookies.

use super::{Step, agent};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A recipient's browser.
pub(super) struct Browser {
    url: String,
    agent: ureq::Agent,
    cookies: RefCell<BTreeMap<String, String>>,
}

struct Page {
    status: u16,
    location: String,
    body: Vec<u8>,
}

impl Page {
    fn html(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Browser {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            agent: agent(),
            cookies: RefCell::default(),
        }
    }

    /// Gate, documents, signature, consent.
    pub(super) fn sign(&self, link: &str, name: &str) -> Step<()> {
        let gate = self.get(link)?.html();
        let opened = self.post_form(
            &format!("{link}/open"),
            &[("nonce", &input(&gate, "nonce")?)],
        )?;
        if opened.status != 303 {
            return Err(format!("the gate answered {}", opened.status));
        }
        let base = opened
            .location
            .rsplit_once('/')
            .map(|(base, _)| base.to_owned())
            .ok_or("the gate leads nowhere")?;
        let review = self.get(&format!("{base}/review"))?.html();
        for picture in addresses(&review, "/pages/") {
            if picture.contains("/pages/1.png") {
                self.get(&picture)?;
            }
        }
        let page = self.get(&format!("{base}/signature"))?.html();
        let initials: String = name
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .collect();
        let style =
            attribute(&page, "name=\"style\"", "value").ok_or("no signature style is offered")?;
        let csrf = input(&page, "csrf")?;
        let fields = [
            ("csrf", csrf.as_str()),
            ("method", "type"),
            ("name", name),
            ("initials", &initials),
            ("style", &style),
        ];
        self.post_parts(&format!("{base}/signature"), &fields)?;
        let check = self.get(&format!("{base}/check"))?.html();
        let (csrf, once, consent) = (
            input(&check, "csrf")?,
            input(&check, "once")?,
            input(&check, "consent")?,
        );
        let signed = self.post_form(
            &format!("{base}/check"),
            &[
                ("csrf", &csrf),
                ("once", &once),
                ("consent", &consent),
                ("agree", "yes"),
            ],
        )?;
        if signed.status != 303 || !signed.location.ends_with("/done") {
            return Err(format!(
                "signing was answered {} {}",
                signed.status, signed.location
            ));
        }
        Ok(())
    }

    fn run(&self, method: &str, address: &str, kind: Option<&str>, body: &[u8]) -> Step<Page> {
        let address = if address.starts_with("http") {
            address.to_owned()
        } else {
            format!("{}{address}", self.url)
        };
        let cookies: Vec<String> = self
            .cookies
            .borrow()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let mut request = ureq::http::Request::builder().method(method).uri(&address);
        if !cookies.is_empty() {
            request = request.header("Cookie", cookies.join("; "));
        }
        let failed = |e: &dyn std::fmt::Display| format!("{method} {address}: {e}");
        let response = match kind {
            Some(kind) => {
                let request = request
                    .header("Content-Type", kind)
                    .body(body)
                    .map_err(|e| failed(&e))?;
                self.agent.run(request)
            }
            None => self.agent.run(request.body(()).map_err(|e| failed(&e))?),
        };
        let mut response = response.map_err(|e| failed(&e))?;
        for value in response.headers().get_all("set-cookie") {
            let pair = value
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies
                    .borrow_mut()
                    .insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status().as_u16();
        let location = response
            .headers()
            .get("location")
            .and_then(|l| l.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .map_err(|e| failed(&e))?;
        if status >= 400 {
            return Err(failed(&format!("answered {status}")));
        }
        Ok(Page {
            status,
            location,
            body,
        })
    }

    fn get(&self, address: &str) -> Step<Page> {
        self.run("GET", address, None, &[])
    }

    fn post_form(&self, address: &str, fields: &[(&str, &str)]) -> Step<Page> {
        let body: Vec<String> = fields
            .iter()
            .map(|(n, v)| format!("{}={}", percent(n), percent(v)))
            .collect();
        self.run(
            "POST",
            address,
            Some("application/x-www-form-urlencoded"),
            body.join("&").as_bytes(),
        )
    }

    fn post_parts(&self, address: &str, fields: &[(&str, &str)]) -> Step<Page> {
        const BOUNDARY: &str = "paraph-demo-form";
        let mut body = String::new();
        for (name, value) in fields {
            body.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!("--{BOUNDARY}--\r\n"));
        self.run(
            "POST",
            address,
            Some(&format!("multipart/form-data; boundary={BOUNDARY}")),
            body.as_bytes(),
        )
    }
}

/// The value of an attribute in the first tag that contains `marker`.
fn attribute(html: &str, marker: &str, name: &str) -> Option<String> {
    let at = html.find(marker)?;
    let start = html.get(..at)?.rfind('<')?;
    let end = at + html.get(at..)?.find('>')?;
    let value = html
        .get(start..end)?
        .split(&format!(" {name}=\""))
        .nth(1)?
        .split('"')
        .next()?;
    Some(
        value
            .replace("&amp;", "&")
            .replace("&#38;", "&")
            .replace("&quot;", "\""),
    )
}

fn input(html: &str, name: &str) -> Step<String> {
    attribute(html, &format!("name=\"{name}\""), "value")
        .ok_or_else(|| format!("the page has no input {name}"))
}

/// Addresses of pictures that contain `part`.
fn addresses(html: &str, part: &str) -> Vec<String> {
    html.split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| address.contains(part))
        .map(|address| address.replace("&amp;", "&").replace("&#38;", "&"))
        .collect()
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            _ => format!("%{b:02X}"),
        })
        .collect()
}
