//! Real people's windows: Chromium signs, at a desk and on a phone, with scripts and without.

use crate::harness::TestApp;
use crate::harness::chromium::{Browser, Window};
use serde_json::{Value, json};

/// One signer with a field of every kind.
fn sent(app: &TestApp) -> Value {
    let recipients = json!([{"email": "marie@example.com", "name": "Marie Dubois"}]);
    let field = |kind: &str,
                 page: u32,
                 x: u32,
                 y: u32,
                 width: u32,
                 height: u32,
                 label: Option<&str>| {
        let mut field = json!({"recipientIndex": 0, "fieldType": kind, "pageNumber": page, "x": x, "y": y, "width": width, "height": height, "required": true});
        if let Some(label) = label {
            field["label"] = json!(label);
        }
        field
    };
    let fields = json!([
        field("TEXT", 1, 72, 560, 200, 22, Some("City")),
        field("CHECKBOX", 1, 72, 600, 16, 16, Some("I have read Annex A")),
        field("INITIALS", 2, 480, 760, 60, 40, None),
        field("SIGNATURE", 3, 72, 420, 200, 56, None),
        field("DATE_SIGNED", 3, 323, 440, 120, 20, None),
    ]);
    let more = json!({"fields": fields, "message": "Welcome aboard! Please sign by Friday."});
    app.send(&app.draft(&recipients, more))
}

fn link(envelope: &Value) -> &str {
    envelope["recipients"][0]["signUrl"]
        .as_str()
        .expect("a link")
}

/// A letter M and a wave, as a hand draws them.
const SCRAWL: [&[(u32, u32)]; 2] = [
    &[(150, 700), (200, 300), (260, 600), (330, 280), (380, 700)],
    &[
        (430, 600),
        (500, 450),
        (560, 620),
        (640, 430),
        (700, 600),
        (800, 480),
    ],
];

#[test]
fn marie_signs_at_a_desk_with_a_typed_signature() {
    let Some(browser) = Browser::open("desk", Window::Desktop, true) else {
        return;
    };
    let app = TestApp::start();
    let envelope = sent(&app);
    browser.go(link(&envelope));
    browser.shot("gate");
    assert_eq!(browser.text("h1"), "Service agreement");
    browser.press("button.primary");

    browser.find(".guided .marker");
    browser.find(".paper img[src]");
    browser.shot("review");
    assert_eq!(browser.text("#progress"), "0 of 4 done");
    browser.press("#next");
    browser.find(".control.text.current input").write("Lyon");
    browser.press("#next");
    browser.press(".control.checkbox.current input[type=checkbox]");
    browser.shot("filled");
    browser.press("#next");
    browser.press(".control.initials.current button.make");
    browser.find("dialog[open] .style img");
    browser.shot("maker");
    let name = browser.find("dialog[open] #i-name");
    name.clear();
    name.write("Marie A. Dubois");
    browser.find("dialog[open] .style img[alt='Marie A. Dubois']");
    browser.shot("maker-typed");
    browser.press("dialog[open] button[type=submit]");
    browser.find(".control.signature .mark");
    assert_eq!(browser.text("#progress"), "4 of 4 done");
    browser.shot("adopted");
    browser.press("#finish");

    browser.find("#check-form");
    browser.shot("check");
    browser.press("#i-agree");
    browser.press("#sign");
    browser.find("#status[data-state=preparing]");
    browser.shot("done");
    app.drain();
    // The page asks by itself.
    browser.find("#status[data-state=complete]");
    browser.shot("complete");
    browser.expect_no_faults(&[]);
    let done = app.envelope(&envelope);
    assert_eq!(done["status"], "COMPLETED", "{done}");
}

#[test]
fn marie_signs_on_a_phone_with_a_finger_and_turns_it_half_way() {
    let Some(browser) = Browser::open("phone", Window::Phone, true) else {
        return;
    };
    let app = TestApp::start();
    let envelope = sent(&app);
    browser.go(link(&envelope));
    browser.shot("gate");
    browser.press("button.primary");

    browser.find(".guided .marker");
    browser.shot("review");
    let sheet = browser.run("return document.getElementById('panel').offsetHeight / innerHeight;");
    assert!(
        sheet.as_f64().is_some_and(|part| part <= 0.4),
        "the sheet takes {sheet} of the height"
    );
    browser.press("#next");
    browser.find(".control.text.current input").write("Lyon");
    browser.shot("text");
    browser.press("#next");
    browser.press(".control.checkbox.current input[type=checkbox]");
    browser.shot("tick");
    browser.press("#next");
    browser.shot("initials");
    browser.press(".control.initials.current button.make");
    browser.find("dialog[open]");
    browser.shot("maker");
    browser.press("dialog[open] .methods label:nth-of-type(2)");
    browser.shot("maker-draw");
    browser.draw("[data-pad=strokes] canvas", "touch", &SCRAWL);
    browser.resize(844, 390, 2);
    browser.find("dialog[open] [data-pad=initials_strokes]");
    browser.shot("maker-turned");
    browser.draw("[data-pad=initials_strokes] canvas", "touch", &SCRAWL[..1]);
    browser.resize(390, 844, 2);
    browser.shot("maker-drawn");
    browser.press("dialog[open] button[type=submit]");
    browser.find(".control.initials .mark");
    browser.shot("adopted");
    assert!(browser.find("#finish").is_shown());
    browser.press("#finish");

    browser.find("#check-form");
    browser.shot("check");
    browser.press("#i-agree");
    browser.run("document.getElementById('sign').scrollIntoView({block: 'end'});");
    browser.shot("check-agreed");
    browser.press("#sign");
    browser.find("#status[data-state=preparing]");
    browser.shot("done");
    app.drain();
    browser.find("#status[data-state=complete]");
    browser.shot("complete");
    browser.expect_no_faults(&[]);
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
}

#[test]
fn without_scripts_everything_is_one_long_form_that_signs() {
    let Some(browser) = Browser::open("plain", Window::Desktop, false) else {
        return;
    };
    let app = TestApp::start();
    let envelope = sent(&app);
    browser.go(link(&envelope));
    browser.press("button.primary");
    browser.find("#review-form");
    assert!(
        !browser.find("#panel").is_shown(),
        "the panel is the scripts'"
    );
    browser.shot("review");
    // Without a script nobody tells whether a picture came: the PDF is offered with each.
    browser.find(".paper .open-pdf a");
    // Hardly anything filled in: told at the top, and at the fields. (Of what is wholly empty a browser tells by itself.)
    browser.find(".control.text input").write(" ");
    browser.press(".control.checkbox input[type=checkbox]");
    browser.press("#finish");
    browser.press("#problems a");
    assert!(browser.find(".control.text .error").is_shown());
    assert!(browser.find(".control.signature .error").is_shown());
    browser.shot("missing");
    // What was filled in is still there.
    assert!(
        browser
            .find(".control.checkbox input[type=checkbox]:checked")
            .is_shown()
    );
    let city = browser.find(".control.text input");
    city.clear();
    city.write("Lyon");
    browser.shot("filled");
    browser.press(".control.signature button.make");
    browser.find("#maker-form");
    browser.shot("signature");
    browser.press("#maker-form button[type=submit]");
    browser.find(".control.signature .mark");
    browser.shot("adopted");
    browser.press("#finish");
    browser.find("#check-form");
    browser.shot("check");
    browser.press("#i-agree");
    browser.press("#sign");
    browser.find("#status[data-state=preparing]");
    app.drain();
    browser.press("#status a.button");
    browser.find("#status[data-state=complete]");
    browser.shot("complete");
    browser.expect_no_faults(&["status of 422"]);
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
}

#[test]
fn someone_declines_and_says_why() {
    let Some(browser) = Browser::open("decline", Window::Phone, true) else {
        return;
    };
    let app = TestApp::start();
    let envelope = sent(&app);
    browser.go(link(&envelope));
    browser.press("button[value=decline]");
    browser
        .find("#i-reason")
        .write("The salary is <b>wrong</b>.");
    browser.shot("form");
    browser.press("button.danger");
    browser.find(".mood.done");
    browser.shot("declined");
    browser.expect_no_faults(&[]);
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "DECLINED");
}

#[test]
fn a_gate_that_is_loaded_and_left_alone_changes_nothing() {
    let Some(browser) = Browser::open("alone", Window::Desktop, true) else {
        return;
    };
    let app = TestApp::start();
    let envelope = sent(&app);
    browser.go(link(&envelope));
    browser.find("button.primary");
    browser.run("window.dispatchEvent(new Event('focus')); scrollTo(0, 1000);");
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "SENT");
    browser.expect_no_faults(&[]);
}
