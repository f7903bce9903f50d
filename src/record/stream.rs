//! JSON text byte by byte, as it arrives: finds the ends of strings and of list elements. The text need not be complete
//! or valid; [`scan`](super::scan) and admission validate it.

/// Tracks whether a byte of a text is inside a string.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StringState {
    inside: bool,
    escaped: bool,
}

impl StringState {
    /// Processes the next byte. Returns whether it belongs to a string, including the quotes around it.
    #[inline]
    pub(crate) fn hold(&mut self, byte: u8) -> bool {
        if self.inside {
            self.inside = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return true;
        }
        self.inside = byte == b'"';
        self.inside
    }
}

/// Finds the end of a list element, which need not be valid JSON.
#[derive(Debug, Default)]
pub(crate) struct Element {
    quotes: StringState,
    /// The open brackets.
    open: Vec<u8>,
    /// Number of `{` and of `[` among them, so that a stray closing bracket is recognised without a search.
    braces: usize,
    brackets: usize,
    /// Number of further open brackets, in an element that exceeds the limit anyway.
    beyond: u64,
}

impl Element {
    /// Returns whether the element ends before this byte. In an overlong element, brackets are only counted.
    pub(crate) fn ends(&mut self, byte: u8, overlong: bool) -> bool {
        if self.quotes.hold(byte) {
            return false;
        }
        match byte {
            b'{' | b'[' if overlong => self.beyond += 1,
            b'{' | b'[' => {
                self.open.push(byte);
                *self.count(byte) += 1;
            }
            b'}' | b']' if self.beyond > 0 => self.beyond -= 1,
            b',' | b']' if self.open.is_empty() => return true,
            b'}' => self.close(b'{'),
            b']' => self.close(b'['),
            _ => {}
        }
        false
    }

    /// Closes the nearest bracket of a kind and those left open inside it; where there is none of the kind, the nearest
    /// of the other kind. So `{"a":[1}` and `{"a":1]` invalidate only their own element.
    fn close(&mut self, opener: u8) {
        let matched = *self.count(opener) > 0;
        while let Some(last) = self.open.pop() {
            *self.count(last) -= 1;
            if last == opener || !matched {
                return;
            }
        }
    }

    fn count(&mut self, opener: u8) -> &mut usize {
        if opener == b'{' {
            &mut self.braces
        } else {
            &mut self.brackets
        }
    }
}
