//! A forgotten password.

use super::{
    EMAIL, PASSWORD, administrator, cookies, is_open, log_in, minutes, setup_token, shows,
};
use crate::harness::TestApp;
use crate::harness::client::{Client, Reply};
use crate::harness::forms::input;
use paraph::domain::origin::Origin;

const OTHER: &str = "nine horses sleep quietly";

/// The token of a fresh reset link of the only administrator.
fn reset_token(app: &TestApp) -> String {
    let admin = app.app().admins().unwrap().remove(0);
    let link = app.app().reset_link(admin.id, &Origin::operator()).unwrap();
    let (url, token) = link.split_once("/admin/reset?t=").expect("the token");
    assert_eq!(url, app.url);
    token.to_owned()
}

fn reset(browser: &Client, token: &str, password: &str, again: &str) -> Reply {
    let fields = [("t", token), ("password", password), ("again", again)];
    browser.submit("/admin/reset", &fields)
}

#[test]
fn a_reset_link_sets_another_password_once_and_ends_every_session() {
    let app = TestApp::start();
    let before = administrator(&app);
    let held = cookies(&before);
    let browser = Client::browser(&app.url);
    let login = shows(&browser, "/admin/login");
    assert!(
        login.contains("Forgotten?") && login.contains("paraph admin reset-password"),
        "{login}"
    );

    let token = reset_token(&app);
    let page = shows(&browser, &format!("/admin/reset?t={token}"));
    assert_eq!(input(&page, "t"), token);
    assert!(page.contains(EMAIL));
    assert!(
        is_open(&app, &held),
        "until the link is used nothing changes"
    );

    let entered = reset(&browser, &token, OTHER, OTHER);
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, "/admin/envelopes"),
        "{}",
        entered.text()
    );
    assert!(is_open(&app, &cookies(&browser)));
    assert!(!is_open(&app, &held), "the sessions from before");

    let gone = reset(&Client::browser(&app.url), &token, PASSWORD, PASSWORD);
    assert_eq!(gone.status, 410);
    assert!(gone.text().contains("paraph admin reset-password"));
    let stranger = Client::browser(&app.url);
    assert_eq!(log_in(&stranger, EMAIL, PASSWORD).status, 422);
    assert_eq!(log_in(&stranger, EMAIL, OTHER).status, 303);
}

#[test]
fn a_reset_link_is_good_for_half_an_hour_and_the_newest_only() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    let first = reset_token(&app);
    let second = reset_token(&app);
    assert_eq!(reset(&browser, &first, OTHER, OTHER).status, 410);
    app.advance(minutes(29));
    shows(&browser, &format!("/admin/reset?t={second}"));
    app.advance(minutes(1));
    assert_eq!(reset(&browser, &second, OTHER, OTHER).status, 410);
    assert_eq!(log_in(&browser, EMAIL, PASSWORD).status, 303);
}

#[test]
fn setup_and_reset_links_open_only_their_own_page() {
    let app = TestApp::start();
    let setup = setup_token(&app);
    let browser = Client::browser(&app.url);
    assert_eq!(browser.get(&format!("/admin/reset?t={setup}")).status, 410);
    assert_eq!(reset(&browser, &setup, OTHER, OTHER).status, 410);
    administrator(&app);
    let token = reset_token(&app);
    assert_eq!(browser.get(&format!("/admin/setup?t={token}")).status, 410);
    assert_eq!(super::set_up(&browser, &token, OTHER).status, 410);
    assert_eq!(reset(&browser, &token, OTHER, OTHER).status, 303);
}

#[test]
fn a_weak_new_password_is_refused_with_its_reason_and_the_link_stays_good() {
    let app = TestApp::start();
    administrator(&app);
    let token = reset_token(&app);
    let browser = Client::browser(&app.url);
    let long = "x".repeat(129);
    let cases = [
        ("short", "short", "at least 12 characters"),
        (&long, &long, "128"),
        ("Password1234", "Password1234", "easy to guess"),
        (EMAIL, EMAIL, "easy to guess"),
        (OTHER, PASSWORD, "href=\"#i-again\""),
    ];
    for (password, again, reason) in cases {
        let answer = reset(&browser, &token, password, again);
        assert_eq!(answer.status, 422, "{password}");
        assert!(answer.text().contains(reason), "{}", answer.text());
        assert!(!answer.text().contains(OTHER));
    }
    assert_eq!(reset(&browser, &token, OTHER, OTHER).status, 303);
}

#[test]
fn who_guesses_reset_links_is_soon_told_to_wait() {
    let app = TestApp::start();
    administrator(&app);
    let browser = Client::browser(&app.url);
    let guess = "A".repeat(43);
    for _ in 0..20 {
        assert_eq!(browser.get(&format!("/admin/reset?t={guess}")).status, 410);
    }
    assert_eq!(reset(&browser, &guess, OTHER, OTHER).status, 429);
}
