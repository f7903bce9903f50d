//! American Soundex, as the National Archives of the United States define it.

use super::fold::fold;

/// Returns the Soundex code of a name, a capital and three digits: `R163` for Robert and Rupert. The text is folded first, and
/// everything but the letters `a` to `z` is left out; `None` where none is left.
pub(crate) fn soundex(text: &str) -> Option<String> {
    let folded = fold(text);
    let mut letters = folded.bytes().filter(u8::is_ascii_lowercase);
    let first = letters.next()?;
    let mut code = String::with_capacity(4);
    code.push(char::from(first.to_ascii_uppercase()));
    let mut last = digit(first);
    for letter in letters {
        match (letter, digit(letter)) {
            // Letters with one code that `h` or `w` parts count once, as those side by side do.
            (b'h' | b'w', _) => {}
            (_, Some(digit)) if last != Some(digit) => {
                code.push(digit);
                last = Some(digit);
                if code.len() == 4 {
                    break;
                }
            }
            (_, digit) => last = digit,
        }
    }
    while code.len() < 4 {
        code.push('0');
    }
    Some(code)
}

/// Returns the digit of a small letter; `None` for vowels, `h`, `w` and `y`.
fn digit(letter: u8) -> Option<char> {
    match letter {
        b'b' | b'f' | b'p' | b'v' => Some('1'),
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => Some('2'),
        b'd' | b't' => Some('3'),
        b'l' => Some('4'),
        b'm' | b'n' => Some('5'),
        b'r' => Some('6'),
        _ => None,
    }
}
