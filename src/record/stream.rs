//! JSON text byte by byte, as it comes: where strings and the elements of a list end. The text need not be whole or right;
//! what it says, and whether it is JSON, [`scan`](super::scan) and the door tell.

/// Whether a walk over the bytes of a text is inside a string.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StringState {
    inside: bool,
    escaped: bool,
}

impl StringState {
    /// Takes the next byte. Whether it belongs to a string, the quotes around it included.
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

/// Finds the end of an element of a list, which need not be JSON itself.
#[derive(Debug, Default)]
pub(crate) struct Element {
    quotes: StringState,
    /// The brackets that are open.
    open: Vec<u8>,
    /// How many of them are `{` and how many `[`, so that a stray closing bracket is known without a search.
    braces: usize,
    brackets: usize,
    /// Brackets that are open beyond those, in an element that is too long anyway.
    beyond: u64,
}

impl Element {
    /// Whether the element ends before this byte. Of an element that is overlong anyway brackets are only counted.
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

    /// Closes the nearest bracket of a kind and what was left open inside it; where there is none of the kind, the
    /// nearest of the other. So `{"a":[1}` and `{"a":1]` cost only their own element.
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
