//! Pictures: RGB with a soft mask where something shines through (ISO 32000-2, 8.9.5, 11.6.5.2). They come decoded by the
//! worker; nothing here reads an image format.

use pdf_writer::{Filter, Name, Ref};

use super::text::deflate;
use super::update::Objects;

/// The most pixels of one picture.
const PIXELS_MAX: u64 = 16_000_000;

/// A decoded picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

/// The bytes are not those of a picture of that size, or it has no pixel or more than 16 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the pixels of a picture of that size")]
pub struct NotAPicture;

impl Picture {
    /// Four bytes for each pixel: red, green, blue, opacity; rows from the top.
    ///
    /// # Errors
    /// [`NotAPicture`].
    pub fn from_rgba(width: u32, height: u32, rgba: Vec<u8>) -> Result<Self, NotAPicture> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > PIXELS_MAX || rgba.len() as u64 != pixels * 4 {
            return Err(NotAPicture);
        }
        Ok(Self {
            width,
            height,
            rgba,
        })
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Writes it as an image object, with its soft mask unless all of it is opaque.
    pub(super) fn write(&self, objects: &mut Objects) -> Ref {
        let (pixels, _) = self.rgba.as_chunks::<4>();
        let rgb: Vec<u8> = pixels
            .iter()
            .flat_map(|[r, g, b, _]| [*r, *g, *b])
            .collect();
        let alpha: Vec<u8> = pixels.iter().map(|[_, _, _, a]| *a).collect();
        // Both were checked to be far below 2^31.
        let width = i32::try_from(self.width).unwrap_or(i32::MAX);
        let height = i32::try_from(self.height).unwrap_or(i32::MAX);

        let mask = alpha.iter().any(|a| *a != u8::MAX).then(|| {
            let id = objects.reserve();
            let packed = deflate(&alpha);
            objects.put(|chunk| {
                let mut image = chunk.image_xobject(id, &packed);
                image.filter(Filter::FlateDecode);
                image.width(width).height(height).bits_per_component(8);
                image.color_space().device_gray();
            });
            id
        });
        let id = objects.reserve();
        let packed = deflate(&rgb);
        objects.put(|chunk| {
            let mut image = chunk.image_xobject(id, &packed);
            image.filter(Filter::FlateDecode);
            image.width(width).height(height).bits_per_component(8);
            image.color_space().device_rgb();
            if let Some(mask) = mask {
                image.pair(Name(b"SMask"), mask);
            }
        });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_as_many_bytes_as_its_size_says() {
        assert!(Picture::from_rgba(2, 1, vec![0; 8]).is_ok());
        for (width, height, bytes) in [(2, 1, 7), (0, 5, 0), (u32::MAX, u32::MAX, 4)] {
            assert_eq!(
                Picture::from_rgba(width, height, vec![0; bytes]),
                Err(NotAPicture)
            );
        }
    }
}
