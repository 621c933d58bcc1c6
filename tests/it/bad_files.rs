//! Files that are well-formed and yet no good: active content in every place where it can hide, signatures of others, forms that
//! are programs. Refused by name at the door, so that nobody signs what may show something else tomorrow.

use crate::built::Pdf;
use crate::harness::TestApp;

/// One page with an annotation that carries `entries`.
fn annotated(entries: &str) -> Pdf {
    let mut made = Pdf::one_page();
    made.replace(3, "/Resources<<>>", "/Resources<<>>/Annots[9 0 R]");
    made.set(9, format!("<</Type/Annot/Rect[10 10 50 50]/F 4{entries}>>"));
    made
}

/// One page with a link that does `action`.
fn acting(action: &str) -> Pdf {
    annotated(&format!("/Subtype/Link/A<<{action}>>"))
}

/// One page whose catalog has `entries`.
fn cataloged(entries: &str) -> Pdf {
    let mut made = Pdf::one_page();
    made.replace(1, "/Type/Catalog", &format!("/Type/Catalog{entries}"));
    made
}

/// One page that draws an object made of `entries`.
fn drawing(entries: &str) -> Pdf {
    let mut made = Pdf::one_page();
    made.replace(3, "/Resources<<>>", "/Resources<</XObject<</X 9 0 R>>>>");
    made.stream(4, "", b"/X Do");
    made.stream(9, entries, b"\0");
    made
}

const FILE: &str = "/Type/Filespec/F(a.exe)/EF<</F 8 0 R>>";
const SCRIPT: &str = "<</S/JavaScript/JS(app.alert\\(1\\))>>";

/// What it is, and the file.
fn active() -> Vec<(String, Pdf)> {
    let mut all = Vec::new();
    for action in [
        "/S/JavaScript/JS(x)",
        "/S/Launch/F(cmd.exe)",
        "/S/SubmitForm/F(https://example.com/)",
        "/S/ResetForm",
        "/S/ImportData/F(a.fdf)",
        "/S/GoToR/F(b.pdf)/D[0/Fit]",
        "/S/GoToE/D[0/Fit]",
        "/S/Thread/D 0",
        "/S/Sound/Sound 8 0 R",
        "/S/Movie/T(x)",
        "/S/Rendition/OP 0",
        "/S/Hide/T(x)",
        "/S/SetOCGState/State[/OFF]",
        "/S/GoTo3DView/TA 9 0 R/V 0",
        "/S/RichMediaExecute/CMD<</C(x)>>",
        "/S/URI/URI(file:///etc/passwd)",
        "/S/URI/URI(javascript:alert\\(1\\))",
        "/S/#4AavaScript/JS(x)",
    ] {
        all.push((action.to_owned(), acting(action)));
    }
    let behind = format!("/S/GoTo/D[3 0 R/Fit]/Next[<</S/GoTo/D[3 0 R/Fit]/Next {SCRIPT}>>]");
    all.push(("an action behind others".to_owned(), acting(&behind)));
    for kind in [
        "FileAttachment",
        "Sound",
        "Movie",
        "Screen",
        "3D",
        "RichMedia",
    ] {
        all.push((kind.to_owned(), annotated(&format!("/Subtype/{kind}"))));
    }
    for entries in [
        format!("/OpenAction {SCRIPT}"),
        format!("/AA<</WC {SCRIPT}>>"),
        format!("/Names<</JavaScript<</Names[(a) {SCRIPT}]>>>>"),
        format!("/Names<</JavaScript<</Kids[<</Limits[(a)(a)]/Names[(a) {SCRIPT}]>>]>>>>"),
        format!("/Names<</EmbeddedFiles<</Names[(a)<<{FILE}>>]>>>>"),
        format!("/AF[<<{FILE}>>]"),
        "/Collection<</Type/Collection>>".to_owned(),
        "/AcroForm<</Fields[]/XFA[(template) 8 0 R]>>".to_owned(),
        format!("/Outlines<</First 9 0 R/Last 9 0 R>>/Later<<{FILE}>>"),
    ] {
        all.push((entries.clone(), cataloged(&entries)));
    }
    let mut page = Pdf::one_page();
    page.replace(
        3,
        "/Resources<<>>",
        &format!("/Resources<<>>/AA<</O {SCRIPT}>>"),
    );
    all.push(("a page that is opened".to_owned(), page));
    let field = format!("/Subtype/Widget/FT/Tx/T(x)/AA<</K {SCRIPT}>>");
    let mut form = annotated(&field);
    form.replace(
        1,
        "/Type/Catalog",
        "/Type/Catalog/AcroForm<</Fields[9 0 R]>>",
    );
    all.push(("a field that is typed in".to_owned(), form));
    let picture =
        "/Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray";
    for (what, entries) in [
        (
            "another image for print",
            format!("{picture}/Alternates[<</Image 9 0 R/DefaultForPrinting true>>]"),
        ),
        (
            "a page of another file",
            "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Ref<</F(b.pdf)/Page 0>>".to_owned(),
        ),
        ("data elsewhere", format!("{picture}/F(picture.bin)")),
    ] {
        all.push((what.to_owned(), drawing(&entries)));
    }
    for (_, file) in &mut all {
        file.stream(8, "/Type/EmbeddedFile", b"MZ");
    }
    all
}

#[test]
fn active_content_is_refused_wherever_it_hides() {
    let app = TestApp::start();
    for (what, file) in active() {
        for (layout, bytes) in [
            ("table", file.build()),
            ("object stream", {
                let mut packed = file.clone();
                packed.pack(&[1, 3]);
                packed.with_stream_xref()
            }),
        ] {
            let reply = app.api.upload("/api/v1/documents", "a.pdf", &bytes);
            assert_eq!(reply.status, 422, "{what}, {layout}: {}", reply.text());
            let problem = reply.expect_error(422, "document_active_content");
            let told = problem["error"].as_str().expect("text");
            assert!(told.len() > 20, "{what}: it says what: {told}");
        }
    }
    let documents = app.api.get("/api/v1/documents").expect(200);
    assert_eq!(documents["pagination"]["total"], 0, "nothing of it is kept");
}

#[test]
fn the_same_places_without_action_are_taken() {
    let app = TestApp::start();
    for file in [
        acting("/S/GoTo/D[3 0 R/Fit]"),
        acting("/S/URI/URI(https://example.com/)"),
        acting("/S/URI/URI(mailto:ana@example.com)"),
        acting("/S/Named/N/NextPage"),
        cataloged("/OpenAction[3 0 R/Fit]"),
        cataloged("/OpenAction<</S/GoTo/D[3 0 R/Fit]>>"),
        cataloged("/AA<<>>"),
        cataloged("/Names<</Dests<</Names[(JavaScript)[3 0 R/Fit]]>>>>"),
        annotated("/Subtype/Popup/Contents(/S/JavaScript)"),
    ] {
        app.document(&file.build());
    }
}

#[test]
fn a_file_that_others_signed_or_that_is_a_program_is_refused_by_name() {
    let app = TestApp::start();
    let signature = "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 1 2 3]/Contents<00>>>";
    let field = |more: &str| {
        let mut made = annotated(&format!("/Subtype/Widget/FT/Sig/T(Signature1){more}"));
        made.replace(
            1,
            "/Type/Catalog",
            "/Type/Catalog/AcroForm<</Fields[9 0 R]/SigFlags 3>>",
        );
        made
    };
    let stamp = signature.replace("/Type/Sig", "/Type/DocTimeStamp");
    for file in [
        field(&format!("/V {signature}")),
        field(&format!("/V {stamp}")),
        cataloged(&format!("/Perms<</UR3 {signature}>>")),
        cataloged(&format!("/Perms<</DocMDP {signature}>>")),
    ] {
        app.api
            .upload("/api/v1/documents", "a.pdf", &file.build())
            .expect_error(422, "document_already_signed");
    }
    // A place to sign that nobody used is no signature; but somebody could sign there after the seal.
    app.api
        .upload("/api/v1/documents", "a.pdf", &field("").build())
        .expect_error(422, "document_active_content");
    let program = cataloged("/NeedsRendering true/AcroForm<</Fields[]/XFA[(template) 4 0 R]>>");
    let reply = app
        .api
        .upload("/api/v1/documents", "a.pdf", &program.build());
    assert_eq!(reply.status, 422);
    let code = reply.json()["code"].clone();
    assert!(
        code == "document_unrenderable" || code == "document_active_content",
        "{code}"
    );
}
