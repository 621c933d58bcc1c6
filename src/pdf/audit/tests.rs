use super::*;
use crate::pdf::fixture::Pdf;

const LIMITS: Limits = Limits { pages_max: 2000 };

fn audited(pdf: &Pdf) -> Audit {
    let document = Document::open(pdf.build()).unwrap();
    audit(&document, &LIMITS).unwrap_or_else(|error| panic!("{error}"))
}

fn inspected(pdf: &Pdf) -> Result<Inspection, Error> {
    inspect(&Document::open(pdf.build()).unwrap(), &LIMITS)
}

/// Catalog with `entries` beside `/Pages`; further objects from 5.
fn catalog(entries: &str, objects: &[(u32, &str)]) -> Pdf {
    let mut pdf = Pdf::one_page();
    pdf.set(1, format!("<</Type/Catalog/Pages 2 0 R{entries}>>"));
    for (number, text) in objects {
        pdf.set(*number, text);
    }
    pdf
}

/// Page with `entries`; further objects from 5.
fn page(entries: &str, objects: &[(u32, &str)]) -> Pdf {
    let mut pdf = catalog("", objects);
    pdf.replace(3, "/Type/Page", &format!("/Type/Page{entries}"));
    pdf
}

#[track_caller]
fn finds(pdf: &Pdf, kind: Kind, count: usize) {
    let audit = audited(pdf);
    assert_eq!(
        audit.counts.get(&kind),
        Some(&count),
        "{:?}",
        audit.findings
    );
    let code = kind.code();
    let error = inspected(pdf).expect_err("refused");
    assert_eq!(error.code(), Some(code), "{error}");
    assert!(error.to_string().contains(kind.as_str()), "{error}");
}

#[track_caller]
fn finds_nothing(pdf: &Pdf) {
    let audit = audited(pdf);
    assert!(audit.counts.is_empty(), "{:?}", audit.findings);
    inspected(pdf).expect("accepted");
}

const STREAM: &str = "<</Length 1>>stream\nx\nendstream";

#[test]
fn a_plain_document_is_accepted_with_its_page_sizes() {
    let inspection = inspected(&Pdf::pages(2)).unwrap();
    let a4 = PageSize {
        width: 595.0,
        height: 842.0,
    };
    assert_eq!(inspection.pages, [a4, a4]);
    assert_eq!(inspection.warnings, []);
    assert_eq!(audited(&Pdf::pages(2)).objects, 6);
}

#[test]
fn every_object_reachable_from_root_and_info_must_parse() {
    let broken = "<</A 1/A 2>>";
    let code = |pdf: &Pdf| inspected(pdf).err().and_then(|error| error.code());
    assert_eq!(
        code(&catalog("/X[<</Y 5 0 R>>]", &[(5, broken)])),
        Some(Code::Malformed)
    );
    let mut pdf = catalog("", &[(5, broken)]);
    assert_eq!(code(&pdf), None, "not reachable: isn't looked at");
    assert_eq!(code(pdf.trailer("/Info 5 0 R")), Some(Code::Malformed));
}

#[test]
fn every_reachable_stream_must_end_where_it_says() {
    let pdf = catalog("/X 5 0 R", &[(5, "<</Length 2>>stream\nabc\nendstream")]);
    let error = inspected(&pdf).unwrap_err();
    assert_eq!(error.code(), Some(Code::Malformed));
    assert!(
        error.to_string().contains("no endstream after the 2 bytes"),
        "{error}"
    );
}

#[test]
fn a_graph_with_circles_is_walked_once() {
    let pdf = catalog(
        "/X 5 0 R",
        &[(5, "[5 0 R 6 0 R 1 0 R]"), (6, "[5 0 R 5 0 R]")],
    );
    assert_eq!(audited(&pdf).objects, 6);
}

#[test]
fn a_long_chain_of_objects_needs_no_stack() {
    let mut pdf = Pdf::one_page();
    pdf.replace(1, "/Type", "/X 5 0 R/Type");
    for number in 5..20_000 {
        pdf.set(number, format!("[{} 0 R]", number + 1));
    }
    assert_eq!(audited(&pdf).objects, 4 + 19_995);
}

#[test]
fn a_signature_field_with_a_value_is_document_already_signed() {
    let form = "/AcroForm<</Fields[5 0 R]>>";
    finds(
        &catalog(form, &[(5, "<</FT/Sig/V 6 0 R>>"), (6, "<<>>")]),
        Kind::SignedField,
        1,
    );
    // /FT from the parent.
    finds(
        &catalog(form, &[(5, "<</FT/Sig/Kids[6 0 R]>>"), (6, "<</V<<>>>>")]),
        Kind::SignedField,
        1,
    );
    finds_nothing(&catalog(form, &[(5, "<</FT/Tx/V(x)>>")]));
}

#[test]
fn a_reachable_byte_range_is_document_already_signed() {
    finds(
        &catalog("/X 5 0 R", &[(5, "<</ByteRange[0 1 2 3]>>")]),
        Kind::ByteRange,
        1,
    );
    finds_nothing(&catalog("", &[(5, "<</ByteRange[0 1 2 3]>>")]));
}

#[test]
fn perms_with_an_entry_are_document_already_signed() {
    finds(
        &catalog("/Perms<</UR3 5 0 R>>", &[(5, "<<>>")]),
        Kind::Permissions,
        1,
    );
    finds_nothing(&catalog("/Perms<<>>", &[]));
}

#[test]
fn dynamic_xfa_is_document_unrenderable() {
    finds(&catalog("/NeedsRendering true", &[]), Kind::DynamicXfa, 1);
    finds_nothing(&catalog("/NeedsRendering false", &[]));
}

#[test]
fn an_open_action_other_than_go_to_is_active() {
    finds_nothing(&catalog("/OpenAction[3 0 R/Fit]", &[]));
    finds_nothing(&catalog("/OpenAction<</S/GoTo/D[3 0 R/Fit]>>", &[]));
    finds(
        &catalog("/OpenAction<</S/Named/N/Print>>", &[]),
        Kind::OpenAction,
        1,
    );
    finds(
        &catalog("/OpenAction<</S/URI/URI(https://a.test)>>", &[]),
        Kind::OpenAction,
        1,
    );
    finds(
        &catalog("/OpenAction 5 0 R", &[(5, "<</S/JavaScript/JS(x)>>")]),
        Kind::JavaScript,
        1,
    );
    finds(
        &catalog(
            "/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next[5 0 R]>>",
            &[(5, "<</S/Launch/F(x)>>")],
        ),
        Kind::Action,
        1,
    );
}

#[test]
fn additional_actions_of_document_page_annotation_and_field_are_active() {
    let actions = "/AA<</O<</S/JavaScript/JS(x)>>>>";
    for pdf in [
        catalog(actions, &[]),
        page(actions, &[]),
        page(
            "/Annots[5 0 R]",
            &[(5, &format!("<</Subtype/Widget{actions}>>"))],
        ),
        catalog(
            "/AcroForm<</Fields[5 0 R]>>",
            &[(5, &format!("<</FT/Tx{actions}>>"))],
        ),
    ] {
        finds(&pdf, Kind::AdditionalActions, 1);
        finds(&pdf, Kind::JavaScript, 1);
    }
    finds_nothing(&page("/AA<<>>", &[]));
}

#[test]
fn keys_that_only_look_like_actions_are_not_claimed() {
    let mut pdf = catalog("", &[(5, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>")]);
    // Fonts and images named AA, A, AF, EF; structure elements of the types Sound and Movie.
    pdf.replace(
        3,
        "/Resources<<>>",
        "/Resources<</Font<</AA 5 0 R/A 5 0 R/AF[5 0 R]/EF 5 0 R>>>>",
    );
    pdf.set(
        1,
        "<</Type/Catalog/Pages 2 0 R/StructTreeRoot<</Type/StructTreeRoot/K[<</Type/StructElem/S/Sound/A<</O/Layout>>>><</S/Movie/P 1 0 R>>]>>>>",
    );
    finds_nothing(&pdf);
}

#[test]
fn every_active_action_type_of_a_link_is_found() {
    for kind in [
        "Launch",
        "SubmitForm",
        "ResetForm",
        "ImportData",
        "GoToR",
        "GoToE",
        "Thread",
        "Sound",
        "Movie",
        "Rendition",
        "Hide",
        "SetOCGState",
        "GoTo3DView",
    ] {
        let action = format!("<</S/{kind}>>");
        let pdf = page("/Annots[<</Subtype/Link/A 5 0 R>>]", &[(5, &action)]);
        finds(&pdf, Kind::Action, 1);
    }
    for kind in ["GoTo", "Named", "Trans"] {
        finds_nothing(&page(
            &format!("/Annots[<</Subtype/Link/A<</S/{kind}>>>>]"),
            &[],
        ));
    }
}

#[test]
fn a_uri_is_active_unless_http_https_or_mailto() {
    let link = |uri: &str| {
        page(
            &format!("/Annots[<</Subtype/Link/A<</S/URI/URI({uri})>>>>]"),
            &[],
        )
    };
    for uri in ["http://a.test", "HTTPS://a.test", "mailto:a@a.test"] {
        finds_nothing(&link(uri));
    }
    for uri in [
        "file:///etc/passwd",
        "javascript:x",
        "www.a.test",
        "",
        "httpsx://a",
        "http",
    ] {
        finds(&link(uri), Kind::Uri, 1);
    }
}

#[test]
fn actions_hang_on_outlines_names_next_and_navigation_nodes() {
    let script = (9, "<</S/JavaScript/JS(x)>>");
    for pdf in [
        catalog(
            "/Outlines 5 0 R",
            &[
                (5, "<</First 6 0 R>>"),
                (6, "<</Next 7 0 R>>"),
                (7, "<</A 9 0 R>>"),
                script,
            ],
        ),
        catalog(
            "/Names<</JavaScript 5 0 R>>",
            &[(5, "<</Kids[6 0 R]>>"), (6, "<</Names[(a)9 0 R]>>"), script],
        ),
        page(
            "/Annots 5 0 R",
            &[(5, "[6 0 R]"), (6, "<</A<</S/GoTo/Next 9 0 R>>>>"), script],
        ),
        page("/PresSteps 5 0 R", &[(5, "<</NA 9 0 R>>"), script]),
        catalog("/X<</Type/Action/S/JavaScript/JS(x)>>", &[]),
    ] {
        finds(&pdf, Kind::JavaScript, 1);
    }
}

#[test]
fn embedded_and_associated_files_are_active() {
    let file = (5, "<</Type/Filespec/F(a)/EF<</F 6 0 R>>>>");
    let data = (6, STREAM);
    let tree = catalog(
        "/Names<</EmbeddedFiles<</Names[(a)5 0 R]>>>>",
        &[file, data],
    );
    finds(&tree, Kind::EmbeddedFiles, 1);
    finds(&tree, Kind::EmbeddedFile, 1);
    finds(&catalog("/X 5 0 R", &[file, data]), Kind::EmbeddedFile, 1);
    finds(
        &catalog("/AF[5 0 R]", &[file, data]),
        Kind::AssociatedFile,
        1,
    );
    finds(&page("/AF[<</F(a)>>]", &[]), Kind::AssociatedFile, 1);
    finds(
        &catalog("/X<</Type/StructElem/AF[<</F(a)>>]>>", &[]),
        Kind::AssociatedFile,
        1,
    );
    finds_nothing(&catalog("/Names<</EmbeddedFiles<<>>>>", &[]));
}

#[test]
fn collection_and_static_xfa_are_active() {
    finds(&catalog("/Collection<</View/D>>", &[]), Kind::Collection, 1);
    finds(
        &catalog("/AcroForm<</Fields[]/XFA 5 0 R>>", &[(5, STREAM)]),
        Kind::Xfa,
        1,
    );
}

#[test]
fn alternate_images_reference_xobjects_and_outside_data_are_active() {
    let stream = |entries: &str| {
        let text = format!("<<{entries}/Length 1>>stream\nx\nendstream");
        catalog("/X 5 0 R", &[(5, &text)])
    };
    finds(
        &stream("/Subtype/Image/Width 1/Height 1/Alternates[<<>>]"),
        Kind::AlternateImage,
        1,
    );
    finds(
        &stream("/Subtype/Form/Ref<</F(a)>>"),
        Kind::ReferenceXObject,
        1,
    );
    finds(&stream("/F(outside.dat)"), Kind::ExternalStream, 1);
    finds_nothing(&stream("/Subtype/Form/BBox[0 0 1 1]"));
}

#[test]
fn annotations_with_files_sounds_films_and_scenes_are_active() {
    for kind in [
        "FileAttachment",
        "Sound",
        "Movie",
        "Screen",
        "3D",
        "RichMedia",
    ] {
        let pdf = page(&format!("/Annots[<</Subtype/{kind}>>]"), &[]);
        finds(&pdf, Kind::MediaAnnotation, 1);
    }
    for kind in ["Text", "Link", "Widget", "Highlight"] {
        finds_nothing(&page(&format!("/Annots[<</Subtype/{kind}>>]"), &[]));
    }
}

#[test]
fn a_form_without_actions_is_accepted_as_it_is() {
    finds_nothing(&catalog(
        "/AcroForm<</Fields[5 0 R]>>",
        &[(
            5,
            "<</FT/Tx/T(name)/V(value)/Subtype/Widget/Rect[0 0 9 9]>>",
        )],
    ));
}

#[test]
fn what_hangs_on_a_page_is_found_with_its_page_and_byte() {
    let mut pdf = Pdf::pages(2);
    pdf.replace(5, "/Type/Page", "/Type/Page/Annots[9 0 R]");
    pdf.replace(1, "/Type", "/AcroForm<</Fields[9 0 R]>>/Type");
    pdf.set(9, "<</Subtype/Widget/A<</S/Hide>>>>");
    let file = pdf.build();
    let audit = audited(&pdf);
    let at = file.windows(7).position(|w| w == b"9 0 obj").unwrap() as u64;
    let expected = Finding {
        kind: Kind::Action,
        detail: "an action /Hide".into(),
        object: Some(Ref::new(9, 0)),
        page: Some(2),
        offset: Some(at),
    };
    assert_eq!(audit.findings, [expected]);
    assert_eq!(
        inspected(&pdf).unwrap_err().to_string(),
        format!(
            "document_active_content: action 1 x; the first is an action /Hide in object 9 0 on page 2 (byte {at})"
        )
    );
}

#[test]
fn findings_are_bounded_but_counted() {
    let links = "<</Subtype/Link/A<</S/Hide>>>>".repeat(FINDINGS_MAX + 5);
    let audit = audited(&page(&format!("/Annots[{links}]"), &[]));
    assert_eq!(audit.findings.len(), FINDINGS_MAX);
    assert_eq!(audit.counts[&Kind::Action], FINDINGS_MAX + 5);
}

#[test]
fn form_fields_inside_each_other_end_at_a_bound() {
    let mut pdf = catalog("/AcroForm<</Fields[5 0 R]>>", &[]);
    for number in 5..400 {
        pdf.set(number, format!("<</Kids[{} 0 R]>>", number + 1));
    }
    let error = inspected(&pdf).unwrap_err();
    assert!(
        error.to_string().contains("form fields more than 256 deep"),
        "{error}"
    );
}

#[test]
fn a_signed_file_is_called_so_before_its_other_findings() {
    let pdf = catalog(
        "/Perms<</DocMDP 5 0 R>>/AA<</WC<<>>>>/NeedsRendering true",
        &[(5, "<<>>")],
    );
    assert_eq!(
        inspected(&pdf).unwrap_err().code(),
        Some(Code::AlreadySigned)
    );
}

const FORM: &str = "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 1>>stream\nn\nendstream";

/// A page with an annotation on it.
fn annotated(annotation: &str) -> Pdf {
    let annotation = format!("<</Rect[9 9 99 99]{annotation}>>");
    page("/Annots[5 0 R]", &[(5, &annotation), (6, FORM)])
}

#[test]
fn an_annotation_that_a_reader_has_to_draw_by_itself_is_unrenderable() {
    for without in [
        "/Subtype/FreeText/F 4/Contents(The fee is 9)",
        "/Subtype/Square",
        "/Subtype/Stamp/AP<<>>",
        "/Subtype/Stamp/AP<</N 77 0 R>>",
        "/Subtype/Stamp/AP<</N<</On 6 0 R>>>>",
        "/Subtype/Widget/FT/Tx/V(and the house)",
        "/Subtype/Widget/FT/Tx/MK<</BG[1 1 1]>>",
        "/Subtype/Widget/FT/Btn/Ff 65536/MK<</CA(Pay)>>",
        "/Subtype/Widget/Parent<</FT/Tx/V(inherited)>>",
    ] {
        finds(&annotated(without), Kind::UnseenAnnotation, 1);
    }
    for harmless in [
        "/Subtype/FreeText/AP<</N 6 0 R>>",
        "/Subtype/FreeText/F 2",
        "/Subtype/Link/Border[0 0 1]",
        "/Subtype/Popup/Open true",
        "/Subtype/Widget/FT/Tx",
        "/Subtype/Widget/FT/Tx/V()",
        "/Subtype/Widget/FT/Tx/V(shown)/AP<</N 6 0 R>>",
        "/Subtype/Widget/FT/Btn/V/Off/MK<</CA(4)>>",
        "/Subtype/Widget/FT/Btn/V/On/AS/On/AP<</N<</On 6 0 R>>>>",
        "/Subtype/Stamp/AS/On/AP<</N<</On 6 0 R>>>>",
    ] {
        finds_nothing(&annotated(harmless));
    }
    let flat = page(
        "/Annots[5 0 R]",
        &[(5, "<</Subtype/Square/Rect[9 9 9 99]>>")],
    );
    finds_nothing(&flat);
}

#[test]
fn an_annotation_that_only_paper_shows_is_unrenderable() {
    for flags in [36, 288] {
        let stamp = format!("/Subtype/Stamp/F {flags}/AP<</N 6 0 R>>");
        finds(&annotated(&stamp), Kind::UnseenAnnotation, 1);
    }
    finds_nothing(&annotated("/Subtype/Stamp/F 32/AP<</N 6 0 R>>"));
    finds_nothing(&annotated("/Subtype/Stamp/F 38/AP<</N 6 0 R>>"));
}

#[test]
fn layers_must_all_be_on_for_everybody() {
    let layers = |config: &str, layer: &str| {
        catalog(
            &format!("/OCProperties<</OCGs[5 0 R 6 0 R]/D<<{config}>>>>"),
            &[
                (5, "<</Type/OCG/Name(seen)>>"),
                (6, &format!("<</Type/OCG/Name(other){layer}>>")),
            ],
        )
    };
    let print_off = "/Usage<</Print<</PrintState/OFF>>/View<</ViewState/ON>>>>";
    let printed = "/AS[<</Event/Print/Category[/Print]/OCGs[6 0 R]>>]";
    finds_nothing(&layers("/ON[5 0 R 6 0 R]/Order[5 0 R]", ""));
    finds_nothing(&layers("/BaseState/OFF/ON[5 0 R 6 0 R]", ""));
    finds_nothing(&layers("", print_off));
    finds_nothing(&layers(printed, "/Usage<</Print<</PrintState/ON>>>>"));
    finds_nothing(&layers(
        "/AS[<</Event/View/Category[/View]/OCGs[6 0 R]>>]",
        print_off,
    ));
    finds(&layers("/OFF[6 0 R]", ""), Kind::HiddenLayer, 1);
    finds(
        &layers("/BaseState/OFF/ON[5 0 R]", ""),
        Kind::HiddenLayer,
        1,
    );
    finds(&layers(printed, print_off), Kind::HiddenLayer, 1);
    let zoomed = "/AS[<</Event/View/Category[/Zoom]/OCGs[6 0 R]>>]";
    finds(
        &layers(zoomed, "/Usage<</Zoom<</min 4>>>>"),
        Kind::HiddenLayer,
        1,
    );
}

#[test]
fn a_layer_membership_that_hides_what_is_on_is_unrenderable() {
    let member = |entries: &str| {
        let member = format!("<</Type/OCMD/OCGs[6 0 R]{entries}>>");
        page("", &[(5, &member), (6, "<</Type/OCG/Name(x)>>")])
            .replace(3, "/Resources<<>>", "/Resources<</Properties<</L 5 0 R>>>>")
            .clone()
    };
    finds_nothing(&member(""));
    finds_nothing(&member("/P/AllOn"));
    finds(&member("/P/AllOff"), Kind::HiddenLayer, 1);
    finds(&member("/VE[/Not 6 0 R]"), Kind::HiddenLayer, 1);
}

#[test]
fn an_image_without_a_size_in_whole_pixels_is_unrenderable() {
    let image = |size: &str| {
        let image = format!("<</Subtype/Image{size}/Length 1>>stream\nx\nendstream");
        page("", &[(5, &image)])
            .replace(3, "/Resources<<>>", "/Resources<</XObject<</I 5 0 R>>>>")
            .clone()
    };
    finds_nothing(&image("/Width 1/Height 1"));
    finds(&image("/Width 1./Height 1"), Kind::ImageSize, 1);
    finds(&image("/Width 1/Height 0"), Kind::ImageSize, 1);
}

#[test]
fn an_empty_signature_field_is_active() {
    let form = |field: &str| {
        let kid = "<</Parent 5 0 R>>";
        catalog("/AcroForm<</Fields[5 0 R]>>", &[(5, field), (6, kid)])
    };
    finds(&form("<</FT/Sig/T(x)>>"), Kind::EmptySignature, 1);
    finds(&form("<</FT/Sig/Kids[6 0 R]>>"), Kind::EmptySignature, 1);
    finds_nothing(&form("<</FT/Tx/T(x)>>"));
}

#[test]
fn forms_patterns_and_glyphs_are_told_as_content() {
    let mut pdf = page("", &[(5, FORM)]);
    pdf.replace(
        3,
        "/Resources<<>>",
        "/Resources<</XObject<</X 5 0 R>>/Pattern<</P 6 0 R>>/Font<</F 7 0 R>>>>",
    );
    pdf.stream(6, "/PatternType 1/PaintType 1", b"n");
    pdf.set(7, "<</Type/Font/Subtype/Type3/CharProcs<</a 8 0 R>>>>");
    pdf.stream(8, "", b"n");
    let mut contents = audited(&pdf).contents;
    contents.sort();
    assert_eq!(contents, [5, 6, 8].map(|number| Ref::new(number, 0)));
}

#[test]
fn a_file_without_room_for_a_seal_is_refused() {
    let mut file = Pdf::one_page().build();
    for _ in 0..900 {
        crate::pdf::fixture::update(&mut file, &[], "/Root 1 0 R/Size 5");
    }
    let error = inspect(&Document::open(file).unwrap(), &LIMITS).unwrap_err();
    assert!(error.to_string().contains("no room"), "{error}");
    let mut pdf = Pdf::one_page();
    pdf.set(8_000_000, "null");
    let error = inspected(&pdf).unwrap_err();
    assert!(error.to_string().contains("object numbers"), "{error}");
}
