//! Signed notes: a text with Ed25519 signatures under it, in the format of <https://c2sp.org/signed-note>. Any tool
//! that reads that format can verify them.
//!
//! ```text
//! any text, every line terminated
//!
//! — shop wyH2xTVkRlJ2...
//! ```
//!
//! A key has a name and is identified by the first four bytes of `SHA-256(name || 0x0A || 0x01 || public key)`. Its text
//! form is `shop+c321f6c5+AW7d...` for verifying and `PRIVATE+KEY+shop+c321f6c5+AX3s...` for signing.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::Signer as _;

use crate::digest::sha256;

/// Prefix of the text of a signing key, before its name.
const PRIVATE: &str = "PRIVATE+KEY+";
/// Prefix of a signature's line.
const DASH: &str = "\u{2014} ";
/// The signature algorithm, Ed25519.
const ED25519: u8 = 1;

/// A key that signs. Its debug output shows only its name.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

/// A key that verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

/// A text that is not a key. The error never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a {kind} key: {problem}")]
#[non_exhaustive]
pub struct BadKey {
    /// The kind of key that was expected: `signing` or `verifying`.
    pub kind: &'static str,
    /// What is wrong with the text.
    pub problem: &'static str,
}

/// Why a note is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadNote {
    /// The text does not have the form of a note.
    #[error("it is not a signed note: {0}")]
    Form(&'static str),
    /// The note has no signature by the key.
    #[error("it is not signed by `{0}`")]
    Unsigned(String),
    /// The signature by the key does not match the text.
    #[error("the signature by `{0}` does not match it: the text or the signature was changed")]
    Forged(String),
}

impl SigningKey {
    /// Creates a key with this name from a secret random seed
    /// ([`Randomness::seed`](crate::environment::Randomness::seed)).
    ///
    /// # Errors
    /// [`BadKey`] where the name is empty, or has spaces or `+`.
    pub fn generate(name: &str, seed: &[u8; 32]) -> Result<Self, BadKey> {
        if !is_name(name) {
            return Err(BadKey {
                kind: "signing",
                problem: "its name is empty, or has spaces or `+`",
            });
        }
        Ok(Self {
            name: name.to_owned(),
            key: ed25519_dalek::SigningKey::from_bytes(seed),
        })
    }

    /// Parses the text of a signing key.
    ///
    /// # Errors
    /// [`BadKey`] where the text is not a signing key.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let bad = |problem| BadKey {
            kind: "signing",
            problem,
        };
        let text = text
            .trim()
            .strip_prefix(PRIVATE)
            .ok_or_else(|| bad("it does not begin with `PRIVATE+KEY+`"))?;
        let (name, hash, seed) = parts(text).map_err(bad)?;
        let key = Self::generate(name, &seed)?;
        if hash != key.verifying().hash() {
            return Err(bad("its hash does not match its name and key"));
        }
        Ok(key)
    }

    /// Returns the key as text: a secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let seed = [&[ED25519][..], &self.key.to_bytes()].concat();
        let hash = hex::encode(self.verifying().hash());
        format!("{PRIVATE}{}+{hash}+{}", self.name, BASE64_STANDARD.encode(seed))
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the key that verifies its signatures.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        VerifyingKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Returns the text as a signed note. The same text always gives the same note.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let signature = BASE64_STANDARD.encode([&self.verifying().hash()[..], &signature].concat());
        format!("{text}\n{DASH}{} {signature}\n", self.name)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SigningKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// Parses the text of a verifying key.
    ///
    /// # Errors
    /// [`BadKey`] where the text is not a verifying key.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let bad = |problem| BadKey {
            kind: "verifying",
            problem,
        };
        if text.trim().starts_with(PRIVATE) {
            return Err(bad("it is the signing key, which must stay secret"));
        }
        let (name, hash, key) = parts(text.trim()).map_err(bad)?;
        if !is_name(name) {
            return Err(bad("its name is empty, or has spaces or `+`"));
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key)
            .map_err(|_| bad("its bytes are not a valid point on the curve"))?;
        let key = Self {
            name: name.to_owned(),
            key,
        };
        if hash != key.hash() {
            return Err(bad("its hash does not match its name and key"));
        }
        Ok(key)
    }

    /// Returns the key as text, to be given to those who verify.
    #[must_use]
    pub fn to_text(&self) -> String {
        let key = [&[ED25519][..], self.key.as_bytes()].concat();
        format!(
            "{}+{}+{}",
            self.name,
            hex::encode(self.hash()),
            BASE64_STANDARD.encode(key)
        )
    }

    /// Returns the key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the four bytes that identify the key in signatures.
    fn hash(&self) -> [u8; 4] {
        let hash = sha256(&[self.name.as_bytes(), b"\n", &[ED25519], self.key.as_bytes()]);
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// Returns the text of a note that this key has signed.
    ///
    /// # Errors
    /// [`BadNote`] where the note is malformed, or where no valid signature is by this key.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, BadNote> {
        let note = Note::parse(note)?;
        let mut mine = note
            .signatures
            .iter()
            .filter(|(name, bytes)| *name == self.name && bytes[..4] == self.hash())
            .peekable();
        if mine.peek().is_none() {
            return Err(BadNote::Unsigned(self.name.clone()));
        }
        let holds = |(_, bytes): &(&str, Vec<u8>)| {
            let signature = ed25519_dalek::Signature::from_slice(&bytes[4..]);
            signature.is_ok_and(|signature| self.key.verify_strict(note.text.as_bytes(), &signature).is_ok())
        };
        if mine.all(holds) {
            Ok(note.text)
        } else {
            Err(BadNote::Forged(self.name.clone()))
        }
    }
}

/// A note in its parts.
pub(crate) struct Note<'n> {
    /// The text, every line terminated.
    pub(crate) text: &'n str,
    /// For each signature, the name of its key, and four bytes of hash followed by the signature.
    signatures: Vec<(&'n str, Vec<u8>)>,
}

impl<'n> Note<'n> {
    /// Splits a note into its parts, without verifying signatures.
    ///
    /// # Errors
    /// [`BadNote::Form`].
    pub(crate) fn parse(note: &'n str) -> Result<Self, BadNote> {
        if note
            .chars()
            .any(|character| character.is_ascii_control() && character != '\n')
        {
            return Err(BadNote::Form("it has control characters"));
        }
        let (text, lines) = note
            .rsplit_once("\n\n")
            .ok_or(BadNote::Form("it has no empty line before the signatures"))?;
        let text = &note[..=text.len()];
        let lines = lines
            .strip_suffix('\n')
            .ok_or(BadNote::Form("its last line does not end with a line feed"))?;
        let signature = |line: &'n str| {
            let (name, bytes) = line.strip_prefix(DASH)?.split_once(' ')?;
            let bytes = BASE64_STANDARD.decode(bytes).ok()?;
            (is_name(name) && bytes.len() > 4).then_some((name, bytes))
        };
        let signatures = lines
            .split('\n')
            .map(signature)
            .collect::<Option<Vec<_>>>()
            .ok_or(BadNote::Form("a line below the text is not a signature"))?;
        Ok(Self { text, signatures })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character == '+')
}

/// Name, hash and 32 key bytes of a key's text.
fn parts(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), &'static str> {
    let form = "it does not have the form NAME+HASH+KEY";
    let (name, rest) = text.split_once('+').ok_or(form)?;
    let (hash, key) = rest.split_once('+').ok_or(form)?;
    let mut four = [0; 4];
    hex::decode_to_slice(hash, &mut four).map_err(|_| "its hash is not eight hexadecimal digits")?;
    let key = BASE64_STANDARD.decode(key).map_err(|_| "its key is not base64")?;
    match key.split_first() {
        Some((&ED25519, key)) => Ok((
            name,
            four,
            key.try_into().map_err(|_| "its key is not 32 bytes long")?,
        )),
        _ => Err("it is for an algorithm other than Ed25519"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the format's first implementation (Go's `sumdb/note`).
    const SIGNING: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const VERIFYING: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const SIGNED: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn keys_and_notes_are_those_of_the_formats_first_implementation() {
        let signing = SigningKey::parse(SIGNING).expect("a key");
        assert_eq!(signing.to_text(), SIGNING);
        assert_eq!(signing.verifying().to_text(), VERIFYING);
        let note = signing.sign(TEXT);
        assert_eq!(note, format!("{TEXT}\n{SIGNED}"));
        let verifying = VerifyingKey::parse(VERIFYING).expect("a key");
        assert_eq!(verifying.open(&note), Ok(TEXT));
        assert!(!format!("{signing:?}").contains("AYEK"));
    }

    #[test]
    fn no_byte_of_a_note_can_be_changed() {
        let signing = SigningKey::parse(SIGNING).expect("a key");
        let note = signing.sign(TEXT);
        let key = signing.verifying();
        for at in 0..note.len() {
            for change in [1, 0x20, 0x80] {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= change;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert!(key.open(&changed).is_err(), "byte {at}: {changed}");
                }
            }
        }
        for end in 0..note.len() {
            if let Some(cut) = note.get(..end) {
                assert!(key.open(cut).is_err(), "cut after {end}");
            }
        }
    }

    #[test]
    fn other_signatures_are_passed_over_and_a_false_one_is_not() {
        let signing = SigningKey::parse(SIGNING).expect("a key");
        let other = SigningKey::generate("other", &[7; 32]).expect("a key");
        let (mine, theirs) = (signing.sign(TEXT), other.sign(TEXT));
        let theirs = theirs
            .strip_prefix(TEXT)
            .and_then(|lines| lines.strip_prefix('\n'));
        let both = format!("{mine}{}", theirs.expect("a signature"));
        assert_eq!(signing.verifying().open(&both), Ok(TEXT));
        assert_eq!(other.verifying().open(&both), Ok(TEXT));
        assert_eq!(
            other.verifying().open(&mine),
            Err(BadNote::Unsigned("other".to_owned()))
        );
        let namesake = SigningKey::generate("PeterNeumann", &[7; 32]).expect("a key");
        assert!(signing.verifying().open(&namesake.sign(TEXT)).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_reason() {
        for text in [
            "",
            "x",
            "a+b",
            "PRIVATE+KEY+",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            SIGNING,
        ] {
            assert!(VerifyingKey::parse(text).is_err(), "{text}");
        }
        assert!(SigningKey::parse(VERIFYING).is_err());
        assert!(SigningKey::parse(&SIGNING.replace("c74f", "c74e")).is_err());
    }
}
