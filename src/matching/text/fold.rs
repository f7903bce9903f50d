//! One way to write a text: without case, accents, apostrophes and hyphens.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// Returns a text as it is compared: in lower case, without accents, apostrophes and invisible characters, with one
/// space for each run of blanks, hyphens and control characters, and none at the ends.
///
/// Compatibility forms become the ordinary ones (full width, ligatures), and Latin letters without a decomposition their
/// usual spelling (`ß` is `ss`, `ø` is `o`). Vowel points of Hebrew and Arabic, which are optional, are dropped; the
/// vowel signs and voicing marks of other scripts, which are letters to their readers, stay. No script becomes another.
/// Folding a folded text changes nothing.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if is_folded(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut folded = Folded::with_capacity(text.len());
    if text.is_ascii() {
        text.chars()
            .for_each(|letter| folded.push(letter.to_ascii_lowercase()));
        return Cow::Owned(folded.text);
    }
    let decomposed = text.chars().filter(|letter| !is_spacing_accent(*letter)).nfkd();
    for letter in decomposed.flat_map(char::to_lowercase) {
        match spelled(letter) {
            Some(spelling) => spelling.chars().for_each(|letter| folded.push(letter)),
            None => folded.push(letter),
        }
    }
    // What stays decomposed would count as several characters.
    Cow::Owned(folded.text.nfc().collect())
}

/// Whether a text, as bytes, is what folding makes of it: the common case, found without a copy.
fn is_folded(text: &[u8]) -> bool {
    let is_inner = text.first() != Some(&b' ') && text.last() != Some(&b' ');
    is_inner
        && text.windows(2).all(|pair| pair != b"  ")
        && text.iter().all(|byte| match byte {
            b'A'..=b'Z' | b'\'' | b'`' | b'-' => false,
            byte => (b' '..0x7f).contains(byte),
        })
}

/// A text that grows, with single blanks.
struct Folded {
    text: String,
    /// Whether a blank stands before the next letter, if one comes.
    is_parted: bool,
}

impl Folded {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            is_parted: false,
        }
    }

    fn push(&mut self, letter: char) {
        if is_blank(letter) {
            self.is_parted = !self.text.is_empty();
        } else if !is_dropped(letter) {
            if self.is_parted {
                self.text.push(' ');
                self.is_parted = false;
            }
            self.text.push(letter);
        }
    }
}

/// Whether a character parts words: whitespace, control characters, hyphens, and the dot between Japanese names.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(
            letter,
            '-' | '\u{58a}' | '\u{5be}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fb}'
        )
}

/// Whether a character is left out: an apostrophe or what serves as one, an accent, a vowel point, or invisible.
fn is_dropped(letter: char) -> bool {
    if letter.is_ascii() {
        return matches!(letter, '\'' | '`');
    }
    is_apostrophe(letter) || is_accent(letter) || is_point(letter) || is_invisible(letter)
}

fn is_apostrophe(letter: char) -> bool {
    matches!(
        letter,
        '\u{b4}' | '\u{2b9}'..='\u{2bf}' | '\u{2c8}' | '\u{2ca}' | '\u{2cb}' | '\u{5f3}'
            | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{a78c}'
    )
}

fn is_accent(letter: char) -> bool {
    matches!(
        letter,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Whether a character is a point of Hebrew, a vowel sign of Arabic, or the line that stretches Arabic words.
fn is_point(letter: char) -> bool {
    matches!(
        letter,
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
            | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
    )
}

/// Whether a character is a soft hyphen, a joiner, or a mark of direction or of a variant.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// Whether a character is an accent that stands alone and serves as an apostrophe; its decomposition begins with a blank.
fn is_spacing_accent(letter: char) -> bool {
    matches!(
        letter,
        '\u{b4}' | '\u{1fbd}' | '\u{1fbf}' | '\u{1ffd}' | '\u{1ffe}'
    )
}

/// Returns the usual spelling of a small letter that has no decomposition.
fn spelled(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ŋ' => "ng",
        'ø' | 'ɔ' => "o",
        'đ' | 'ð' | 'ɗ' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ĸ' | 'ƙ' => "k",
        'ə' | 'ɛ' => "e",
        'ɓ' => "b",
        'ƴ' => "y",
        'ς' => "σ",
        _ => return None,
    })
}
