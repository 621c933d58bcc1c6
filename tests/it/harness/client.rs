//! A small HTTP client that shows everything: status, headers, body. It follows nothing and keeps cookies only when asked to.

use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header, named in lower case; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    /// Asserts the status and gives the body as JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }

    /// Asserts a failure with this status and `code`, in the one shape that failures have.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        for member in ["error", "type", "title", "detail", "requestId"] {
            assert!(
                body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member} in {body}"
            );
        }
        assert_eq!(body["status"], status);
        body
    }
}

/// Speaks to one server.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
    cookies: Option<RefCell<BTreeMap<String, String>>>,
}

impl Client {
    /// Without key and cookies.
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(std::time::Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            base: base.to_owned(),
            headers: Vec::new(),
            cookies: None,
        }
    }

    /// With an API key.
    pub fn with_key(base: &str, key: &str) -> Self {
        Self::new(base).header("Authorization", &format!("Bearer {key}"))
    }

    /// Like a browser: keeps cookies.
    pub fn browser(base: &str) -> Self {
        Self {
            cookies: Some(RefCell::default()),
            ..Self::new(base)
        }
    }

    /// Sends this header with every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The cookies that the server set.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies
            .as_ref()
            .map(|c| c.borrow().clone())
            .unwrap_or_default()
    }

    /// Sends one request; `path` may also be a whole address of the same server.
    #[track_caller]
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Reply {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.base)
        };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookies) = &self.cookies {
            let line: Vec<String> = cookies
                .borrow()
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            if !line.is_empty() {
                request = request.header("Cookie", line.join("; "));
            }
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).expect("a request")),
            None => {
                let request = request.body(()).expect("a request");
                self.agent.run(request)
            }
        };
        let mut response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(n, v)| {
                (
                    n.as_str().to_owned(),
                    String::from_utf8_lossy(v.as_bytes()).into_owned(),
                )
            })
            .collect();
        if let Some(cookies) = &self.cookies {
            for (_, value) in headers.iter().filter(|(n, _)| n == "set-cookie") {
                let pair = value.split(';').next().unwrap_or("");
                if let Some((name, value)) = pair.split_once('=') {
                    cookies
                        .borrow_mut()
                        .insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let body = response
            .body_mut()
            .with_config()
            .limit(200_000_000)
            .read_to_vec()
            .expect("a body");
        let reply = Reply {
            status: response.status().as_u16(),
            headers,
            body,
        };
        let own = path.strip_prefix(&self.base).unwrap_or(path);
        crate::contract::hold(method, own, &reply);
        assert_ne!(reply.status, 500, "{method} {path}: {}", reply.text());
        reply
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    /// POST of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(
            "POST",
            path,
            &[("Content-Type", "application/json")],
            Some(body.to_string().as_bytes()),
        )
    }

    /// POST without body and Content-Type.
    #[track_caller]
    pub fn post_nothing(&self, path: &str) -> Reply {
        self.send("POST", path, &[("Content-Length", "0")], None)
    }

    /// PATCH of JSON.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(
            "PATCH",
            path,
            &[("Content-Type", "application/json")],
            Some(body.to_string().as_bytes()),
        )
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None)
    }

    /// POST of a form as a browser sends it.
    #[track_caller]
    pub fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut body = String::new();
        for (name, value) in fields {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(&format!("{}={}", percent(name), percent(value)));
        }
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &kind, Some(body.as_bytes()))
    }

    /// POST of one file as multipart/form-data.
    #[track_caller]
    pub fn upload(&self, path: &str, file_name: &str, bytes: &[u8]) -> Reply {
        let boundary = "a-boundary-that-no-test-file-contains";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\nContent-Type: application/pdf\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.send("POST", path, &[("Content-Type", &kind)], Some(&body))
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            b' ' => "+".to_owned(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}
