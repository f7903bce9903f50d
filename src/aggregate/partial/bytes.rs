//! Numbers and texts as bytes, for a temporary file. What is cut off or damaged gives `None`.

use num_bigint::BigInt;

use crate::aggregate::exact::Whole;

/// Appends a number, seven bits a byte.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u128) {
    loop {
        let low = number.to_le_bytes()[0];
        number >>= 7;
        if number == 0 {
            return out.push(low & 0x7f);
        }
        out.push(low | 0x80);
    }
}

pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u128> {
    let mut number = 0;
    for shift in (0..128).step_by(7) {
        let byte = take_byte(bytes)?;
        number |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Appends a number with a sign, so that small negative ones are short too.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i128) {
    put_number(out, ((number << 1) ^ (number >> 127)).cast_unsigned());
}

pub(super) fn take_signed(bytes: &mut &[u8]) -> Option<i128> {
    let number = take_number(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

pub(super) fn take_i64(bytes: &mut &[u8]) -> Option<i64> {
    take_signed(bytes)?.try_into().ok()
}

pub(super) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take_number(bytes)?.try_into().ok()
}

/// Takes off a number of elements; as each has a byte at least, there cannot be more of them than bytes.
pub(super) fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let length = take_number(bytes)?.try_into().ok()?;
    (length <= bytes.len()).then_some(length)
}

pub(super) fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*byte)
}

pub(super) fn put_bytes(out: &mut Vec<u8>, part: &[u8]) {
    put_number(out, part.len() as u128);
    out.extend(part);
}

fn take_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = take_length(bytes)?;
    let (part, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(part)
}

pub(super) fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    std::str::from_utf8(take_bytes(bytes)?).ok()
}

pub(super) fn put_whole(out: &mut Vec<u8>, whole: &Whole) {
    match whole {
        Whole::Word(word) => {
            out.push(0);
            put_signed(out, *word);
        }
        Whole::Long(long) => {
            out.push(1);
            put_bytes(out, &long.to_signed_bytes_le());
        }
    }
}

pub(super) fn take_whole(bytes: &mut &[u8]) -> Option<Whole> {
    match take_byte(bytes)? {
        0 => Some(Whole::Word(take_signed(bytes)?)),
        1 => Some(BigInt::from_signed_bytes_le(take_bytes(bytes)?).into()),
        _ => None,
    }
}

/// Appends what there may be.
pub(super) fn put_some<T: ?Sized>(out: &mut Vec<u8>, some: Option<&T>, put: impl FnOnce(&T, &mut Vec<u8>)) {
    out.push(some.is_some().into());
    if let Some(some) = some {
        put(some, out);
    }
}

/// The outer `Option` is of the bytes.
#[expect(
    clippy::option_option,
    reason = "what may be absent is read from bytes that may be cut off"
)]
pub(super) fn take_some<T>(
    bytes: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Option<T>,
) -> Option<Option<T>> {
    match take_byte(bytes)? {
        0 => Some(None),
        1 => Some(Some(take(bytes)?)),
        _ => None,
    }
}

/// Returns about how many bytes an allocation occupies: common allocators add a word and round up.
pub(super) fn allocated(length: usize) -> usize {
    match length {
        0 => 0,
        length => (length + 8).next_multiple_of(16).max(32),
    }
}
