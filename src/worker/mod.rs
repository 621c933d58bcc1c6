//! What is done to strangers' bytes outside the server: the re-executed `pdf-worker` process and its client.
//!
//! Inspecting, drawing and reading text walk through formats that can ask for any amount of time and memory. So each job
//! runs in a process of its own with hard limits ([`confine`]), an empty environment and nothing but the open file; the
//! server's side ([`Worker`]) holds the number of processes, the time and the size of the answer. If a file breaks the
//! process, the caller gets an [`Error`] and nothing else happens.
//!
//! In reading order: [`protocol`] (what is asked and answered), [`client`], [`child`], [`confine`], then what the child can
//! do: [`inspect`], `content`, `witness`, [`render`], [`text`], [`picture`].

pub mod child;
pub mod client;
pub mod confine;
mod content;
pub mod inspect;
mod permits;
pub mod picture;
pub mod protocol;
pub mod render;
mod scene;
pub mod text;
mod witness;

pub use client::{Error, Limits, Rendering, Worker};
pub use protocol::{
    Confinement, DrawnStamp, Inspection, MediaType, PageFacts, PageImage, PageText, Picture,
    PictureBounds, Refusal, TextRun, Warning,
};
pub use witness::{StampsDiffer, stamps_differ};
