//! Digests: SHA-256, commitments to content, derived ids and salts.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A SHA-256.
pub type Hash = [u8; 32];

/// Sixteen bytes that keep a commitment from being guessed; one per record number.
pub type Salt = [u8; 16];

/// The one constant namespace of every `UUIDv5` that a stage makes.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6e0f_8a5c_4d0b_5c1e_9a57_43f1_c04f_e201);

/// The SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The commitment to a record's content: `SHA-256(salt || id || 0x00 || data as stored)`. An id has no NUL, so no
/// two contents share a text.
#[must_use]
pub fn commitment(salt: &Salt, id: &str, data: &str) -> Hash {
    sha256(&[salt, id.as_bytes(), &[0], data.as_bytes()])
}

/// The salt of a record that a stage creates: the first 16 bytes of
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

/// The `UUIDv5` of (project, stage number, id, part), the parts separated by NUL.
#[must_use]
pub fn stage_uuid(project: &str, stage: u32, id: &str, part: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{project}\0{stage}\0{id}\0{part}").as_bytes())
}

/// A UUID that cannot be told from one that was drawn (version 4), and is the same whenever it is made: of
/// `HMAC-SHA-256(salt, tag || project || stage number || place || part)`, each behind the tag with its length before it as
/// eight bytes, big-endian. Who does not know the record's salt cannot compute it.
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

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}
