//! A single pass over JSON text: the fast path of admission and of parsing documents. It only accepts. A text that it
//! does not accept is examined again by the slow path, which reports what is wrong.

use std::borrow::Cow;
use std::ops::Range;

/// Deeper values are left to the slow path, which does not recurse.
const DEEPEST: usize = 128;

/// Returns the text without insignificant whitespace, where it is valid JSON: no deeper than `depth`, without a
/// repeated name in an object, with valid escapes only. `None` where it is not, or where this scanner cannot decide.
pub(super) fn compact(text: &str, depth: usize) -> Option<Cow<'_, str>> {
    let mut scan = Scan::new(text, depth.min(DEEPEST), true);
    scan.whole(Scan::value)?;
    if scan.kept == 0 {
        return Some(Cow::Borrowed(text));
    }
    scan.compact.push_str(&text[scan.kept..]);
    Some(Cow::Owned(scan.compact))
}

/// Returns the fields of an object in order, including repeated names; `make` builds each from the ranges of the name
/// with its quotes and of the value. `None` where the text is not an object.
pub(super) fn fields<F>(json: &str, mut make: impl FnMut(Range<usize>, Range<usize>) -> F) -> Option<Vec<F>> {
    let mut fields = Vec::with_capacity(8);
    let mut scan = Scan::new(json, DEEPEST, false);
    scan.whole(|scan| scan.object(|name, value| fields.push(make(name, value))))?;
    Some(fields)
}

/// Returns the elements of a list in order; `make` builds each from its range. `None` where the text is not a list.
pub(super) fn parts<P>(json: &str, mut make: impl FnMut(Range<usize>) -> P) -> Option<Vec<P>> {
    let mut parts = Vec::with_capacity(8);
    let mut scan = Scan::new(json, DEEPEST, false);
    scan.whole(|scan| scan.list(|part| parts.push(make(part))))?;
    Some(parts)
}

/// Returns an iterator over the elements of a list. The text is scanned once before the first element, so that the
/// scanner cannot fail in the middle. `None` where the text is not a list.
pub(super) fn elements(json: &str) -> Option<impl Iterator<Item = &str>> {
    parts(json, drop)?;
    let mut scan = Scan::new(json, DEEPEST - 1, false);
    Some(std::iter::from_fn(move || {
        scan.blanks();
        // The first element follows the bracket, the others a comma: no bracket follows an element.
        scan.eat(b'[').or_else(|| scan.eat(b','))?;
        scan.blanks();
        (scan.peek()? != b']').then_some(())?;
        scan.placed().map(|part| &json[part])
    }))
}

/// The scanner cannot decide this text.
pub(super) struct Intricate;

/// Returns the first field whose name, with its quotes, is the wanted one: the text after it is not read.
pub(super) fn field(json: &str, is_it: impl Fn(&str) -> bool) -> Result<Option<Range<usize>>, Intricate> {
    let (mut scan, mut found) = (Scan::new(json, DEEPEST - 1, false), None);
    let read = scan.fields_until(|name, value| {
        let is_it = is_it(&json[name]);
        found = is_it.then_some(value);
        is_it
    });
    read.map(|()| found).ok_or(Intricate)
}

/// Finds the values of an object's fields by their names, and stops at the last one: `found[n]` is the range of the value
/// of `names[n]`, empty where there is none. The names must be such as JSON writes without escapes, and the text without
/// insignificant whitespace.
pub(super) fn members<N: AsRef<str>>(
    json: &str,
    names: &[N],
    found: &mut [Range<usize>],
) -> Result<(), Intricate> {
    let mut scan = Scan::new(json, DEEPEST - 1, false);
    scan.find(names, found).ok_or(Intricate)
}

/// A type that is built from JSON values.
pub(crate) trait Build<'t>: Sized {
    fn null() -> Self;
    fn boolean(value: bool) -> Self;
    /// Builds a number from its text.
    fn number(text: &'t str) -> Self;
    fn text(text: Cow<'t, str>) -> Self;
    fn list(parts: Vec<Self>) -> Self;
    /// Builds an object from its fields in order, including repeated names.
    fn object(fields: Vec<(Cow<'t, str>, Self)>) -> Self;
}

/// Parses a text without insignificant whitespace; `None` where it has whitespace, is not JSON, or is nested deeper.
/// For an admitted text only the depth can fail.
pub(crate) fn read<'t, V: Build<'t>>(json: &'t str, depth: usize) -> Option<V> {
    let mut scan = Scan::new(json, depth, false);
    let value = scan.built()?;
    (scan.at == json.len() && scan.kept == 0).then_some(value)
}

/// Returns the string of a text with its quotes; borrowed where nothing is escaped.
fn decoded(json: &str, escaped: bool) -> Option<Cow<'_, str>> {
    if escaped {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(&json[1..json.len() - 1]))
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// Number of levels that may still be entered.
    levels: usize,
    /// Whether to check for repeated names and for surrogate escapes: not for admitted texts.
    strict: bool,
    /// The names of the enclosing objects, innermost last.
    names: Vec<&'t str>,
    /// The compact text before `kept`.
    compact: String,
    kept: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str, levels: usize, strict: bool) -> Self {
        Self {
            text,
            at: 0,
            levels,
            strict,
            names: Vec::new(),
            compact: String::new(),
            kept: 0,
        }
    }

    /// Scans one value, with nothing but whitespace around it.
    fn whole(&mut self, value: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.blanks();
        value(self)?;
        self.blanks();
        (self.at == self.text.len()).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        if self.peek().is_some_and(|byte| byte > b' ') {
            return;
        }
        let start = self.at;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        if self.at > start {
            self.compact.push_str(&self.text[self.kept..start]);
            self.kept = self.at;
        }
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(|_, _| {}),
            b'[' => self.list(|_| {}),
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    /// Scans a value and builds a `V` from it.
    fn built<V: Build<'t>>(&mut self) -> Option<V> {
        let text: &'t str = self.text;
        Some(match self.peek()? {
            b'{' => {
                let mut fields = Vec::with_capacity(8);
                self.members(|scan, name, escaped| {
                    fields.push((decoded(&text[name], escaped)?, scan.built()?));
                    Some(())
                })?;
                V::object(fields)
            }
            b'[' => {
                let mut parts = Vec::new();
                self.elements(|scan| {
                    parts.push(scan.built()?);
                    Some(())
                })?;
                V::list(parts)
            }
            b'"' => {
                let (place, escaped) = self.string()?;
                V::text(decoded(&text[place], escaped)?)
            }
            b't' => self.word("true").map(|()| V::boolean(true))?,
            b'f' => self.word("false").map(|()| V::boolean(false))?,
            b'n' => self.word("null").map(|()| V::null())?,
            _ => {
                let start = self.at;
                self.number()?;
                V::number(&text[start..self.at])
            }
        })
    }

    /// Returns the range of a value.
    fn placed(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.value()?;
        Some(start..self.at)
    }

    fn object(&mut self, mut visit: impl FnMut(Range<usize>, Range<usize>)) -> Option<()> {
        let outer = self.names.len();
        self.members(|scan, name, escaped| {
            if scan.strict {
                // Comparing an escaped name is left to the slow path.
                (!escaped).then(|| scan.names.push(&scan.text[name.clone()]))?;
            }
            visit(name, scan.placed()?);
            Some(())
        })?;
        are_different(&mut self.names[outer..]).then_some(())?;
        self.names.truncate(outer);
        Some(())
    }

    /// Scans an object; `member` scans each value, and gets the range of the name with its quotes, and whether it
    /// contains escapes.
    #[inline]
    fn members(&mut self, mut member: impl FnMut(&mut Self, Range<usize>, bool) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        self.levels = self.levels.checked_sub(1)?;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            loop {
                let (name, escaped) = self.string()?;
                self.blanks();
                self.eat(b':')?;
                self.blanks();
                member(self, name, escaped)?;
                self.blanks();
                if self.eat(b',').is_none() {
                    self.eat(b'}')?;
                    break;
                }
                self.blanks();
            }
        }
        self.levels += 1;
        Some(())
    }

    /// Scans the fields of an object, until `visit` stops it.
    fn fields_until(&mut self, mut visit: impl FnMut(Range<usize>, Range<usize>) -> bool) -> Option<()> {
        self.blanks();
        self.eat(b'{')?;
        self.blanks();
        while self.peek()? != b'}' {
            let (name, _) = self.string()?;
            self.blanks();
            self.eat(b':')?;
            self.blanks();
            if visit(name, self.placed()?) {
                return Some(());
            }
            self.blanks();
            if self.eat(b',').is_some() {
                self.blanks();
            }
        }
        Some(())
    }

    /// Finds fields by their names. `None` where a name has escapes: it may be one of these.
    fn find<N: AsRef<str>>(&mut self, names: &[N], found: &mut [Range<usize>]) -> Option<()> {
        let (mut left, mut next) = (names.len(), 0);
        self.eat(b'{')?;
        if left == 0 || self.peek()? == b'}' {
            return Some(());
        }
        loop {
            let (name, escaped) = self.string()?;
            self.eat(b':')?;
            if escaped {
                return None;
            }
            let value = self.placed()?;
            let name = &self.text[name.start + 1..name.end - 1];
            // Records of one origin have their fields in one order.
            let mut places = (next..names.len()).chain(0..next);
            if let Some(at) = places.find(|at| names[*at].as_ref() == name) {
                left -= usize::from(found[at].is_empty());
                found[at] = value;
                next = at + 1;
                if left == 0 {
                    return Some(());
                }
            }
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    fn list(&mut self, mut visit: impl FnMut(Range<usize>)) -> Option<()> {
        self.elements(|scan| {
            visit(scan.placed()?);
            Some(())
        })
    }

    /// Scans a list; `element` scans each element.
    #[inline]
    fn elements(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'[')?;
        self.levels = self.levels.checked_sub(1)?;
        self.blanks();
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                element(self)?;
                self.blanks();
                if self.eat(b',').is_none() {
                    self.eat(b']')?;
                    break;
                }
                self.blanks();
            }
        }
        self.levels += 1;
        Some(())
    }

    /// Returns the range of a string with its quotes, and whether it contains escapes.
    fn string(&mut self) -> Option<(Range<usize>, bool)> {
        let start = self.at;
        self.eat(b'"')?;
        let mut escaped = false;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            self.at += rest
                .iter()
                .position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\')?;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some((start..self.at, escaped));
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        match rest.first()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let digits = rest.get(1..5)?;
                let surrogate = matches!(digits, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                let refused = self.strict && surrogate;
                (digits.iter().all(u8::is_ascii_hexdigit) && !refused).then(|| self.at += 6)?;
            }
            _ => return None,
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// Whether no name occurs twice.
fn are_different(names: &mut [&str]) -> bool {
    const FEW: usize = 16;
    if names.len() <= FEW {
        return (1..names.len()).all(|at| !names[..at].contains(&names[at]));
    }
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}
