//! Proofs with something changed: every line in every way, and thousands by dice that always fall the same.

use counterfoil::note::SigningKey;

use super::proof_corpus::STRANGE;
use crate::support::scenario;

/// Random numbers that are always the same.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// A signature line of somebody else's, which may stand beside ours.
pub(super) fn strangers_line() -> String {
    let randomness = scenario::environment(9).randomness;
    let stranger = SigningKey::generate("stranger", &randomness.seed()).expect("a key");
    let note = stranger.sign("x\n");
    note.rsplit_once("\n\n").expect("a note").1.to_owned()
}

/// A proof with one to three things changed.
pub(super) fn changed(texts: &[String], dice: &mut Dice) -> Vec<u8> {
    let mut text = texts[dice.below(texts.len())].clone().into_bytes();
    for _ in 0..1 + dice.below(3) {
        text = match dice.below(5) {
            0 => in_bytes(text, dice),
            1 => in_lines(text, texts, dice),
            2 => in_a_word(text, dice),
            3 => around(text, texts, dice),
            _ => in_one_line(text, dice),
        };
    }
    text
}

fn in_bytes(mut text: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let at = dice.below(text.len());
    match dice.below(5) {
        _ if text.is_empty() => {}
        0 => text[at] = dice.next() as u8,
        1 => text[at] ^= 1 << dice.below(8),
        2 => drop(text.remove(at)),
        3 => text.insert(at, text[at]),
        _ => drop(text.splice(at..at, dice.one(&STRANGE).bytes())),
    }
    text
}

fn in_lines(text: Vec<u8>, texts: &[String], dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let other: Vec<&[u8]> = texts[dice.below(texts.len())]
        .as_bytes()
        .split(|byte| *byte == b'\n')
        .collect();
    let (at, to) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(7) {
        0 => lines.insert(to, lines[at]),
        1 => drop(lines.remove(at)),
        2 => lines.swap(at, to),
        3 => lines.insert(at, b""),
        4 => lines.insert(at, lines[at]),
        5 => lines[at] = other[dice.below(other.len())],
        _ => lines.insert(at, other[dice.below(other.len())]),
    }
    lines.join(&b'\n')
}

/// So many ways to change what stands behind the word of a line.
const WAYS: usize = 16;

/// Changes what stands behind the word of a line: a number, a hash, a text.
fn revalued(line: &str, way: usize) -> String {
    let (word, value) = line.split_once(' ').unwrap_or(("", line));
    let arabic = |letter: char| {
        letter
            .to_digit(10)
            .and_then(|digit| char::from_u32(0x660 + digit))
            .unwrap_or(letter)
    };
    let value = match way {
        0 => format!("+{value}"),
        1 => format!("0{value}"),
        2 => format!(" {value}"),
        3 => format!("{value} "),
        4 => value.to_uppercase(),
        5 => value.trim_end_matches('=').to_owned(),
        6 => format!("{value}="),
        7 => value.replace('+', "-").replace('/', "_"),
        8 => value.chars().map(arabic).collect(),
        9 => "9".repeat(5_000),
        10 => format!("{value}.0"),
        11 => value.replacen('r', "\\u0072", 1),
        12 => value.replacen('"', "\\\"", 1),
        // The last bits of base64 that no byte has.
        13 => [
            "E=F=", "A=B=", "Q=R=", "w=x=", "8=9=", "c=d=", "k=l=", "I=J=", "M=N=", "0=1=", "4=5=", "g=h=",
            "o=p=", "s=t=", "U=V=", "Y=Z=",
        ]
        .into_iter()
        .find(|ends| value.ends_with(&ends[..2]))
        .map_or_else(|| value.to_owned(), |ends| value.replace(&ends[..2], &ends[2..])),
        14 => value.replacen(',', ", ", 1),
        _ => String::new(),
    };
    if word.is_empty() {
        value
    } else {
        format!("{word} {value}")
    }
}

/// Every line of a proof changed in every way, one at a time.
pub(super) fn each_changed(text: &str) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut changed = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut with = |new: &[String]| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            lines.splice(at..=at, new.iter().cloned());
            changed.push(lines.join("\n").into_bytes());
        };
        (0..WAYS).for_each(|way| with(&[revalued(line, way)]));
        with(&[]);
        with(&[(*line).to_owned(), (*line).to_owned()]);
        with(&[String::new(), (*line).to_owned()]);
        with(&[format!("{line}\r")]);
        with(&[format!(" {line}")]);
    }
    changed
}

fn in_a_word(text: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let Ok(text) = String::from_utf8(text) else {
        return b"counterfoil-proof v1\n\xff".to_vec();
    };
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = dice.below(lines.len());
    lines[at] = revalued(&lines[at], dice.below(WAYS));
    lines.join("\n").into_bytes()
}

fn in_one_line(text: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = dice.below(lines.len());
    match dice.below(5) {
        0 => lines[at].push(b'\r'),
        1 => lines[at].splice(0..0, dice.one(&STRANGE).bytes()).for_each(drop),
        2 => lines[at].extend(dice.one(&STRANGE).bytes()),
        3 => lines[at].make_ascii_uppercase(),
        _ => lines[at].clear(),
    }
    lines.join(&b'\n')
}

fn around(mut text: Vec<u8>, texts: &[String], dice: &mut Dice) -> Vec<u8> {
    let other = &texts[dice.below(texts.len())];
    match dice.below(10) {
        0 => text.extend(b"signed by: everybody\n"),
        1 => text.extend(dice.one(&STRANGE).bytes()),
        2 => text.splice(0..0, dice.one(&STRANGE).bytes()).for_each(drop),
        3 => text.truncate(dice.below(text.len())),
        4 => text.extend(other.bytes()),
        5 => text = String::from_utf8_lossy(&text).replace('\n', "\r\n").into_bytes(),
        6 => text = String::from_utf8_lossy(&text).replace('\n', "\r").into_bytes(),
        7 => {
            text = String::from_utf8_lossy(&text)
                .replace('\n', "\u{2028}")
                .into_bytes()
        }
        8 => text.extend(strangers_line().bytes()),
        _ => {
            text = String::from_utf8_lossy(&text)
                .replacen(" v1\n", " v2\n", 1)
                .into_bytes()
        }
    }
    text
}
