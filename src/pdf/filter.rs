//! Flate and the PNG predictor (ISO 32000-2, 7.4.4), bounded.

use flate2::{Decompress, FlushDecompress, Status};

use super::error::Error;
use super::object::{Dict, Object};

/// How encoded data becomes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Flate, else the data stands as it is.
    pub flate: bool,
    /// The PNG predictor's bytes in a row (one byte for a pixel), if there is one.
    pub png_columns: Option<usize>,
}

/// Why data could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not a zlib header (RFC 1950).
    #[error("not Flate data: its first two bytes are no zlib header")]
    Header,
    /// The deflate data is broken or ends early (RFC 1951).
    #[error("the Flate data is broken or ends early")]
    Broken,
    /// More than the limit.
    #[error("inflates to more than {0} bytes")]
    TooLarge(usize),
    /// A row that is not whole or has no PNG filter 0 to 4.
    #[error("the predictor's rows are broken")]
    Predictor,
}

/// How many bytes are inflated at once.
const STEP_BYTES: usize = 32 * 1024;

/// The widest row that a predictor is undone for.
const COLUMNS_MAX: i64 = 1 << 20;

impl Filter {
    /// What `/Filter` and `/DecodeParms` of a stream dictionary say; `None` where that is anything but no filter or Flate alone,
    /// without predictor or with a PNG one of one component of 8 bits. `resolve` follows references.
    ///
    /// # Errors
    /// Those of `resolve`.
    pub(super) fn of(
        dict: &Dict,
        resolve: &mut dyn FnMut(&Object) -> Result<Object, Error>,
    ) -> Result<Option<Self>, Error> {
        let mut only = |key: &str| -> Result<Option<Object>, Error> {
            let value = dict.get(key).map_or(Ok(Object::Null), &mut *resolve)?;
            match value {
                Object::Array(items) if items.len() > 1 => Ok(None),
                Object::Array(items) => items
                    .first()
                    .map_or(Ok(Object::Null), &mut *resolve)
                    .map(Some),
                other => Ok(Some(other)),
            }
        };
        let (Some(filter), Some(parameters)) = (only("Filter")?, only("DecodeParms")?) else {
            return Ok(None);
        };
        let flate = match &filter {
            Object::Null => {
                return Ok(Some(Self {
                    flate: false,
                    png_columns: None,
                }));
            }
            name if name.is_name("FlateDecode") => true,
            _ => return Ok(None),
        };
        let parameters = match parameters {
            Object::Null => Dict::new(),
            Object::Dict(dict) => dict,
            _ => return Ok(None),
        };
        let mut number = |key: &str, default: i64| -> Result<Option<i64>, Error> {
            match parameters.get(key) {
                None => Ok(Some(default)),
                Some(value) => Ok(resolve(value)?.as_int()),
            }
        };
        let png_columns = match number("Predictor", 1)? {
            Some(1) => None,
            Some(10..=15) => {
                let one_byte =
                    number("Colors", 1)? == Some(1) && number("BitsPerComponent", 8)? == Some(8);
                match number("Columns", 1)? {
                    Some(columns @ 1..=COLUMNS_MAX) if one_byte => Some(columns as usize),
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { flate, png_columns }))
    }

    /// Decodes `data` to at most `bytes_max` bytes (before and after the predictor).
    pub fn decode(self, data: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, FilterError> {
        let plain = if self.flate {
            inflate(&data, bytes_max)?
        } else if data.len() > bytes_max {
            return Err(FilterError::TooLarge(bytes_max));
        } else {
            data
        };
        match self.png_columns {
            Some(columns) => undo_png(&plain, columns),
            None => Ok(plain),
        }
    }
}

/// Inflates zlib data. The deflate data must be whole; the checksum after it may be wrong or missing: readers agree on
/// such data, and programs that write it are common.
fn inflate(data: &[u8], bytes_max: usize) -> Result<Vec<u8>, FilterError> {
    let (Some(&[cmf, flags]), Some(deflate)) = (data.first_chunk(), data.get(2..)) else {
        return Err(FilterError::Header);
    };
    let sum = u16::from_be_bytes([cmf, flags]);
    // RFC 1950: method 8, no preset dictionary, check bits.
    if cmf & 0x0f != 8 || flags & 0x20 != 0 || sum % 31 != 0 {
        return Err(FilterError::Header);
    }
    let mut state = Decompress::new(false);
    let mut out: Vec<u8> = Vec::new();
    loop {
        let taken = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = deflate.get(taken..).unwrap_or_default();
        let before = (state.total_in(), out.len());
        out.reserve(STEP_BYTES);
        let status = state
            .decompress_vec(rest, &mut out, FlushDecompress::None)
            .map_err(|_| FilterError::Broken)?;
        if out.len() > bytes_max {
            return Err(FilterError::TooLarge(bytes_max));
        }
        if status == Status::StreamEnd {
            return Ok(out);
        }
        if (state.total_in(), out.len()) == before {
            return Err(FilterError::Broken);
        }
    }
}

/// Undoes the PNG filters (PNG, clause 9) of rows of `columns` one-byte pixels.
fn undo_png(data: &[u8], columns: usize) -> Result<Vec<u8>, FilterError> {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0; columns];
    for row in data.chunks(columns.saturating_add(1)) {
        let Some((kind, row)) = row.split_first() else {
            return Err(FilterError::Predictor);
        };
        if row.len() != columns {
            return Err(FilterError::Predictor);
        }
        let (mut left, mut above_left) = (0_u8, 0_u8);
        for (raw, up) in row.iter().zip(above.iter_mut()) {
            let predicted = match kind {
                0 => 0,
                1 => left,
                2 => *up,
                3 => u16::midpoint(u16::from(left), u16::from(*up)) as u8,
                4 => paeth(left, *up, above_left),
                _ => return Err(FilterError::Predictor),
            };
            above_left = *up;
            left = raw.wrapping_add(predicted);
            *up = left;
            out.push(left);
        }
    }
    Ok(out)
}

fn paeth(left: u8, above: u8, above_left: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(above_left));
    let p = a + b - c;
    let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
    if pa <= pb && pa <= pc {
        left
    } else if pb <= pc {
        above
    } else {
        above_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::fixture::deflate;

    const FLATE: Filter = Filter {
        flate: true,
        png_columns: None,
    };

    #[test]
    fn whole_deflate_data_is_taken_with_a_wrong_or_missing_checksum() {
        let mut data = deflate(b"hello hello hello");
        assert_eq!(
            FLATE.decode(data.clone(), 100).unwrap(),
            b"hello hello hello"
        );
        *data.last_mut().unwrap() ^= 1;
        assert!(FLATE.decode(data.clone(), 100).is_ok(), "wrong");
        data.truncate(data.len() - 4);
        assert!(FLATE.decode(data.clone(), 100).is_ok(), "missing");
        data.truncate(data.len() - 3);
        assert_eq!(
            FLATE.decode(data, 100),
            Err(FilterError::Broken),
            "not whole"
        );
    }

    #[test]
    fn data_without_a_zlib_header_is_rejected() {
        for data in [&b""[..], b"x", b"xx", b"\x78\x9d....", b"\x78\xbb...."] {
            assert_eq!(FLATE.decode(data.to_vec(), 9), Err(FilterError::Header));
        }
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = deflate(&vec![0; 5_000_000]);
        assert!(bomb.len() < 6_000);
        assert_eq!(
            FLATE.decode(bomb, 1_000_000),
            Err(FilterError::TooLarge(1_000_000))
        );
    }

    #[test]
    fn the_five_png_filters_are_undone() {
        let png = Filter {
            flate: false,
            png_columns: Some(3),
        };
        let rows = [
            0, 1, 2, 3, // none
            1, 1, 1, 1, // sub: 1 2 3
            2, 1, 1, 1, // up: 2 3 4
            3, 1, 1, 1, // average: 2 3 4
            4, 1, 1, 1, // paeth: 3 4 5
        ];
        assert_eq!(
            png.decode(rows.to_vec(), 100).unwrap(),
            [1, 2, 3, 1, 2, 3, 2, 3, 4, 2, 3, 4, 3, 4, 5]
        );
        for broken in [&[0, 1, 2][..], &[5, 1, 2, 3], &[0, 1, 2, 3, 0]] {
            assert_eq!(
                png.decode(broken.to_vec(), 100),
                Err(FilterError::Predictor)
            );
        }
    }
}
