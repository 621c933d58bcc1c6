//! Odd but legal PDFs, as the world's programs write them: a generator that makes the same files of the same seed.
//!
//! A file is made in three steps that know nothing of each other: what it says (`content`), how its tokens are spelt (`spelling`),
//! where its objects and cross-references lie (`layout`). ISO 32000-2 allows every combination of them.

mod chance;
mod content;
mod layout;
mod spelling;

pub use chance::Chance;
use content::Features;
use layout::{Habits, Kind};
use spelling::{End, Spelling};

/// One made file.
pub struct Odd {
    /// The habit that it was made with, and its number.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
}

/// A program's way to write files: its name, how often in a hundred it does each odd thing.
struct Producer {
    name: &'static str,
    kind: Kind,
    end: End,
    /// White space and comments where none are needed, in percent of the places.
    loose: u8,
    /// Names, strings and numbers that are spelt in an unusual way, in percent.
    strange: u8,
    /// Incremental updates after the first revision, at most.
    updates: u8,
    features: Features,
}

const PRODUCERS: [Producer; 9] = [
    Producer {
        name: "browser-print",
        kind: Kind::Table,
        end: End::Lf,
        loose: 10,
        strange: 0,
        updates: 0,
        features: Features::of(&["tagged", "links", "forms-drawn"]),
    },
    Producer {
        name: "word-processor",
        kind: Kind::Hybrid,
        end: End::CrLf,
        loose: 20,
        strange: 0,
        updates: 0,
        features: Features::of(&["tagged", "info", "metadata", "links"]),
    },
    Producer {
        name: "typesetter",
        kind: Kind::Packed,
        end: End::Lf,
        loose: 15,
        strange: 0,
        updates: 0,
        features: Features::of(&["nested", "links", "outline", "info", "labels"]),
    },
    Producer {
        name: "scanner",
        kind: Kind::Table,
        end: End::Cr,
        loose: 5,
        strange: 0,
        updates: 0,
        features: Features::of(&["scan", "turned", "cropped"]),
    },
    Producer {
        name: "form-filler",
        kind: Kind::Table,
        end: End::CrLf,
        loose: 10,
        strange: 10,
        updates: 4,
        features: Features::of(&["form", "notes", "info"]),
    },
    Producer {
        name: "web-optimiser",
        kind: Kind::FirstPageFirst,
        end: End::Lf,
        loose: 5,
        strange: 0,
        updates: 1,
        features: Features::of(&["links", "outline", "metadata", "info"]),
    },
    Producer {
        name: "library",
        kind: Kind::Stream,
        end: End::Lf,
        loose: 0,
        strange: 5,
        updates: 2,
        features: Features::of(&["form", "notes", "layers", "metadata"]),
    },
    Producer {
        name: "drawing-program",
        kind: Kind::Packed,
        end: End::Cr,
        loose: 10,
        strange: 5,
        updates: 2,
        features: Features::of(&["layers", "cropped", "units", "forms-drawn", "metadata"]),
    },
    // Whatever the standard allows, at once.
    Producer {
        name: "lawyer",
        kind: Kind::Table,
        end: End::Mixed,
        loose: 40,
        strange: 40,
        updates: 3,
        features: Features::ALL,
    },
];

/// The file of one number: producers take turns, chance does the rest.
pub fn document(number: usize) -> Odd {
    let mut chance = Chance::new(number as u64);
    let producer = &PRODUCERS[number % PRODUCERS.len()];
    let mut kind = producer.kind;
    if producer.name == "lawyer" {
        kind = chance.pick(&[
            Kind::Table,
            Kind::Stream,
            Kind::Packed,
            Kind::Hybrid,
            Kind::FirstPageFirst,
        ]);
    }
    let content = content::make(&mut chance, producer.features, producer.updates);
    let spelling = Spelling {
        end: producer.end,
        loose: producer.loose,
        strange: producer.strange,
    };
    let habits = Habits::by_chance(&mut chance, kind);
    Odd {
        name: format!("{}-{number}", producer.name),
        pages: content.pages,
        bytes: layout::write(&content, &spelling, &habits, &mut chance),
    }
}
