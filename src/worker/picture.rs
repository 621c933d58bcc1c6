//! The picture of a signature: decoded, turned upright, white made transparent, cropped to the ink, scaled down, encoded
//! anew. Nothing of the upload's metadata survives.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbaImage, imageops,
};

use super::child::Stop;
use super::protocol::{Picture, PictureBounds};

/// Memory that a decoder may take beside the picture, in bytes.
const DECODER_BYTES_MAX: u64 = 256 << 20;
/// Pixels of either side in which the ink is looked for; a larger picture, as phones take them, is scaled down to this first.
const WORK_SIDE_MAX: u32 = 4_000;
/// Ink that covers less than this of a pixel, in 255ths, is paper: shadows and the noise of a scanner.
const PAPER_COVER_MAX: u8 = 24;

/// Decodes an uploaded PNG or JPEG.
pub(crate) fn decode(upload: &[u8], bounds: &PictureBounds) -> Result<Picture, Stop> {
    let format = match image::guess_format(upload) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => return Err(unreadable("neither a PNG nor a JPEG file")),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(upload), format);
    reader.limits(limits);
    let mut decoder = reader
        .into_decoder()
        .map_err(|error| unreadable(&error.to_string()))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > bounds.side_max
        || u64::from(width) * u64::from(height) > bounds.pixels_max
    {
        return Err(Stop::refused(
            "picture_too_large",
            format!(
                "{width} x {height} pixels, the limits are {} in all and {} a side",
                bounds.pixels_max, bounds.side_max
            ),
        ));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| match error {
        ImageError::Limits(_) => Stop::refused("picture_too_large", error.to_string()),
        other => unreadable(&other.to_string()),
    })?;
    if width.max(height) > WORK_SIDE_MAX {
        image = image.thumbnail(WORK_SIDE_MAX, WORK_SIDE_MAX);
    }
    image.apply_orientation(orientation);
    let mut pixels = image.into_rgba8();
    lift_ink(&mut pixels);
    let Some(mut ink) = crop(&pixels) else {
        return Err(Stop::refused("picture_empty", "the picture shows no ink"));
    };
    let longer = ink.width().max(ink.height());
    let side_max = bounds.result_side_max.max(1);
    if longer > side_max {
        let scaled =
            |side: u32| (u64::from(side) * u64::from(side_max) / u64::from(longer)).max(1) as u32;
        let (width, height) = (scaled(ink.width()), scaled(ink.height()));
        premultiply(&mut ink);
        ink = imageops::resize(&ink, width, height, imageops::FilterType::Triangle);
        unmultiply(&mut ink);
    }
    let mut png = Vec::new();
    ink.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
        .map_err(|error| unreadable(&error.to_string()))?;
    Ok(Picture {
        width: ink.width(),
        height: ink.height(),
        png,
    })
}

fn unreadable(reason: &str) -> Stop {
    Stop::refused("picture_unreadable", reason)
}

/// Takes the white out of every colour: a pixel becomes the ink that, laid on white paper, looks as it did.
fn lift_ink(pixels: &mut RgbaImage) {
    for pixel in pixels.pixels_mut() {
        let [r, g, b, alpha] = pixel.0;
        let cover = 255 - r.min(g).min(b);
        if cover <= PAPER_COVER_MAX {
            pixel.0 = [0, 0, 0, 0];
            continue;
        }
        let lift = |channel: u8| {
            let above_white = u32::from(channel) + u32::from(cover) - 255;
            (above_white * 255 / u32::from(cover)) as u8
        };
        let alpha = u32::from(cover) * u32::from(alpha) / 255;
        pixel.0 = [lift(r), lift(g), lift(b), alpha as u8];
    }
}

/// The smallest part that has all ink, with a pixel around; `None` without ink.
fn crop(pixels: &RgbaImage) -> Option<RgbaImage> {
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y, pixel) in pixels.enumerate_pixels() {
        if pixel.0[3] > PAPER_COVER_MAX {
            left = left.min(x);
            top = top.min(y);
            right = right.max(x);
            bottom = bottom.max(y);
        }
    }
    if left > right {
        return None;
    }
    let (left, top) = (left.saturating_sub(1), top.saturating_sub(1));
    let right = (right + 1).min(pixels.width() - 1);
    let bottom = (bottom + 1).min(pixels.height() - 1);
    Some(imageops::crop_imm(pixels, left, top, right - left + 1, bottom - top + 1).to_image())
}

/// Averages of transparent pixels must not bring their colour along.
fn premultiply(pixels: &mut RgbaImage) {
    for pixel in pixels.pixels_mut() {
        let [r, g, b, a] = pixel.0;
        let by = |channel: u8| ((u32::from(channel) * u32::from(a) + 127) / 255) as u8;
        pixel.0 = [by(r), by(g), by(b), a];
    }
}

fn unmultiply(pixels: &mut RgbaImage) {
    for pixel in pixels.pixels_mut() {
        let [r, g, b, a] = pixel.0;
        if a > 0 {
            let by = |channel: u8| (u32::from(channel) * 255 / u32::from(a)).min(255) as u8;
            pixel.0 = [by(r), by(g), by(b), a];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage, Rgba};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        image
            .write_to(&mut Cursor::new(&mut bytes), format)
            .unwrap();
        bytes
    }

    /// A blue stroke on white.
    fn signature(width: u32, height: u32) -> DynamicImage {
        let mut image = RgbImage::from_pixel(width, height, Rgb([255, 255, 255]));
        for x in width / 4..width / 2 {
            for y in height / 4..height / 3 {
                image.put_pixel(x, y, Rgb([0, 0, 160]));
            }
        }
        DynamicImage::ImageRgb8(image)
    }

    #[test]
    fn white_becomes_transparent_and_ink_stays() {
        let upload = encoded(&signature(400, 240), ImageFormat::Png);
        let picture = decode(&upload, &PictureBounds::default()).unwrap();
        assert_eq!((picture.width, picture.height), (102, 22));
        let rgba = picture.rgba().unwrap();
        assert_eq!(rgba[..4], [0, 0, 0, 0]);
        let middle = (11 * 102 + 50) * 4;
        let [r, g, b, a] = rgba[middle..middle + 4] else {
            panic!()
        };
        // On white paper it looks as before.
        let on_white = |c: u8| 255 - (u32::from(a) * (255 - u32::from(c)) / 255);
        assert_eq!([on_white(r), on_white(g), on_white(b)], [0, 0, 160]);
    }

    #[test]
    fn a_jpeg_is_read_too_and_a_large_one_scaled_down() {
        let upload = encoded(&signature(3_900, 3_900), ImageFormat::Jpeg);
        let bounds = PictureBounds {
            result_side_max: 100,
            ..PictureBounds::default()
        };
        let picture = decode(&upload, &bounds).unwrap();
        assert_eq!(picture.width, 100);
        assert!(picture.height < 40);
    }

    #[test]
    fn a_photograph_as_phones_take_them_is_scaled_down_and_taken() {
        let photo = encoded(&signature(8_064, 600), ImageFormat::Jpeg);
        let picture = decode(&photo, &PictureBounds::default()).unwrap();
        assert!((900..=1_200).contains(&picture.width), "{}", picture.width);
    }

    #[test]
    fn metadata_is_gone() {
        let secret = b"GPS 48.8584 N 2.2945 E";
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
        encoder.set_color(png::ColorType::Grayscale);
        encoder
            .add_text_chunk(
                "Comment".into(),
                String::from_utf8(secret.to_vec()).unwrap(),
            )
            .unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0; 16]).unwrap();
        writer.finish().unwrap();
        assert!(bytes.windows(secret.len()).any(|w| w == secret));
        let picture = decode(&bytes, &PictureBounds::default()).unwrap();
        assert!(!picture.png.windows(secret.len()).any(|w| w == secret));
    }

    #[test]
    fn an_empty_sheet_and_a_foreign_format_are_refused_by_name() {
        let code = |upload: &[u8]| match decode(upload, &PictureBounds::default()) {
            Err(Stop::Refused(refusal)) => refusal.code,
            other => panic!("{other:?}"),
        };
        let white = DynamicImage::ImageRgb8(RgbImage::from_pixel(50, 50, Rgb([250, 250, 248])));
        assert_eq!(code(&encoded(&white, ImageFormat::Png)), "picture_empty");
        assert_eq!(code(b"GIF89a\x01\0\x01\0"), "picture_unreadable");
        assert_eq!(code(b"\x89PNG\r\n\x1a\nxxxx"), "picture_unreadable");
        assert_eq!(code(b""), "picture_unreadable");
        let wide = DynamicImage::ImageRgba8(RgbaImage::from_pixel(10_001, 1, Rgba([0, 0, 0, 255])));
        assert_eq!(code(&encoded(&wide, ImageFormat::Png)), "picture_too_large");
    }

    #[test]
    fn a_png_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 60_000, 60_000);
        encoder.set_color(png::ColorType::Rgba);
        let writer = encoder.write_header().unwrap();
        drop(writer);
        assert!(matches!(
            decode(&bytes, &PictureBounds::default()),
            Err(Stop::Refused(_))
        ));
    }
}
