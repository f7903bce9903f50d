//! The comparison of two different values of one field.

use std::sync::Arc;

use super::dates::{self, Alike};
use super::slips::{likeness, parts_in_common, share_kept, slips};
use crate::matching::features::Features;
use crate::matching::settings::{Comparator, Compare, Field};
use crate::matching::text;

/// How two different values are graded.
#[derive(Debug)]
pub(super) struct FieldComparison {
    how: How,
    /// The similarities, in thousandths, at which the levels below equality end.
    cuts: Vec<u16>,
    /// By value: a number for how it sounds. Only for names.
    sounds: Vec<u32>,
}

#[derive(Debug)]
enum How {
    Exact,
    Name,
    Text,
    Tokens,
    Set,
    Digits,
    Date,
    Phone,
    Email,
    Custom(Arc<dyn Comparator>),
}

/// The last digits of a telephone number that count.
const LOCAL_DIGITS: usize = 7;

/// From this length on one slip leaves a name what it was.
const LONG: usize = 5;

impl FieldComparison {
    pub(super) fn new(features: &Features, settings: &Field, field: usize) -> Self {
        let how = match &settings.compare {
            Compare::Exact => How::Exact,
            Compare::Name => How::Name,
            Compare::Text => How::Text,
            Compare::Tokens => How::Tokens,
            Compare::Set => How::Set,
            Compare::Digits => How::Digits,
            Compare::Date => How::Date,
            Compare::Phone => How::Phone,
            Compare::Email => How::Email,
            Compare::Custom(comparator) => How::Custom(Arc::clone(comparator)),
        };
        let sounds = if matches!(how, How::Name) {
            let codes = features.dictionary(field).texts().map(sound);
            std::iter::once(0).chain(codes).collect()
        } else {
            Vec::new()
        };
        let cuts = settings.cuts.get(1..).unwrap_or_default().to_vec();
        Self { how, cuts, sounds }
    }

    /// Returns the number of levels between equality and difference.
    pub(super) fn similar_levels(&self) -> usize {
        match &self.how {
            How::Exact => 0,
            How::Phone | How::Email => 1,
            How::Digits => 2,
            How::Date => 3,
            _ => self.cuts.len(),
        }
    }

    /// Returns whether a comparison costs more than remembering its result.
    pub(super) fn is_costly(&self) -> bool {
        !matches!(self.how, How::Exact)
    }

    /// Returns the level of two different values: from 0 to [`Self::similar_levels`], the last for difference.
    pub(super) fn level(&self, features: &Features, field: usize, a: u32, b: u32) -> usize {
        let dictionary = features.dictionary(field);
        let (one, other) = (
            dictionary.get(a).unwrap_or_default(),
            dictionary.get(b).unwrap_or_default(),
        );
        match &self.how {
            How::Exact => 0,
            How::Name => {
                let level = self.cut(likeness(one, other));
                let sound = self.sounds[a as usize];
                let sounds_alike = sound != 0 && sound == self.sounds[b as usize];
                // One slip, or the same sound, is not less than the second level; one slip in a long name is the first.
                if level == 0 || !sounds_alike && slips(one, other, 1) > 1 {
                    level
                } else if one.len().min(other.len()) >= LONG && slips(one, other, 1) == 1 {
                    0
                } else {
                    level.min(1)
                }
            }
            How::Text => self.cut(share_kept(one, other)),
            How::Tokens => self.cut(parts_in_common(one, other, char::is_whitespace)),
            How::Set => self.cut(parts_in_common(one, other, |c| matches!(c, '\n' | '\u{1f}'))),
            How::Digits => slips(one, other, 2) - 1,
            How::Date => match dates::alike(one, other) {
                Alike::Slip => 0,
                Alike::TwoParts => 1,
                Alike::Year => 2,
                Alike::No => 3,
            },
            How::Phone => usize::from(tail(one) != tail(other) && slips(one, other, 1) > 1),
            How::Email => {
                let local = |text: &str| text.split('@').next().map(str::len);
                let same_local = local(one) == local(other)
                    && one.get(..local(one).unwrap_or(0)) == other.get(..local(one).unwrap_or(0));
                usize::from(!same_local && slips(one, other, 1) > 1)
            }
            How::Custom(comparator) => {
                // In one order, so that a comparator that is not symmetric cannot make results depend on it.
                let (one, other) = if one <= other { (one, other) } else { (other, one) };
                self.cut(comparator.similarity(one, other))
            }
        }
    }

    fn cut(&self, similarity: u16) -> usize {
        self.cuts
            .iter()
            .position(|&cut| similarity >= cut)
            .unwrap_or(self.cuts.len())
    }
}

fn sound(text: &str) -> u32 {
    text::soundex(text).map_or(0, |code| {
        let bytes = code.into_bytes();
        bytes
            .iter()
            .take(4)
            .fold(0, |code, &byte| code << 8 | u32::from(byte))
    })
}

fn tail(text: &str) -> &str {
    text.len()
        .checked_sub(LOCAL_DIGITS)
        .and_then(|begin| text.get(begin..))
        .unwrap_or(text)
}
