//! Pages as images: 4-bit grey PNG where a page has no colour, else RGB; JPEG where the PNG would be large (scans).

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};

use hayro::hayro_syntax::page::Page;
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use super::child::Stop;
use super::protocol::{FrameWriter, MediaType, Reply};
use super::scene::Scene;

/// The widest image, in pixels.
const WIDTH_MAX: u32 = 4_000;
/// Pixels of one image: a page of extreme shape comes out narrower than asked.
const PIXELS_MAX: f64 = 16_000_000.0;
/// A PNG larger than this becomes a JPEG if that is smaller.
const PNG_BYTES_MAX: usize = 300_000;
/// Quality of the JPEG, 1 to 100.
const JPEG_QUALITY: u8 = 75;
/// Channels that differ by no more than this are grey: printers' black comes in slight tints.
const GREY_TOLERANCE: u8 = 6;

/// Draws pages `first` to `last`, one answer each.
pub(crate) fn render<W: Write>(
    scene: &Scene,
    first: u32,
    last: u32,
    width: u32,
    out: &mut FrameWriter<W>,
) -> Result<(), Stop> {
    let mut cache = RenderCache::new();
    for (number, page) in scene.range(first, last) {
        let drawn = panic::catch_unwind(AssertUnwindSafe(|| draw(page, scene, &cache, width)));
        // A picture that lacks something would pass for the page.
        let pixmap = match drawn {
            Ok(pixmap) if scene.take_missed().is_nothing() => pixmap,
            failed => {
                if failed.is_err() {
                    cache = RenderCache::new();
                    scene.take_missed();
                }
                out.reply(&Reply::Undrawn { number })?;
                continue;
            }
        };
        let image = encode(&pixmap)?;
        out.reply(&Reply::Page {
            number,
            width: pixmap.width().into(),
            height: pixmap.height().into(),
            media_type: image.media_type,
        })?;
        out.bytes(&image.bytes)?;
        // The next page may be the one that kills the process.
        out.flush()?;
    }
    Ok(())
}

/// Width and height in pixels of a page drawn `width` wide, both at least 1.
fn size_in_pixels(page: (f32, f32), width: u32) -> (u16, u16) {
    let (page_width, page_height) = (f64::from(page.0), f64::from(page.1));
    let mut scale = f64::from(width.clamp(1, WIDTH_MAX)) / page_width;
    let pixels = page_width * scale * page_height * scale;
    if pixels > PIXELS_MAX {
        scale *= (PIXELS_MAX / pixels).sqrt();
    }
    let side = |length: f64| (length * scale).round().clamp(1.0, f64::from(u16::MAX)) as u16;
    (side(page_width), side(page_height))
}

pub(super) fn draw<'a>(
    page: &'a Page<'a>,
    scene: &Scene,
    cache: &RenderCache<'a>,
    width: u32,
) -> Pixmap {
    let size = page.render_dimensions();
    let (width, height) = size_in_pixels(size, width);
    let mut context = RenderContext::new(width, height);
    let scale = Affine::scale_non_uniform(
        f64::from(width) / f64::from(size.0),
        f64::from(height) / f64::from(size.1),
    );
    let [a, b, c, d, e, f] = page.initial_transform(true).as_coeffs();
    render_into(
        page,
        cache,
        &scene.settings,
        &RenderSettings::default(),
        &mut context,
        scale * Affine::new([a, b, c, d, e, f]),
    );
    context.flush();
    let mut pixmap = Pixmap::new(width, height);
    context.render_with(
        &mut pixmap,
        &mut Resources::default(),
        RasterizerSettings {
            target_init: TargetInit::Clear(WHITE),
            ..Default::default()
        },
    );
    pixmap
}

struct Encoded {
    media_type: MediaType,
    bytes: Vec<u8>,
}

fn encode(pixmap: &Pixmap) -> io::Result<Encoded> {
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let pixels = pixmap.data_as_u8_slice();
    let coloured = pixels.chunks_exact(4).any(|p| {
        p[0].abs_diff(p[1])
            .max(p[1].abs_diff(p[2]))
            .max(p[0].abs_diff(p[2]))
            > GREY_TOLERANCE
    });
    let png = if coloured {
        png(
            width,
            height,
            png::ColorType::Rgb,
            png::BitDepth::Eight,
            &rgb(pixels),
        )?
    } else {
        png(
            width,
            height,
            png::ColorType::Grayscale,
            png::BitDepth::Four,
            &grey_nibbles(pixels, width as usize),
        )?
    };
    if png.len() > PNG_BYTES_MAX {
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
        let encoded = if coloured {
            encoder.encode(&rgb(pixels), width, height, ExtendedColorType::Rgb8)
        } else {
            encoder.encode(&grey(pixels), width, height, ExtendedColorType::L8)
        };
        encoded.map_err(io::Error::other)?;
        if jpeg.len() < png.len() {
            return Ok(Encoded {
                media_type: MediaType::Jpeg,
                bytes: jpeg,
            });
        }
    }
    Ok(Encoded {
        media_type: MediaType::Png,
        bytes: png,
    })
}

fn rgb(pixels: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pixels.len() / 4 * 3);
    for pixel in pixels.chunks_exact(4) {
        out.extend_from_slice(&pixel[..3]);
    }
    out
}

fn grey(pixels: &[u8]) -> Vec<u8> {
    pixels.chunks_exact(4).map(|pixel| pixel[1]).collect()
}

/// Sixteen greys, two pixels in a byte, the left one in the high half; each row begins a byte.
fn grey_nibbles(pixels: &[u8], width: usize) -> Vec<u8> {
    let nibble = |pixel: &[u8]| ((u32::from(pixel[1]) * 15 + 127) / 255) as u8;
    let mut out = Vec::with_capacity(pixels.len() / 8 + 1);
    for row in pixels.chunks_exact(width * 4) {
        for pair in row.chunks(8) {
            let right = pair.get(4..).filter(|p| !p.is_empty()).map_or(0, nibble);
            out.push(nibble(pair) << 4 | right);
        }
    }
    out
}

fn png(
    width: u32,
    height: u32,
    colour: png::ColorType,
    depth: png::BitDepth,
    data: &[u8],
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(data).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_wide_as_asked_unless_its_shape_is_extreme() {
        assert_eq!(size_in_pixels((595.276, 841.89), 1000), (1000, 1414));
        assert_eq!(size_in_pixels((595.276, 841.89), 2400), (2400, 3394));
        assert_eq!(size_in_pixels((595.0, 842.0), 1_000_000).0, 3363);
        for (page, width) in [
            ((1.0, 14_400.0), 2400),
            ((14_400.0, 1.0), 2400),
            ((1e9, 1.0), 1000),
        ] {
            let (w, h) = size_in_pixels(page, width);
            assert!(w >= 1 && h >= 1);
            assert!(
                f64::from(w) * f64::from(h) <= PIXELS_MAX * 1.01,
                "{w} x {h}"
            );
        }
    }

    #[test]
    fn two_greys_share_a_byte_and_an_odd_row_ends_in_its_own() {
        let pixel = |v: u8| [v, v, v, 255];
        let row = [pixel(255), pixel(0), pixel(136)].concat();
        let two_rows = [row.clone(), row].concat();
        assert_eq!(grey_nibbles(&two_rows, 3), [0xF0, 0x80, 0xF0, 0x80]);
    }

    fn pixmap(width: u16, height: u16, mut pixel: impl FnMut(usize) -> [u8; 4]) -> Pixmap {
        let mut pixmap = Pixmap::new(width, height);
        for (at, out) in pixmap
            .data_as_u8_slice_mut()
            .chunks_exact_mut(4)
            .enumerate()
        {
            out.copy_from_slice(&pixel(at));
        }
        pixmap
    }

    #[test]
    fn a_page_without_colour_is_a_four_bit_png() {
        let encoded = encode(&pixmap(30, 20, |at| {
            let v = if at % 7 == 0 { 0 } else { 255 };
            [v, v, v, 255]
        }))
        .unwrap();
        assert_eq!(encoded.media_type, MediaType::Png);
        let reader = png::Decoder::new(io::Cursor::new(encoded.bytes))
            .read_info()
            .unwrap();
        assert_eq!(reader.info().bit_depth, png::BitDepth::Four);
        assert_eq!(reader.info().color_type, png::ColorType::Grayscale);
    }

    #[test]
    fn a_red_dot_makes_the_png_coloured_and_is_kept() {
        let encoded = encode(&pixmap(3, 2, |at| {
            if at == 4 { [255, 0, 0, 255] } else { [255; 4] }
        }))
        .unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(encoded.bytes))
            .read_info()
            .unwrap();
        let mut out = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut out).unwrap();
        assert_eq!(out[12..15], [255, 0, 0]);
        assert_eq!(out[9..12], [255, 255, 255]);
    }

    #[test]
    fn noise_becomes_a_jpeg() {
        let mut state = 1_u32;
        let encoded = encode(&pixmap(600, 600, |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [
                (state >> 24) as u8,
                (state >> 16) as u8,
                (state >> 8) as u8,
                255,
            ]
        }))
        .unwrap();
        assert_eq!(encoded.media_type, MediaType::Jpeg);
        assert!(encoded.bytes.starts_with(&[0xFF, 0xD8]));
    }
}
