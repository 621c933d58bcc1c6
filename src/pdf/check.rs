//! The last look at a sealed file before anyone calls it complete: everything is read again from its bytes, nothing is
//! believed of what wrote them.

use std::io;

use super::document::Document;
use super::error::Error as ReadError;
use super::object::{Dict, Object, Ref};
use super::prepare::Stamp;
use super::source::ReadAt;
use crate::domain::digest::{Digest, Hasher};
use crate::domain::time::Timestamp;
use crate::pki::chain::{self, ChainError};
use crate::pki::cms::{self, VerifyError};

/// The most that a decoded stamp stream may have: they are a few bytes for each stamp.
const STAMPS_BYTES_MAX: usize = 8 << 20;
/// Between an object's number and its signature value.
const DICTIONARY_BYTES_MAX: u64 = 64 * 1024;
/// Bytes that are read at once.
const READ_BYTES: usize = 128 * 1024;

/// What a sealed file must be.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    /// Trusted roots, DER.
    pub roots: &'a [Vec<u8>],
    /// The moment of the seal, at which the certificates must be valid.
    pub at: Timestamp,
    /// Length and digest of the original, where known.
    pub original: Option<(u64, Digest)>,
    /// Pages of the original and those added to it, where known.
    pub pages: Option<usize>,
    /// Marks that must be on their pages.
    pub stamps: &'a [Stamp],
    /// The bound of the reader; pages that were added and are counted in `pages` may go beyond it.
    pub pages_max: usize,
}

/// What the check saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The signer's name, for people.
    pub signer: String,
    /// The signer's common name.
    pub common_name: Option<String>,
    /// The signer's issuer, for people.
    pub issuer: String,
    /// SHA-256 of the signer's certificate.
    pub certificate: Digest,
    /// SHA-256 of the root that the path ends at.
    pub root: Digest,
    /// SHA-256 of the file: to be compared with the one that the seal told. The certificates that came along in the
    /// signature value are signed by nobody here, so that a change in them shows only in this.
    pub digest: Digest,
    /// Bytes of the file.
    pub length: u64,
    /// Pages of the file.
    pub pages: usize,
    /// Marks that were found again.
    pub marks: usize,
}

/// Why a file is not soundly sealed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A rule of the seal is broken; says which.
    #[error("{0}")]
    Rule(&'static str),
    /// The signature doesn't hold.
    #[error("signature: {0}")]
    Signature(#[from] VerifyError),
    /// The certificate leads to no trusted root.
    #[error("certificate: {0}")]
    Chain(#[from] ChainError),
    /// The first revision is not the original.
    #[error("the first revision's SHA-256 is {found}, the original's is {expected}")]
    OriginalDiffers {
        /// In the file.
        found: Digest,
        /// As it should be.
        expected: Digest,
    },
    /// It is not the file that was written.
    #[error("the file's SHA-256 is {found}, what was written has {expected}")]
    FileDiffers {
        /// In the file.
        found: Digest,
        /// As it should be.
        expected: Digest,
    },
    /// Pages are missing or too many.
    #[error("the file has {found} pages instead of {expected}")]
    Pages {
        /// In the file.
        found: usize,
        /// As it should be.
        expected: usize,
    },
    /// A mark is not where it was put.
    #[error("a mark is missing on page {page}")]
    MarkMissing {
        /// From 1.
        page: usize,
    },
}

/// Reads `source` anew and holds it against `expected`: structure, pages, marks, certification P=1, a `/ByteRange` of all but
/// the signature value, digest, CMS, path to a trusted root, nothing after the seal.
///
/// # Errors
/// [`CheckError`]: the first thing that is wrong.
pub fn check<R: ReadAt>(source: &R, expected: &Expected<'_>) -> Result<Checked, CheckError> {
    let document = Document::open(source)?;
    let pages_max = expected.pages_max.max(expected.pages.unwrap_or_default());
    let tree = document.page_tree(pages_max)?;
    if let Some(pages) = expected.pages
        && tree.pages.len() != pages
    {
        return Err(CheckError::Pages {
            found: tree.pages.len(),
            expected: pages,
        });
    }
    for stamp in expected.stamps {
        let missing = CheckError::MarkMissing {
            page: stamp.page + 1,
        };
        let page = tree.pages.get(stamp.page);
        if !page.map_or(Ok(false), |page| has_stamp(&document, &page.dict, stamp))? {
            return Err(missing);
        }
    }

    let seal = Seal::of(&document)?;
    seal.check_gap(&document)?;
    let length = document.file_bytes();
    let mut last = [0; 6];
    read_exact(source, length.saturating_sub(6), &mut last)?;
    if last != *b"%%EOF\n" {
        return Err(CheckError::Rule("the file does not end with %%EOF"));
    }

    let digests = Digests::of(source, &seal, length, expected.original.map(|(n, _)| n))?;
    if let Some((_, original)) = expected.original
        && digests.original != Some(original)
    {
        return Err(CheckError::OriginalDiffers {
            found: digests.original.unwrap_or(digests.file),
            expected: original,
        });
    }
    let message = cms::without_padding(&seal.contents).map_err(VerifyError::from)?;
    let signature = cms::verify_detached(message, digests.signed.as_bytes())?;
    let path = chain::find_path(
        &signature.certificate,
        &signature.others,
        expected.roots,
        expected.at,
    )?;
    Ok(Checked {
        signer: signature.subject,
        common_name: signature.common_name,
        issuer: signature.issuer,
        certificate: Digest::of(&signature.certificate),
        root: Digest::of(path.root()),
        digest: digests.file,
        length,
        pages: tree.pages.len(),
        marks: expected.stamps.len(),
    })
}

/// Whether the page's resources have the stamp's form under its name and its last content stream draws it.
fn has_stamp<R: ReadAt>(
    document: &Document<R>,
    page: &Dict,
    stamp: &Stamp,
) -> Result<bool, CheckError> {
    let resources = document.value(page, "Resources")?;
    let Some(resources) = resources.as_dict() else {
        return Ok(false);
    };
    let x_objects = document.value(resources, "XObject")?;
    let named = x_objects.as_dict().and_then(|dict| dict.get(&stamp.name));
    if named.and_then(Object::as_reference) != Some(stamp.form)
        || document.get(stamp.form)?.as_stream().is_none()
    {
        return Ok(false);
    }
    let contents = document.value(page, "Contents")?;
    let Some(last) = contents.as_array().and_then(<[Object]>::last) else {
        return Ok(false);
    };
    let last = document.resolve(last)?;
    let Some(stream) = last.as_stream() else {
        return Ok(false);
    };
    let Some(content) = document.stream_decoded(stream, STAMPS_BYTES_MAX)? else {
        return Ok(false);
    };
    let draws = format!("/{} Do", stamp.name);
    Ok(content
        .windows(draws.len())
        .any(|window| window == draws.as_bytes()))
}

/// The certification signature as the file has it.
struct Seal {
    id: Ref,
    contents: Vec<u8>,
    /// `<` to `>` of `/Contents`, from the start of the file.
    gap: (u64, u64),
}

impl Seal {
    fn of<R: ReadAt>(document: &Document<R>) -> Result<Self, CheckError> {
        let perms = document.value(document.root(), "Perms")?;
        let id = perms
            .as_dict()
            .and_then(|perms| perms.get("DocMDP"))
            .and_then(Object::as_reference)
            .ok_or(CheckError::Rule("the catalog names no certification"))?;
        let Object::Dict(dict) = document.get(id)? else {
            return Err(CheckError::Rule("the certification is no dictionary"));
        };
        let is_ours = dict
            .get("Filter")
            .is_some_and(|v| v.is_name("Adobe.PPKLite"))
            && dict
                .get("SubFilter")
                .is_some_and(|v| v.is_name("ETSI.CAdES.detached"));
        if !is_ours {
            return Err(CheckError::Rule("the certification is of another kind"));
        }
        if permission(document, &dict)? != Some(1) {
            return Err(CheckError::Rule(
                "the certification does not forbid all changes",
            ));
        }
        if !on_one_field(document, id)? {
            return Err(CheckError::Rule(
                "the certification is not on exactly one field",
            ));
        }
        let numbers: Vec<u64> = dict
            .get("ByteRange")
            .and_then(Object::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(|n| n.as_int().and_then(|n| u64::try_from(n).ok()))
            .collect();
        let &[0, from, until, rest] = numbers.as_slice() else {
            return Err(CheckError::Rule("/ByteRange is not four numbers from 0"));
        };
        if until.checked_add(rest) != Some(document.file_bytes()) {
            return Err(CheckError::Rule("/ByteRange does not reach the file's end"));
        }
        let contents = dict
            .get("Contents")
            .and_then(Object::as_string)
            .ok_or(CheckError::Rule("/Contents is no string"))?
            .to_vec();
        if until.checked_sub(from) != Some(contents.len() as u64 * 2 + 2) {
            return Err(CheckError::Rule(
                "/ByteRange leaves out more than /Contents",
            ));
        }
        Ok(Self {
            id,
            contents,
            gap: (from, until),
        })
    }

    /// The bytes that the digest leaves out are this dictionary's `<hex>` and no other's.
    fn check_gap<R: ReadAt>(&self, document: &Document<R>) -> Result<(), CheckError> {
        const ERROR: CheckError =
            CheckError::Rule("/ByteRange leaves out other bytes than /Contents");
        let (from, until) = self.gap;
        let object = document.offset_of(self.id).ok_or(ERROR)?;
        let before = from
            .checked_sub(object)
            .filter(|before| *before <= DICTIONARY_BYTES_MAX)
            .and_then(|before| usize::try_from(before).ok())
            .ok_or(ERROR)?;
        let mut dictionary = vec![0; before];
        read_exact(document.source(), object, &mut dictionary)?;
        let mut token = vec![0; usize::try_from(until - from).map_err(|_| ERROR)?];
        read_exact(document.source(), from, &mut token)?;
        let hex = token
            .strip_prefix(b"<")
            .and_then(|token| token.strip_suffix(b">"))
            .ok_or(ERROR)?;
        let names_it = dictionary.trim_ascii_end().ends_with(b"/Contents");
        let one_object = !dictionary.windows(6).any(|window| window == b"endobj");
        if names_it && one_object && hex::decode(hex).is_ok_and(|bytes| bytes == self.contents) {
            Ok(())
        } else {
            Err(ERROR)
        }
    }
}

/// `/P` of the one DocMDP reference (12.8.2.2).
fn permission<R: ReadAt>(
    document: &Document<R>,
    signature: &Dict,
) -> Result<Option<i64>, CheckError> {
    let references = document.value(signature, "Reference")?;
    let Some([reference]) = references.as_array() else {
        return Ok(None);
    };
    let reference = document.resolve(reference)?;
    let Some(reference) = reference.as_dict() else {
        return Ok(None);
    };
    if !document
        .value(reference, "TransformMethod")?
        .is_name("DocMDP")
    {
        return Ok(None);
    }
    let parameters = document.value(reference, "TransformParams")?;
    let Some(parameters) = parameters.as_dict() else {
        return Ok(None);
    };
    Ok(document.value(parameters, "P")?.as_int())
}

/// Whether exactly one of the form's top-level fields has this value, and is a signature field.
fn on_one_field<R: ReadAt>(document: &Document<R>, signature: Ref) -> Result<bool, CheckError> {
    let form = document.value(document.root(), "AcroForm")?;
    let Some(form) = form.as_dict() else {
        return Ok(false);
    };
    let fields = document.value(form, "Fields")?;
    let mut found = 0;
    for field in fields.as_array().unwrap_or_default() {
        let field = document.resolve(field)?;
        if let Some(dict) = field.as_dict()
            && dict.get("V").and_then(Object::as_reference) == Some(signature)
            && dict.get("FT").is_some_and(|kind| kind.is_name("Sig"))
        {
            found += 1;
        }
    }
    Ok(found == 1)
}

/// All digests of the file, by one pass over it.
struct Digests {
    file: Digest,
    signed: Digest,
    original: Option<Digest>,
}

impl Digests {
    fn of<R: ReadAt>(
        source: &R,
        seal: &Seal,
        length: u64,
        original: Option<u64>,
    ) -> Result<Self, CheckError> {
        let (from, until) = seal.gap;
        if original.is_some_and(|original| original > from) {
            return Err(CheckError::Rule("the file is shorter than its original"));
        }
        let mut file = Hasher::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut at = 0;
        let mut first = None;
        if let Some(original) = original {
            hash(source, &mut at, original, &mut buffer, &mut [&mut file])?;
            first = Some(file.clone().finish());
        }
        hash(source, &mut at, from, &mut buffer, &mut [&mut file])?;
        let mut signed = file.clone();
        hash(source, &mut at, until, &mut buffer, &mut [&mut file])?;
        hash(
            source,
            &mut at,
            length,
            &mut buffer,
            &mut [&mut file, &mut signed],
        )?;
        Ok(Self {
            file: file.finish(),
            signed: signed.finish(),
            original: first,
        })
    }
}

/// Hashes from `at` up to `until`, and moves `at` there.
fn hash<R: ReadAt>(
    source: &R,
    at: &mut u64,
    until: u64,
    buffer: &mut [u8],
    hashers: &mut [&mut Hasher],
) -> Result<(), CheckError> {
    while *at < until {
        let want = usize::try_from(until - *at)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let part = buffer.get_mut(..want).unwrap_or_default();
        read_exact(source, *at, part)?;
        for hasher in hashers.iter_mut() {
            hasher.update(part);
        }
        *at += want as u64;
    }
    Ok(())
}

fn read_exact<R: ReadAt + ?Sized>(
    source: &R,
    mut offset: u64,
    mut buffer: &mut [u8],
) -> Result<(), ReadError> {
    while !buffer.is_empty() {
        match source.read_at(offset, buffer) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
