//! What the audit may find.

use std::fmt;

use crate::pdf::error::Code;
use crate::pdf::object::Ref;

/// What an upload may not bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A signature field with a value (12.7.5.5).
    SignedField,
    /// A dictionary with `/ByteRange`: a signature or time-stamp (12.8.1).
    ByteRange,
    /// `/Perms` with an entry: a certification or usage rights (12.8.6).
    Permissions,
    /// `/NeedsRendering true` in the catalog: the pages are made by a program (dynamic XFA).
    DynamicXfa,
    /// `/OpenAction` with another action than GoTo (7.7.2).
    OpenAction,
    /// An `/AA` dictionary with an entry (12.6.3).
    AdditionalActions,
    /// A JavaScript action, those in the catalog's names too (12.6.4.17).
    JavaScript,
    /// Any other action that runs, sends, fetches, shows or hides something (12.6.4).
    Action,
    /// A URI action to something else than http, https or mailto (12.6.4.8).
    Uri,
    /// A file specification with an embedded file (7.11.4).
    EmbeddedFile,
    /// The catalog's tree of embedded files (7.11.4).
    EmbeddedFiles,
    /// An associated file `/AF` (14.13).
    AssociatedFile,
    /// A portable collection (12.3.5).
    Collection,
    /// An XFA form (12.7.8).
    Xfa,
    /// Alternate images: the printer may get another than the screen (8.9.5.4).
    AlternateImage,
    /// A reference XObject: shows a page of another file (8.10.4).
    ReferenceXObject,
    /// An annotation with a file, a sound, a film or a 3D scene (12.5.6).
    MediaAnnotation,
    /// A stream whose data lies outside the file (7.3.8.2, `/F`).
    ExternalStream,
    /// A signature field without a value: somebody else's place to sign (12.7.5.5).
    EmptySignature,
    /// An annotation that another reader, or paper, shows and an image of the page doesn't (12.5.3, 12.5.5).
    UnseenAnnotation,
    /// Optional content that is off, or may be at another time or place (8.11).
    HiddenLayer,
    /// An image without a size in whole pixels (8.9.5): one reader shows it, another doesn't.
    ImageSize,
}

impl Kind {
    /// A short name for reasons and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedField => "signature field with /V",
            Self::ByteRange => "dictionary with /ByteRange",
            Self::Permissions => "/Perms",
            Self::DynamicXfa => "dynamic XFA form",
            Self::OpenAction => "OpenAction",
            Self::AdditionalActions => "AA (additional actions)",
            Self::JavaScript => "JavaScript",
            Self::Action => "action",
            Self::Uri => "URI other than http, https, mailto",
            Self::EmbeddedFile => "embedded file",
            Self::EmbeddedFiles => "tree of embedded files",
            Self::AssociatedFile => "associated file",
            Self::Collection => "collection",
            Self::Xfa => "XFA form",
            Self::AlternateImage => "alternate image",
            Self::ReferenceXObject => "reference XObject",
            Self::MediaAnnotation => "media annotation",
            Self::ExternalStream => "stream with outside data",
            Self::EmptySignature => "empty signature field",
            Self::UnseenAnnotation => "annotation that signers would not see",
            Self::HiddenLayer => "layer that signers would not see",
            Self::ImageSize => "image without a size",
        }
    }

    /// The code of the refusal of an upload.
    pub const fn code(self) -> Code {
        match self {
            Self::SignedField | Self::ByteRange | Self::Permissions => Code::AlreadySigned,
            Self::DynamicXfa | Self::UnseenAnnotation | Self::HiddenLayer | Self::ImageSize => {
                Code::Unrenderable
            }
            _ => Code::ActiveContent,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// More words: the action's or annotation's type, the scheme.
    pub detail: String,
    /// The indirect object that it stands in; `None` in the trailer.
    pub object: Option<Ref>,
    /// The page that it hangs on, from 1, where it hangs on one.
    pub page: Option<usize>,
    /// Where that object stands in the file, in bytes.
    pub offset: Option<u64>,
}
