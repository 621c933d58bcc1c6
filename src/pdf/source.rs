//! Bytes at an offset: where a document is read from, through a small window.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::error::Error;

/// Something that gives bytes at any offset and doesn't change while it is read.
pub trait ReadAt {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it holds no byte.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buf` from `offset` as far as it can; 0 means the end. As `pread(2)`.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn len(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..))
            .unwrap_or_default();
        let count = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }
}

impl ReadAt for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, buf, offset)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for Arc<T> {
    fn len(&self) -> io::Result<u64> {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }
}

/// Bytes that are kept together: the offset of the first, and the bytes.
pub(super) type Chunk = (u64, Arc<[u8]>);

/// What a lexer asks for the bytes around a position.
pub(super) trait Chunks {
    /// The chunk that holds `offset`, which lies before the end.
    fn chunk(&self, offset: u64) -> Result<Chunk, Error>;
}

/// One page of the window: large enough to hold a few objects, small enough that hopping over streams is cheap.
const PAGE_BYTES: u64 = 8 * 1024;
/// Pages in the window.
const PAGES: usize = 16;

/// A file seen through a window of the pages that were used last.
pub(super) struct Window<R> {
    source: R,
    length: u64,
    /// Most recently used first.
    pages: RefCell<Vec<Chunk>>,
}

impl<R: ReadAt> Window<R> {
    /// A window on `source`.
    pub(super) fn new(source: R) -> Result<Self, Error> {
        let length = source.len()?;
        Ok(Self {
            source,
            length,
            pages: RefCell::new(Vec::with_capacity(PAGES)),
        })
    }

    /// The length of the file in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// The file itself.
    pub(super) const fn source(&self) -> &R {
        &self.source
    }

    /// `length` bytes from `offset`, not through the window.
    ///
    /// # Errors
    /// [`Error::Read`] where the file ends before.
    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; length];
        let mut rest = bytes.as_mut_slice();
        let mut at = offset;
        while !rest.is_empty() {
            match self.source.read_at(at, rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(count) => {
                    rest = rest.get_mut(count..).unwrap_or_default();
                    at += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bytes)
    }
}

impl<R: ReadAt> Chunks for Window<R> {
    fn chunk(&self, offset: u64) -> Result<Chunk, Error> {
        let start = offset - offset % PAGE_BYTES;
        let mut pages = self.pages.borrow_mut();
        if let Some(index) = pages.iter().position(|(base, _)| *base == start) {
            // Rotate the hit to the front.
            if let Some(head) = pages.get_mut(..=index) {
                head.rotate_right(1);
            }
        } else {
            let length = PAGE_BYTES.min(self.length.saturating_sub(start)) as usize;
            let page = self.read(start, length)?;
            pages.truncate(PAGES - 1);
            pages.insert(0, (start, page.into()));
        }
        match pages.first() {
            Some((base, page)) => Ok((*base, Arc::clone(page))),
            None => Ok((start, Arc::from([]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_gives_the_files_bytes_across_pages_and_keeps_few() {
        let bytes: Vec<u8> = (0..PAGE_BYTES * 40 + 5).map(|n| (n % 251) as u8).collect();
        let window = Window::new(bytes.as_slice()).unwrap();
        for offset in [0, 5, PAGE_BYTES, PAGE_BYTES * 40 + 4, 3, PAGE_BYTES * 39] {
            let (base, chunk) = window.chunk(offset).unwrap();
            assert_eq!(
                chunk[(offset - base) as usize],
                bytes[offset as usize],
                "at {offset}"
            );
        }
        for page in 0..40 {
            window.chunk(page * PAGE_BYTES).unwrap();
        }
        assert_eq!(window.pages.borrow().len(), PAGES);
    }

    #[test]
    fn a_source_that_ends_early_is_a_read_error() {
        let window = Window::new(b"abc".as_slice()).unwrap();
        assert!(matches!(window.read(1, 5), Err(Error::Read(_))));
    }
}
