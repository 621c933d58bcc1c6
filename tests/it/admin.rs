//! The administrators' pages, as a browser without scripts uses them: here the ways in and out.

mod alarms;
mod reset;
mod seals;
mod work;

use crate::harness::client::{Client, Reply};
use crate::harness::forms::input;
use crate::harness::{Options, TestApp};
use paraph::domain::environment::Environment;
use paraph::domain::network::Network;
use paraph::domain::scope::Scopes;
use std::time::Duration;

const EMAIL: &str = "ada@acme.example";
const PASSWORD: &str = "seven horses eat quietly";

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// The token of a fresh setup link.
fn setup_token(app: &TestApp) -> String {
    let link = app.app().setup_link().unwrap().expect("a link");
    let (_, token) = link.split_once("/admin/setup?t=").expect("the token");
    token.to_owned()
}

fn set_up(browser: &Client, token: &str, password: &str) -> Reply {
    let fields = [
        ("t", token),
        ("name", "Ada Lovelace"),
        ("email", EMAIL),
        ("password", password),
        ("again", password),
    ];
    browser.submit("/admin/setup", &fields)
}

/// The first administrator, logged in.
fn administrator(app: &TestApp) -> Client {
    let browser = Client::browser(&app.url);
    let entered = set_up(&browser, &setup_token(app), PASSWORD);
    assert_eq!(entered.status, 303, "{}", entered.text());
    browser
}

fn log_in(browser: &Client, email: &str, password: &str) -> Reply {
    let page = browser.get("/admin/login");
    let csrf = input(&page.text(), "csrf");
    let fields = [
        ("csrf", csrf.as_str()),
        ("email", email),
        ("password", password),
    ];
    browser.submit("/admin/login", &fields)
}

fn shows(browser: &Client, path: &str) -> String {
    let page = browser.get(path);
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    page.text()
}

fn csrf(browser: &Client) -> String {
    input(&shows(browser, "/admin/keys"), "csrf")
}

/// Posts a form of a page with the session's token.
fn act(browser: &Client, path: &str, fields: &[(&str, &str)]) -> Reply {
    let csrf = csrf(browser);
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend_from_slice(fields);
    browser.submit(path, &all)
}

fn show_test_data(browser: &Client) {
    assert_eq!(
        act(browser, "/admin/environment", &[("environment", "test")]).status,
        303
    );
}

/// Whether these cookies open the pages.
fn is_open(app: &TestApp, cookies: &str) -> bool {
    let page = Client::new(&app.url).send("GET", "/admin/keys", &[("Cookie", cookies)], None);
    page.status == 200
}

fn cookies(browser: &Client) -> String {
    let pairs: Vec<_> = browser
        .cookies()
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    pairs.join("; ")
}

#[test]
fn a_setup_link_makes_one_administrator_and_then_nothing() {
    let app = TestApp::start();
    let first = setup_token(&app);
    let token = setup_token(&app);
    let browser = Client::browser(&app.url);
    assert_eq!(
        browser.get(&format!("/admin/setup?t={first}")).status,
        410,
        "a newer one replaced it"
    );
    let page = shows(&browser, &format!("/admin/setup?t={token}"));
    assert_eq!(input(&page, "t"), token);

    let entered = set_up(&browser, &token, PASSWORD);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, "/admin/keys"),
        "{}",
        entered.text()
    );
    assert!(shows(&browser, "/admin/keys").contains(EMAIL));

    let other = Client::browser(&app.url);
    assert_eq!(other.get(&format!("/admin/setup?t={token}")).status, 410);
    assert_eq!(set_up(&other, &token, PASSWORD).status, 410);
    assert!(other.cookies().is_empty());
    assert_eq!(
        app.app().setup_link().unwrap(),
        None,
        "there is an administrator"
    );
}

#[test]
fn a_setup_link_is_good_for_half_an_hour() {
    let app = TestApp::start();
    let token = setup_token(&app);
    let browser = Client::browser(&app.url);
    app.advance(minutes(29));
    shows(&browser, &format!("/admin/setup?t={token}"));
    app.advance(minutes(1));
    assert_eq!(set_up(&browser, &token, PASSWORD).status, 410);
}

#[test]
fn who_guesses_setup_links_is_soon_told_to_wait() {
    let app = TestApp::start();
    let browser = Client::browser(&app.url);
    let guess = "A".repeat(43);
    for _ in 0..20 {
        assert_eq!(browser.get(&format!("/admin/setup?t={guess}")).status, 410);
    }
    assert_eq!(browser.get(&format!("/admin/setup?t={guess}")).status, 429);
}

#[test]
fn a_weak_password_is_refused_with_its_reason_and_the_link_stays_good() {
    let app = TestApp::start();
    let token = setup_token(&app);
    let browser = Client::browser(&app.url);
    let cases = [
        ("short", "at least 12 characters"),
        (&"x".repeat(129), "128"),
        ("Password1234", "easy to guess"),
        ("ada lovelace", "easy to guess"),
        ("Acme Corporation", "easy to guess"),
    ];
    for (password, reason) in cases {
        let answer = set_up(&browser, &token, password);
        assert_eq!(answer.status, 422, "{password}");
        let html = answer.text();
        assert!(html.contains(reason), "{password}: {html}");
        assert!(html.contains(EMAIL), "what was typed is kept");
        assert!(
            !html.contains(&format!("value=\"{password}\"")),
            "but not the password"
        );
    }
    let fields = [
        ("t", token.as_str()),
        ("name", "Ada"),
        ("email", "nobody"),
        ("password", PASSWORD),
        ("again", "another sentence"),
    ];
    let answer = browser.submit("/admin/setup", &fields);
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.text().matches("<li><a href=\"#i-").count(),
        2,
        "{}",
        answer.text()
    );
    assert_eq!(set_up(&browser, &token, PASSWORD).status, 303);
}

#[test]
fn an_administrator_logs_in_and_out_and_the_old_cookie_opens_nothing() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    let turned = browser.get("/admin/outbox?page=2");
    assert_eq!(turned.status, 303);
    assert_eq!(
        turned.header("location"),
        "/admin/login?next=/admin/outbox%3Fpage%3D2"
    );
    let page = shows(&browser, turned.header("location"));
    assert_eq!(input(&page, "next"), "/admin/outbox?page=2");

    let csrf = input(&page, "csrf");
    let fields = [
        ("csrf", csrf.as_str()),
        ("email", "ADA@acme.example"),
        ("password", PASSWORD),
        ("next", "/admin/outbox?page=2"),
    ];
    let entered = browser.submit("/admin/login", &fields);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, "/admin/outbox?page=2")
    );
    let cookie = entered.header("set-cookie");
    for part in [
        "paraph_admin=",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(
        !cookie.contains("Max-Age") && !cookie.contains("Expires"),
        "gone with the browser"
    );
    assert_eq!(browser.get("/admin").header("location"), "/admin/envelopes");
    assert_eq!(
        browser.get("/admin/login").header("location"),
        "/admin/envelopes"
    );

    let held = cookies(&browser);
    assert!(is_open(&app, &held));
    let left = act(&browser, "/admin/logout", &[]);
    assert_eq!(
        (left.status, left.header("location")),
        (303, "/admin/login?notice=out")
    );
    // Cookies of the company's other sites are none of ours.
    assert_eq!(left.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(left.header("set-cookie").contains("Max-Age=0"));
    assert!(!is_open(&app, &held), "the session itself has ended");
    assert!(
        shows(&Client::browser(&app.url), left.header("location")).contains("You are logged out.")
    );
}

#[test]
fn logging_in_leads_to_no_other_host() {
    let app = TestApp::start();
    administrator(&app);
    for next in [
        "https://evil.example/",
        "//evil.example/admin/",
        "/admin//evil.example",
        "/sign/x",
    ] {
        let browser = Client::browser(&app.url);
        let csrf = input(&browser.get("/admin/login").text(), "csrf");
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", EMAIL),
            ("password", PASSWORD),
            ("next", next),
        ];
        let entered = browser.submit("/admin/login", &fields);
        assert_eq!(
            (entered.status, entered.header("location")),
            (303, "/admin/envelopes"),
            "{next}"
        );
    }
}

#[test]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    let wrong = log_in(&browser, EMAIL, "eight horses eat quietly");
    let unknown = log_in(&browser, "eve@acme.example", "eight horses eat quietly");
    assert_eq!((wrong.status, unknown.status), (422, 422));
    assert_eq!(
        wrong.text(),
        unknown.text().replace("eve@acme.example", EMAIL)
    );
    assert!(
        wrong
            .text()
            .contains("E-mail address or password is wrong.")
    );
    let none = log_in(&browser, "no address", "");
    assert_eq!(none.status, 422);
    assert!(browser.cookies().is_empty());
}

#[test]
fn the_sixth_try_within_a_minute_waits_though_its_password_is_right() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    for _ in 0..5 {
        assert_eq!(log_in(&browser, "eve@acme.example", PASSWORD).status, 422);
    }
    let sixth = log_in(&browser, EMAIL, PASSWORD);
    assert_eq!(sixth.status, 429);
    assert!(sixth.text().contains("Too many tries."), "{}", sixth.text());
    let wait: u64 = sixth.header("retry-after").parse().expect("seconds");
    assert!((1..=12).contains(&wait), "{wait}");
    app.advance(Duration::from_secs(wait));
    assert_eq!(log_in(&browser, EMAIL, PASSWORD).status, 303);
}

#[test]
fn after_many_failures_an_account_waits_and_nobody_is_told_that_it_exists() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    for _ in 0..8 {
        app.advance(Duration::from_secs(15));
        assert_eq!(
            log_in(&browser, EMAIL, "eight horses eat quietly").status,
            422
        );
    }
    app.advance(Duration::from_secs(12));
    let early = log_in(&browser, EMAIL, PASSWORD);
    assert_eq!(early.status, 422);
    let unknown = log_in(&browser, "eve@acme.example", PASSWORD);
    assert_eq!(
        early.text(),
        unknown.text().replace("eve@acme.example", EMAIL)
    );
    app.advance(Duration::from_secs(12));
    assert_eq!(
        log_in(&browser, EMAIL, PASSWORD).status,
        303,
        "a refused try does not lengthen the wait"
    );
}

#[test]
fn guesses_from_everywhere_are_slowed_and_lock_out_nobody_who_was_there_before() {
    let app = TestApp::with(Options {
        trusted_proxies: vec![Network::v4(127, 0, 0, 1, 32)],
        ..Options::default()
    });
    let at = |address: &str| Client::browser(&app.url).header("X-Forwarded-For", address);
    let home = at("2001:db8:1:2::7");
    assert_eq!(set_up(&home, &setup_token(&app), PASSWORD).status, 303);
    // A stranger at each of many addresses, one every ten seconds for hours.
    for n in 0..60 {
        app.advance(Duration::from_secs(10));
        let guess = log_in(&at(&format!("192.0.2.{n}")), EMAIL, "eight horses eat");
        assert_eq!(guess.status, 422);
    }
    let elsewhere = at("198.51.100.7");
    assert_eq!(
        log_in(&elsewhere, EMAIL, PASSWORD).status,
        422,
        "somewhere new has to wait with the strangers"
    );
    // Without cookies each time: the place is known, not the browser.
    let neighbour = || at("2001:db8:1:2:ffff::9");
    assert_eq!(log_in(&neighbour(), EMAIL, PASSWORD).status, 303);
    // A place that is known is not free to guess at either.
    for _ in 0..8 {
        app.advance(Duration::from_secs(15));
        assert_eq!(log_in(&neighbour(), EMAIL, "eight horses eat").status, 422);
    }
    app.advance(Duration::from_secs(13));
    assert_eq!(log_in(&neighbour(), EMAIL, PASSWORD).status, 422);
    app.advance(Duration::from_secs(48));
    assert_eq!(log_in(&neighbour(), EMAIL, PASSWORD).status, 303);
}

#[test]
fn logging_in_ends_the_session_that_this_browser_had() {
    let app = TestApp::start();
    let browser = administrator(&app);
    let before = cookies(&browser);
    let other = Client::browser(&app.url);
    assert_eq!(log_in(&other, EMAIL, PASSWORD).status, 303);
    let csrf = input(
        &Client::browser(&app.url).get("/admin/login").text(),
        "csrf",
    );
    let fields = [
        ("csrf", csrf.as_str()),
        ("email", EMAIL),
        ("password", PASSWORD),
    ];
    assert_eq!(browser.submit("/admin/login", &fields).status, 303);
    assert!(is_open(&app, &cookies(&browser)));
    assert!(!is_open(&app, &before), "the earlier one");
    assert!(is_open(&app, &cookies(&other)), "another browser's stays");
}

#[test]
fn a_session_ends_when_idle_and_after_its_day() {
    let app = TestApp::start();
    let browser = administrator(&app);
    for _ in 0..3 {
        app.advance(minutes(14));
        shows(&browser, "/admin/keys");
    }
    app.advance(minutes(15));
    let turned = browser.get("/admin/keys");
    assert_eq!(turned.status, 303);
    assert_eq!(
        turned.header("location"),
        "/admin/login?next=/admin/keys&notice=ended"
    );
    assert!(shows(&browser, turned.header("location")).contains("Please log in again to go on."));

    assert_eq!(log_in(&browser, EMAIL, PASSWORD).status, 303);
    for _ in 0..47 {
        app.advance(minutes(10));
        shows(&browser, "/admin/keys");
    }
    app.advance(minutes(10));
    assert_eq!(
        browser.get("/admin/keys").status,
        303,
        "eight hours are over"
    );
}

#[test]
fn a_form_is_refused_without_its_own_token_or_from_another_site() {
    let app = TestApp::start();
    let browser = administrator(&app);
    let own = csrf(&browser);
    let second = Client::browser(&app.url);
    assert_eq!(log_in(&second, EMAIL, PASSWORD).status, 303);
    let foreign = csrf(&second);
    assert_ne!(own, foreign);
    let held = cookies(&browser);
    let key = app.client(Environment::Live, Scopes::usual());
    let key_id = {
        let (keys, _) = app.app().keys_of(Environment::Live, 1, 10).unwrap();
        keys.first().expect("a key").id.to_string()
    };

    let paths = [
        "/admin/logout".to_owned(),
        "/admin/environment".to_owned(),
        "/admin/keys".to_owned(),
        format!("/admin/keys/{key_id}/revoke"),
        "/admin/jobs/retry".to_owned(),
    ];
    let rest = "environment=live&name=of+a+test&scope=envelopes:read&queue=mail&id=x";
    for path in &paths {
        let post = |csrf: &str, name: &str, value: &str| {
            let body = format!("csrf={csrf}&{rest}");
            let headers = [
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Cookie", held.as_str()),
                (name, value),
            ];
            Client::new(&app.url)
                .send("POST", path, &headers, Some(body.as_bytes()))
                .status
        };
        for wrong in ["", "x", foreign.as_str()] {
            assert_eq!(post(wrong, "Origin", &app.url), 403, "{path} {wrong}");
        }
        assert_eq!(post(&own, "Origin", "https://evil.example"), 403, "{path}");
        assert_eq!(post(&own, "Origin", "null"), 403, "{path}");
        assert_eq!(post(&own, "Sec-Fetch-Site", "cross-site"), 403, "{path}");
        assert_eq!(post(&own, "Sec-Fetch-Site", "same-site"), 403, "{path}");
    }
    assert!(is_open(&app, &held));
    key.get("/api/v1/envelopes").expect(200);
    let (keys, total) = app.app().keys_of(Environment::Live, 1, 10).unwrap();
    assert_eq!((keys.len(), total), (1, 1), "no key was made");
    assert_eq!(
        keys.first().and_then(|key| key.revoked_at),
        None,
        "none was revoked"
    );

    for path in ["/admin/login", "/admin/setup", "/admin/reset"] {
        let fields = [("csrf", "x"), ("email", EMAIL), ("password", PASSWORD)];
        let refused = Client::browser(&app.url)
            .header("Origin", "https://evil.example")
            .submit(path, &fields);
        assert_eq!(refused.status, 403, "{path}");
    }
    let fields = [("csrf", "x"), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(
        Client::browser(&app.url)
            .submit("/admin/login", &fields)
            .status,
        403
    );
    let stale = input(
        &Client::browser(&app.url).get("/admin/login").text(),
        "csrf",
    );
    app.advance(minutes(121));
    let fields = [
        ("csrf", stale.as_str()),
        ("email", EMAIL),
        ("password", PASSWORD),
    ];
    assert_eq!(
        Client::browser(&app.url)
            .submit("/admin/login", &fields)
            .status,
        403
    );
}

#[test]
fn every_page_forbids_what_no_page_needs() {
    let app = TestApp::start();
    let browser = administrator(&app);
    let stranger = Client::browser(&app.url);
    let pages = [
        browser.get("/admin/keys"),
        browser.get("/admin/outbox"),
        browser.get("/admin/jobs"),
        browser.get("/admin/envelopes"),
        browser.get("/admin/nowhere"),
        browser.get("/admin/keys/key_1/revoke"),
        stranger.get("/admin/login"),
        stranger.get("/admin/setup?t=x"),
        stranger.get("/admin/reset?t=x"),
    ];
    for page in &pages {
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("trusted-types 'none'"),
            "{policy}"
        );
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.header("content-type").starts_with("text/html"));
    }
    assert_eq!(
        pages.map(|page| page.status),
        [200, 200, 200, 200, 404, 404, 200, 410, 410]
    );
    assert_eq!(browser.send("DELETE", "/admin/keys", &[], None).status, 405);
}

#[test]
fn who_is_outside_of_allow_from_finds_no_admin_pages() {
    let app = TestApp::with(Options {
        trusted_proxies: vec![Network::v4(127, 0, 0, 1, 32)],
        admin_allow_from: vec![Network::v4(10, 0, 0, 0, 8)],
        ..Options::default()
    });
    let outside = Client::browser(&app.url).header("X-Forwarded-For", "10.1.4.7, 192.0.2.7");
    let inside = Client::browser(&app.url).header("X-Forwarded-For", "10.1.4.7");
    for path in [
        "/admin",
        "/admin/login",
        "/admin/setup?t=x",
        "/admin/keys",
        "/admin/nowhere",
    ] {
        outside.get(path).expect_error(404, "NOT FOUND");
        Client::browser(&app.url)
            .get(path)
            .expect_error(404, "NOT FOUND");
    }
    assert_eq!(log_in(&inside, EMAIL, PASSWORD).status, 422);
    let fields = [("csrf", "x"), ("email", EMAIL), ("password", PASSWORD)];
    outside
        .submit("/admin/login", &fields)
        .expect_error(404, "NOT FOUND");
    app.api.get("/api/v1/envelopes").expect(200);
}

#[test]
fn a_caller_whom_the_proxy_cannot_name_is_outside_of_allow_from() {
    let app = TestApp::with(Options {
        trusted_proxies: vec![Network::v4(127, 0, 0, 1, 32)],
        admin_allow_from: vec![Network::v4(10, 0, 0, 0, 8), Network::v4(127, 0, 0, 0, 8)],
        ..Options::default()
    });
    let eleven = ["10.0.0.1"; 11].join(", ");
    for list in [
        "x, 192.0.2.7",
        &format!("{eleven}, 192.0.2.7"),
        "10.0.0.1, x",
        "unknown",
    ] {
        Client::browser(&app.url)
            .header("X-Forwarded-For", list)
            .get("/admin/login")
            .expect_error(404, "NOT FOUND");
    }
    let inside = Client::browser(&app.url).header("X-Forwarded-For", "x, 10.1.4.7");
    assert_eq!(inside.get("/admin/login").status, 200);
}
