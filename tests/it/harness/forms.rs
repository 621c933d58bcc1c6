//! Signing as a browser without scripts does it: by following the pages' own forms.

use super::client::{Client, Reply};
use serde_json::Value;

/// A recipient in a browser.
pub struct Visitor {
    browser: Client,
    /// `/signing/rcp_…` once the gate is open.
    pub base: String,
}

/// The value of an attribute in the first tag that contains `marker`.
pub fn attribute(html: &str, marker: &str, name: &str) -> Option<String> {
    let at = html.find(marker)?;
    let start = html[..at].rfind('<')?;
    let end = at + html[at..].find('>')?;
    let tag = &html[start..end];
    let value = tag
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

/// The value of a form's input.
#[track_caller]
pub fn input(html: &str, name: &str) -> String {
    attribute(html, &format!("name=\"{name}\""), "value")
        .unwrap_or_else(|| panic!("no input {name} in {html}"))
}

impl Visitor {
    /// Goes through the gate of a link.
    #[track_caller]
    pub fn enter(url: &str, sign_url: &str) -> Self {
        let browser = Client::browser(url);
        let gate = browser.get(sign_url);
        assert_eq!(gate.status, 200, "{}", gate.text());
        let nonce = input(&gate.text(), "nonce");
        let opened = browser.submit(&format!("{sign_url}/open"), &[("nonce", &nonce)]);
        assert_eq!(opened.status, 303, "{}", opened.text());
        let location = opened.header("location").to_owned();
        let base = location.rsplit_once('/').expect("a step").0.to_owned();
        Self { browser, base }
    }

    /// Enters by the link of the recipient at `index` of an answer to create or send.
    #[track_caller]
    pub fn of(url: &str, envelope: &Value, index: usize) -> Self {
        let link = envelope["recipients"][index]["signUrl"]
            .as_str()
            .expect("a link");
        Self::enter(url, link)
    }

    /// A step's page.
    #[track_caller]
    pub fn page(&self, step: &str) -> Reply {
        self.browser.get(&format!("{}/{step}", self.base))
    }

    /// Posts a form of a step, with its own token.
    #[track_caller]
    pub fn submit(&self, step: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.page(step);
        assert_eq!(page.status, 200, "{}", page.text());
        let csrf = input(&page.text(), "csrf");
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.browser.submit(&format!("{}/{step}", self.base), &all)
    }

    /// Looks at the first page of every document.
    #[track_caller]
    pub fn look(&self, envelope: &Value) {
        for document in envelope["documents"].as_array().expect("documents") {
            let image = self.page(&format!(
                "documents/{}/pages/1.png?w=1000",
                document["id"].as_str().expect("an id")
            ));
            assert_eq!(image.status, 200, "{}", image.text());
            assert!(image.body.starts_with(b"\x89PNG") || image.body.starts_with(&[0xff, 0xd8]));
        }
    }

    /// Adopts a typed signature and initials.
    #[track_caller]
    pub fn adopt(&self, name: &str, initials: &str) -> Reply {
        let html = self.page("signature").text();
        let style = attribute(&html, "name=\"style\"", "value").expect("a style");
        self.adopt_by(&[
            ("method", "type"),
            ("name", name),
            ("initials", initials),
            ("style", &style),
        ])
    }

    /// Adopts a signature drawn by hand.
    #[track_caller]
    pub fn draw(&self, strokes: &Value) -> Reply {
        let drawing = serde_json::json!({"v": 1, "strokes": strokes}).to_string();
        self.adopt_by(&[("method", "draw"), ("strokes", &drawing)])
    }

    fn adopt_by(&self, fields: &[(&str, &str)]) -> Reply {
        let page = self.page("signature");
        assert_eq!(page.status, 200, "{}", page.text());
        let csrf = input(&page.text(), "csrf");
        let boundary = "the-boundary-of-a-form";
        let mut body = String::new();
        for (name, value) in [("csrf", csrf.as_str())].iter().chain(fields) {
            body.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!("--{boundary}--\r\n"));
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.browser.send(
            "POST",
            &format!("{}/signature", self.base),
            &[("Content-Type", &kind)],
            Some(body.as_bytes()),
        )
    }

    /// Agrees and signs.
    #[track_caller]
    pub fn agree(&self) -> Reply {
        let page = self.page("check");
        assert_eq!(page.status, 200, "{}", page.text());
        let html = page.text();
        let (csrf, once, consent) = (
            input(&html, "csrf"),
            input(&html, "once"),
            input(&html, "consent"),
        );
        self.browser.submit(
            &format!("{}/check", self.base),
            &[
                ("csrf", &csrf),
                ("once", &once),
                ("consent", &consent),
                ("agree", "yes"),
            ],
        )
    }

    /// Does all of it.
    #[track_caller]
    pub fn sign(&self, envelope: &Value, name: &str) {
        self.look(envelope);
        let adopted = self.adopt(name, "AB");
        assert_eq!(adopted.status, 303, "{}", adopted.text());
        let signed = self.agree();
        assert_eq!(signed.status, 303, "{}", signed.text());
        assert!(
            signed.header("location").ends_with("/done"),
            "{}",
            signed.header("location")
        );
    }

    /// The browser itself.
    pub fn browser(&self) -> &Client {
        &self.browser
    }
}
