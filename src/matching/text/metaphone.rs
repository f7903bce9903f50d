//! Metaphone, the first of its name (Lawrence Philips, 1990), with codes of any length.
//!
//! Its later versions know more languages, but code a word in two ways, and a blocking key needs one.

use super::fold::fold;

/// Returns the Metaphone code of a name, such as `0MPSN` for Thompson, where `0` is the sound of *th* and `X` that of *sh*.
/// The text is folded first, words are coded one by one and joined, and everything but the letters `a` to `z` is left
/// out; `None` where no letter of it has a sound.
pub(crate) fn metaphone(text: &str) -> Option<String> {
    let folded = fold(text);
    let mut code = String::new();
    for word in folded.split(' ') {
        let letters: Vec<u8> = word.bytes().filter(u8::is_ascii_lowercase).collect();
        match &letters[..] {
            [] => {}
            // An initial sounds as it is written.
            [letter] => code.push(char::from(letter.to_ascii_uppercase())),
            _ => Word::new(&letters).write(&mut code),
        }
    }
    (!code.is_empty()).then_some(code)
}

/// The letters of a word that are coded, without a silent one at the beginning.
struct Word<'w> {
    letters: &'w [u8],
    /// The letter that stands for the first.
    first: u8,
}

impl<'w> Word<'w> {
    fn new(letters: &'w [u8]) -> Self {
        let (letters, first) = match letters {
            [b'a', b'e', ..] | [b'g' | b'k' | b'p', b'n', ..] | [b'w', b'r', ..] => {
                (&letters[1..], letters[1])
            }
            [b'w', b'h', ..] => (&letters[1..], b'w'),
            [b'x', ..] => (letters, b's'),
            _ => (letters, letters[0]),
        };
        Self { letters, first }
    }

    /// Returns a letter by its place; 0 beyond the end.
    fn at(&self, at: usize) -> u8 {
        match at {
            0 => self.first,
            _ => self.letters.get(at).copied().unwrap_or_default(),
        }
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 == self.letters.len()
    }

    fn continues(&self, at: usize, with: &[u8]) -> bool {
        self.letters.get(at..).is_some_and(|rest| rest.starts_with(with))
    }

    fn write(&self, code: &mut String) {
        let mut at = 0;
        while at < self.letters.len() {
            let letter = self.at(at);
            // Of a double letter the first is coded, except `cc`, which may have two sounds.
            if at > 0 && letter != b'c' && self.at(at - 1) == letter {
                at += 1;
                continue;
            }
            let before = if at == 0 { 0 } else { self.at(at - 1) };
            code.push_str(self.sound(at, before));
            // The `g` of `dge` is part of the sound.
            at += if letter == b'd' && self.is_dge(at) { 2 } else { 1 };
        }
    }

    fn is_dge(&self, at: usize) -> bool {
        self.at(at + 1) == b'g' && is_front(self.at(at + 2))
    }

    /// Returns the sound of a letter, given the one before it (0 at the beginning).
    fn sound(&self, at: usize, before: u8) -> &'static str {
        let next = self.at(at + 1);
        match self.at(at) {
            b'a' if at == 0 => "A",
            b'e' if at == 0 => "E",
            b'i' if at == 0 => "I",
            b'o' if at == 0 => "O",
            b'u' if at == 0 => "U",
            // As in *comb*.
            b'b' if before == b'm' && self.is_last(at) => "",
            b'b' => "B",
            b'c' => self.sound_of_c(at, before, next),
            b'd' if self.is_dge(at) => "J",
            b'f' | b'v' => "F",
            b'g' => self.sound_of_g(at, before, next),
            // After these it is part of their sound.
            b'h' if is_vowel(next) && !matches!(before, b'c' | b's' | b'p' | b't' | b'g') => "H",
            b'j' => "J",
            b'k' if before == b'c' => "",
            b'k' | b'q' => "K",
            b'l' => "L",
            b'm' => "M",
            b'n' => "N",
            b'p' if next == b'h' => "F",
            b'p' => "P",
            b'r' => "R",
            b's' if ["sh", "sio", "sia"].iter().any(|with| self.starts(at, with)) => "X",
            b's' | b'z' => "S",
            b't' if ["tia", "tio"].iter().any(|with| self.starts(at, with)) => "X",
            b't' if self.starts(at, "tch") => "",
            b't' if next == b'h' => "0",
            b'd' | b't' => "T",
            b'w' if is_vowel(next) => "W",
            b'x' => "KS",
            b'y' if is_vowel(next) => "Y",
            _ => "",
        }
    }

    fn starts(&self, at: usize, with: &str) -> bool {
        self.at(at) == with.as_bytes()[0] && self.continues(at, with.as_bytes())
    }

    fn sound_of_c(&self, at: usize, before: u8, next: u8) -> &'static str {
        match next {
            // As in *science*.
            _ if before == b's' && is_front(next) => "",
            _ if self.continues(at, b"cia") => "X",
            _ if is_front(next) => "S",
            // As in *school*, and in *Christina* and *Chloe*.
            b'h' if before == b's' || (at == 0 && !is_vowel(self.at(2))) => "K",
            b'h' => "X",
            _ => "K",
        }
    }

    fn sound_of_g(&self, at: usize, before: u8, next: u8) -> &'static str {
        match next {
            // Silent at the end and before a consonant, as in *high* and *night*.
            b'h' if !is_vowel(self.at(at + 2)) => "",
            // As in *sign* and *signed*.
            b'n' if at > 0 && (self.is_last(at + 1) || self.continues(at, b"gned")) => "",
            _ if is_front(next) && before != b'g' => "J",
            _ => "K",
        }
    }
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

/// Whether a letter softens the `c` or `g` before it.
fn is_front(letter: u8) -> bool {
    matches!(letter, b'e' | b'i' | b'y')
}
