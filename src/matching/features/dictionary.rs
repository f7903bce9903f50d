//! Distinct texts, each stored once and named by a number.

/// The number of an absent text.
pub(crate) const ABSENT: u32 = 0;

/// Distinct texts. The first has the number 1; [`ABSENT`] names none.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    text: String,
    /// Where the text of each number ends.
    ends: Vec<u32>,
    /// Open addressing: numbers by the hash of their texts. Empty once the dictionary is complete.
    table: Vec<u32>,
}

impl Dictionary {
    /// Returns the number of a text, which is added if it is new. Empty texts are absent. Returns `None` if the texts would
    /// take more bytes than numbers of 32 bits can name.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(ABSENT);
        }
        if (self.ends.len() + 1) * 3 > self.table.len() * 2 {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut at = place(hash(text.as_bytes())) & mask;
        loop {
            match self.table[at] {
                ABSENT => break,
                number if self.get(number) == Some(text) => return Some(number),
                _ => at = (at + 1) & mask,
            }
        }
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        let number = self.len_u32();
        self.table[at] = number;
        Some(number)
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(64);
        let mut table = vec![ABSENT; size];
        for number in 1..=self.len_u32() {
            let text = self.get(number).unwrap_or_default();
            let mut at = place(hash(text.as_bytes())) & (size - 1);
            while table[at] != ABSENT {
                at = (at + 1) & (size - 1);
            }
            table[at] = number;
        }
        self.table = table;
    }

    /// Returns the text of a number.
    pub(crate) fn get(&self, number: u32) -> Option<&str> {
        let at = (number as usize).checked_sub(1)?;
        let end = *self.ends.get(at)? as usize;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(begin..end)
    }

    /// Returns all texts in the order of their numbers, from 1.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        (1..=self.len_u32()).map(|number| self.get(number).unwrap_or_default())
    }

    /// Returns how many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn len_u32(&self) -> u32 {
        u32::try_from(self.ends.len()).expect("fewer texts than bytes")
    }

    /// Gives back the memory that only [`Self::intern`] needs.
    pub(crate) fn complete(&mut self) {
        self.table = Vec::new();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Returns the bytes of memory held.
    pub(crate) fn memory(&self) -> u64 {
        (self.text.capacity() + 4 * (self.ends.capacity() + self.table.capacity())) as u64
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a place")]
fn place(hash: u64) -> usize {
    hash as usize
}

/// Returns a hash that is the same on every machine and depends on nothing but the bytes.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mixed(state ^ u64::from_le_bytes(word));
    }
    state
}

/// Returns a number whose bits all depend on all bits of the given one.
pub(crate) fn mixed(mut state: u64) -> u64 {
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}
