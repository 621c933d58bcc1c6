//! Broken files by the thousand, the same each time: whatever they say, reading them ends, soon, without a panic.

use std::collections::BTreeMap;

use super::audit::{self, Limits};
use super::document::Document;
use super::error::Code;
use super::fixture::{Pdf, deflate, update};

/// Marsaglia's xorshift: chance that is the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut rich = Pdf::pages(2);
    rich.set(
        1,
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]>>/Outlines 8 0 R/Names<</JavaScript<</Names[(a)9 0 R]>>>>>>",
    );
    rich.set(
        7,
        "<</FT/Tx/T(n\\)\\101)/Subtype/Widget/Rect[0 0 9.5 -.5]/A 9 0 R>>",
    );
    rich.set(8, "<</First 8 0 R/Title<FEFF0041>/C[.1 +2 -3]>>");
    rich.set(9, "<</S/URI/URI(https://a.test)/Next[9 0 R null true]>>");
    rich.stream(10, "/Filter/FlateDecode", &deflate(&[b'x'; 400]));
    rich.replace(
        3,
        "/Resources<<>>",
        "/Resources<</XObject<</X#41 10 0 R>>>>/Rotate 90",
    );
    rich.trailer("/Info 8 0 R/ID[<00><00>]");
    let table = rich.build();
    let mut updated = table.clone();
    update(
        &mut updated,
        &[(11, "(new)"), (7, "<</FT/Sig>>")],
        "/Root 1 0 R/Size 12",
    );
    let stream = rich.pack(&[1, 2, 3, 5, 7, 8, 9]).with_stream_xref();
    vec![table, updated, stream]
}

const TOKENS: [&[u8]; 16] = [
    b"<<",
    b">>",
    b"[",
    b"]",
    b"(",
    b")",
    b" 0 R ",
    b"endobj ",
    b"stream\n",
    b"9999999999",
    b"-1 ",
    b"%",
    b"/Kids",
    b"/Length 7 0 R",
    b"\0",
    b"null ",
];

fn mutate(file: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(file.len());
        match dice.below(8) {
            0 => file[at] ^= 1 << dice.below(8),
            1 => file[at] = dice.below(256) as u8,
            2 => {
                // Another digit where there is one: numbers are what a reader trusts.
                if let Some(digit) = file[at..].iter().position(u8::is_ascii_digit) {
                    file[at + digit] = b'0' + dice.below(10) as u8;
                }
            }
            3 => {
                let end = (at + 1 + dice.below(40)).min(file.len());
                file.drain(at..end);
            }
            4 => {
                let end = (at + 1 + dice.below(200)).min(file.len());
                let piece = file[at..end].to_vec();
                let to = dice.below(file.len());
                file.splice(to..to, piece);
            }
            5 | 6 => {
                let token = TOKENS[dice.below(TOKENS.len())];
                file.splice(at..at, token.iter().copied());
            }
            _ => file.truncate(at + 1),
        }
        if file.is_empty() {
            file.push(b'%');
        }
    }
}

#[test]
fn thousands_of_mutated_files_are_read_or_refused_without_panic_in_bounded_steps() {
    let limits = Limits { pages_max: 2000 };
    let mut dice = Dice(0x5eed_7e57);
    let mut outcomes: BTreeMap<Option<Code>, usize> = BTreeMap::new();
    for seed in seeds() {
        Document::open(seed.as_slice())
            .and_then(|document| audit::audit(&document, &limits))
            .expect("a seed is sound");
        for _ in 0..2000 {
            let mut file = seed.clone();
            mutate(&mut file, &mut dice);
            let code = match Document::open(file.as_slice()) {
                Ok(document) => {
                    let result = audit::inspect(&document, &limits);
                    let (lexed, bytes) = document.lexed_and_read();
                    assert!(lexed <= 8 * bytes, "{lexed} of {bytes} bytes");
                    result.map(drop)
                }
                Err(error) => Err(error),
            };
            let code = code.err().map(|error| {
                assert!(!error.to_string().is_empty());
                error.code().expect("memory has no read errors")
            });
            *outcomes.entry(code).or_default() += 1;
        }
    }
    assert!(outcomes[&None] > 100, "{outcomes:?}");
    assert!(outcomes[&Some(Code::Malformed)] > 1000, "{outcomes:?}");
}
