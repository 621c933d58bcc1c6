//! Chromium, driven through chromedriver's own protocol (W3C WebDriver: JSON over HTTP).
//!
//! What a page does wrong is collected where no page can hide it: Chromium's own log, and a script that stands before every
//! page's scripts and keeps what it hears in the tab's storage.

use super::client::Client;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// How long the driver looks for an element before it says that there is none, in milliseconds.
const PATIENCE_MS: u32 = 20_000;
/// How an element is named on the wire (WebDriver, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Keeps what the page's policy or its scripts complain about, from one page to the next.
const LISTENER: &str = r#"(() => {
  const keep = (text) => { try { sessionStorage.setItem('faults', (sessionStorage.getItem('faults') ?? '') + text + '\n'); } catch { /* no page yet */ } };
  addEventListener('securitypolicyviolation', (e) => keep(`policy: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  addEventListener('error', (e) => keep(`error: ${e.message ?? e.target?.src ?? e.target}`), true);
  addEventListener('unhandledrejection', (e) => keep(`rejection: ${e.reason}`));
})();"#;

static STARTED: AtomicU32 = AtomicU32::new(0);

/// Which window.
#[derive(Clone, Copy)]
pub enum Window {
    /// 1280 by 800, a mouse.
    Desktop,
    /// 390 by 844 with two pixels to one, fingers.
    Phone,
}

/// A browser with one tab and a profile of its own; gone when dropped.
pub struct Browser {
    driver: Client,
    path: String,
    process: Child,
    profile: PathBuf,
    scripts: bool,
    touch: bool,
    shots: Option<PathBuf>,
    name: String,
    shot: AtomicU32,
}

/// An element of the page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

impl Browser {
    /// Starts one. `None`, and a loud word, where there is no Chromium; with `PARAPH_REQUIRE_TOOLS=1` that fails the test.
    pub fn open(name: &str, window: Window, scripts: bool) -> Option<Self> {
        let (Some(driver), Some(chromium)) = (tool("chromedriver"), tool("chromium")) else {
            assert!(
                std::env::var("PARAPH_REQUIRE_TOOLS").as_deref() != Ok("1"),
                "chromium or chromedriver is missing, and PARAPH_REQUIRE_TOOLS=1"
            );
            eprintln!("SKIP {name}: no chromium and chromedriver here, nothing was proved");
            return None;
        };
        let mut process = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let port = BufReader::new(process.stdout.take().expect("its output"))
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("chromedriver says its port");
        let driver = Client::new(&format!("http://127.0.0.1:{port}"));
        let profile = std::env::temp_dir().join(format!(
            "paraph-chromium-{}-{}",
            std::process::id(),
            STARTED.fetch_add(1, Ordering::SeqCst)
        ));
        // The driver scrolls to what it presses and doesn't wait for a smooth scroll to end: as for people who asked for less motion.
        let mut options = json!({
            "binary": chromium,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-prefers-reduced-motion",
                "--window-size=1280,800", format!("--user-data-dir={}", profile.display()),
            ],
            "prefs": {"profile.default_content_setting_values.javascript": if scripts { 1 } else { 2 }},
        });
        if matches!(window, Window::Phone) {
            options["mobileEmulation"] = json!({"deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2.0, "touch": true}});
        }
        let asked = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": PATIENCE_MS},
        }}});
        let session = driver.post("/session", &asked).expect(200);
        let session = session["value"]["sessionId"].as_str().expect("a session");
        let browser = Self {
            path: format!("/session/{session}"),
            driver,
            process,
            profile,
            scripts,
            touch: matches!(window, Window::Phone),
            shots: std::env::var_os("PARAPH_SHOTS_DIR").map(PathBuf::from),
            name: name.to_owned(),
            shot: AtomicU32::new(1),
        };
        browser.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": LISTENER}),
        );
        if matches!(window, Window::Desktop) {
            browser.resize(1280, 800, 1);
        }
        Some(browser)
    }

    #[track_caller]
    fn call(&self, method: &str, command: &str, body: &Value) -> Value {
        let path = format!("{}/{command}", self.path);
        let reply = match method {
            "GET" => self.driver.get(&path),
            _ => self.driver.post(&path, body),
        };
        if reply.status != 200 {
            self.shot("failed");
            let at = self.driver.get(&format!("{}/url", self.path)).text();
            panic!("{command} {body}: {} at {at}", reply.text());
        }
        reply.json()["value"].clone()
    }

    fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.call("POST", "goog/cdp/execute", &body)
    }

    /// The window's inside, as when a phone is turned.
    pub fn resize(&self, width: u32, height: u32, pixels: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": pixels, "mobile": pixels > 1});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        // The command ends before the page has its new size: what is measured in between is the old one.
        if self.scripts {
            let script = "const [width, height, done] = arguments;\
                const look = () => innerWidth === width && innerHeight === height ? requestAnimationFrame(() => done(true)) : setTimeout(look, 5);\
                look();";
            self.call(
                "POST",
                "execute/async",
                &json!({"script": script, "args": [width, height]}),
            );
        }
    }

    /// Goes to an address.
    #[track_caller]
    pub fn go(&self, url: &str) {
        self.call("POST", "url", &json!({"url": url}));
    }

    /// The address.
    #[track_caller]
    pub fn url(&self) -> String {
        self.call("GET", "url", &Value::Null)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The first element that fits, as soon as there is one.
    #[track_caller]
    pub fn find(&self, css: &str) -> Element<'_> {
        let body = json!({"using": "css selector", "value": css});
        let found = self.call("POST", "element", &body);
        Element {
            browser: self,
            id: found[ELEMENT].as_str().expect("an element").to_owned(),
        }
    }

    /// Presses the first element that fits.
    ///
    /// The driver makes a tap of a mouse's press, and right after the window was turned such a tap sometimes reaches no page at all:
    /// what did not arrive is pressed again. What arrived is the page's to answer.
    #[track_caller]
    pub fn press(&self, css: &str) {
        if !(self.touch && self.scripts) {
            self.find(css).press();
            return;
        }
        // In a page that came by the press there is no such name any more.
        let arrived = "const [done] = arguments; let left = 60;\
            const look = () => window.pressArrived !== false || left-- === 0 ? done(window.pressArrived !== false) : setTimeout(look, 16);\
            look();";
        for _ in 0..3 {
            let element = self.find(css);
            self.run(
                "window.pressArrived = false;\
                 addEventListener('click', () => { window.pressArrived = true; }, {capture: true, once: true});",
            );
            element.press();
            let body = json!({"script": arrived, "args": []});
            if self.call("POST", "execute/async", &body) == json!(true) {
                return;
            }
            eprintln!("the press of {css} did not reach the page");
        }
        panic!("no press of {css} reaches the page");
    }

    /// The visible text of the first element that fits.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        self.find(css).text()
    }

    /// Runs a script of the test in the page.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.call(
            "POST",
            "execute/sync",
            &json!({"script": script, "args": []}),
        )
    }

    /// Draws lines in an element by pointer actions of a finger or a mouse: points in thousandths of its size.
    #[track_caller]
    pub fn draw(&self, css: &str, pointer: &str, lines: &[&[(u32, u32)]]) {
        let element = self.find(css);
        // Pointer actions do not scroll, and land on whatever lies at their place.
        let seen = self.run(&format!(
            "const it = document.querySelector({}); it.scrollIntoView({{block: 'center', behavior: 'instant'}}); const b = it.getBoundingClientRect();\
             return [b.width, b.height, document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2) === it];",
            json!(css)
        ));
        assert_eq!(seen[2], true, "{css} cannot be drawn on: {seen}");
        let (width, height) = (
            seen[0].as_f64().expect("a width"),
            seen[1].as_f64().expect("a height"),
        );
        let mut actions = Vec::new();
        for line in lines {
            for (at, (x, y)) in line.iter().enumerate() {
                // From the element's centre, in whole pixels (WebDriver, section 15.6.3).
                let x = ((f64::from(*x) / 1000.0 - 0.5) * width).round() as i64;
                let y = ((f64::from(*y) / 1000.0 - 0.5) * height).round() as i64;
                actions.push(json!({"type": "pointerMove", "duration": if at == 0 { 0 } else { 20 }, "x": x, "y": y, "origin": {ELEMENT: element.id}}));
                if at == 0 {
                    actions.push(json!({"type": "pointerDown", "button": 0}));
                }
            }
            actions.push(json!({"type": "pointerUp", "button": 0}));
        }
        let body = json!({"actions": [{"type": "pointer", "id": "hand", "parameters": {"pointerType": pointer}, "actions": actions}]});
        self.call("POST", "actions", &body);
    }

    /// Presses keys on whatever has the focus.
    #[track_caller]
    pub fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        self.call(
            "POST",
            "actions",
            &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}),
        );
    }

    /// Keeps a picture of the window in `PARAPH_SHOTS_DIR`, where that is set.
    pub fn shot(&self, what: &str) {
        let Some(folder) = &self.shots else {
            return;
        };
        let reply = self.driver.get(&format!("{}/screenshot", self.path));
        let picture = reply.json()["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let Ok(bytes) = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, picture)
        else {
            return;
        };
        let number = self.shot.fetch_add(1, Ordering::SeqCst);
        let name = format!("{}-{number:02}-{what}.png", self.name);
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join(name), bytes).expect("a file");
    }

    /// What went wrong in this tab so far: breaches of the policy, errors of scripts, files that did not come.
    #[track_caller]
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self
            .call("POST", "se/log", &json!({"type": "browser"}))
            .as_array()
            .expect("a log")
            .iter()
            .map(|entry| {
                format!(
                    "{} {}: {}",
                    entry["level"], entry["source"], entry["message"]
                )
            })
            .collect();
        if self.scripts {
            let kept = self.run("return sessionStorage.getItem('faults') ?? '';");
            faults.extend(kept.as_str().unwrap_or_default().lines().map(str::to_owned));
        }
        faults
    }

    /// Fails if anything went wrong but for statuses of pages that the test asked for.
    #[track_caller]
    pub fn expect_no_faults(&self, but: &[&str]) {
        let faults: Vec<String> = self
            .faults()
            .into_iter()
            .filter(|fault| !but.iter().any(|known| fault.contains(known)))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

impl Element<'_> {
    #[track_caller]
    fn call(&self, method: &str, command: &str, body: &Value) -> Value {
        self.browser
            .call(method, &format!("element/{}/{command}", self.id), body)
    }

    /// Presses it, as a person would: it must be in sight and on top.
    #[track_caller]
    pub fn press(&self) {
        self.call("POST", "click", &json!({}));
    }

    /// Types into it.
    #[track_caller]
    pub fn write(&self, text: &str) {
        self.call("POST", "value", &json!({"text": text}));
    }

    /// Empties it.
    #[track_caller]
    pub fn clear(&self) {
        self.call("POST", "clear", &json!({}));
    }

    /// Its visible text.
    #[track_caller]
    pub fn text(&self) -> String {
        self.call("GET", "text", &Value::Null)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether it can be seen.
    #[track_caller]
    pub fn is_shown(&self) -> bool {
        self.call("GET", "displayed", &Value::Null) == json!(true)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium with all its processes; then the driver, which is our own child.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.driver.delete(&self.path)
        }));
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
