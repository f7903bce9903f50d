//! Digests: SHA-256, content commitments, derived ids and salts.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Sixteen random bytes that keep a commitment from being guessed; one salt per record number.
pub type Salt = [u8; 16];

/// The constant namespace of every `UUIDv5` that a stage creates.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6e0f_8a5c_4d0b_5c1e_9a57_43f1_c04f_e201);

/// Returns the SHA-256 of the concatenated parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns the commitment to a record's content: `SHA-256(salt || id || 0x00 || data as stored)`. An id never contains
/// NUL, so two different contents never give the same input.
#[must_use]
pub fn commitment(salt: &Salt, id: &str, data: &str) -> Hash {
    sha256(&[salt, id.as_bytes(), &[0], data.as_bytes()])
}

/// Returns the salt of a record that a stage creates: the first 16 bytes of
/// `SHA-256("salt" || parent salt || stage number || part)`, both numbers as eight bytes, big-endian.
#[must_use]
pub fn derived_salt(parent: &Salt, stage: u32, part: i64) -> Salt {
    let hash = sha256(&[
        b"salt",
        parent,
        &u64::from(stage).to_be_bytes(),
        &part.to_be_bytes(),
    ]);
    std::array::from_fn(|at| hash[at])
}

/// Returns the salt of a window that a stage creates: the first 16 bytes of
/// `SHA-256("salt" || parent salt || stage number || id)`, the number as eight bytes, big-endian.
#[must_use]
pub(crate) fn window_salt(parent: &Salt, stage: u32, id: &str) -> Salt {
    let hash = sha256(&[b"salt", parent, &u64::from(stage).to_be_bytes(), id.as_bytes()]);
    std::array::from_fn(|at| hash[at])
}

/// Returns the SHA-256 of hashes as lines of lower-case hexadecimal digits, each ended by LF: of the readings of a window in a
/// block, and of its blocks.
#[must_use]
pub(crate) fn digest_of_lines(hashes: &[Hash]) -> Hash {
    let lines: Vec<[u8; 65]> = hashes.iter().map(line).collect();
    sha256(&lines.iter().map(<[u8; 65]>::as_slice).collect::<Vec<_>>())
}

/// Returns the digest over the readings of a window, which come block by block; `None` without any.
#[must_use]
pub(crate) fn digest_of_blocks(blocks: &[Vec<Hash>]) -> Option<Hash> {
    let digests: Vec<Hash> = blocks.iter().map(|block| digest_of_lines(block)).collect();
    (!digests.is_empty()).then(|| digest_of_lines(&digests))
}

/// Returns a hash as a line.
#[must_use]
pub(crate) fn line(hash: &Hash) -> [u8; 65] {
    let mut line = [b'\n'; 65];
    hex::encode_to_slice(hash, &mut line[..64]).expect("two digits for each byte");
    line
}

/// Returns the `UUIDv5` of (project, stage number, id, part), the parts separated by NUL.
#[must_use]
pub fn stage_uuid(project: &str, stage: u32, id: &str, part: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{project}\0{stage}\0{id}\0{part}").as_bytes())
}

/// Returns a UUID (version 4) that cannot be distinguished from a random one, and is the same on every call: derived
/// from `HMAC-SHA-256(salt, tag || project || stage number || place || part)`, where each part after the tag is preceded
/// by its length as eight bytes, big-endian. It cannot be computed without the record's salt.
#[must_use]
pub fn random_uuid(salt: &Salt, project: &str, stage: u32, place: &str, part: &str) -> Uuid {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(b"counterfoil uuid random\0");
    for text in [project, &stage.to_string(), place, part] {
        mac.update(&(text.len() as u64).to_be_bytes());
        mac.update(text.as_bytes());
    }
    let hash = mac.finalize().into_bytes();
    uuid::Builder::from_random_bytes(std::array::from_fn(|at| hash[at])).into_uuid()
}

/// Returns the bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}
