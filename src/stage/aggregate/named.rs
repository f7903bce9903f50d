//! Which window an id names: the way back from what a window's id is made of.

use super::compiled::Aggregate;
use super::group;
use crate::aggregate::Windows;

impl Aggregate {
    /// Returns the group and the beginning of the window that has an id; `None` if no window of the stage can have it.
    pub(crate) fn window_named(&self, id: &str) -> Option<(String, i64)> {
        let (parts, start) = match (self.windows(), self.by.is_empty()) {
            (None, _) => (id, 0),
            (Some(_), true) => ("", Windows::from_utc(id)?),
            (Some(_), false) => {
                let (parts, start) = id.rsplit_once('/')?;
                (parts, Windows::from_utc(start)?)
            }
        };
        let mut group = String::from("[");
        if !self.by.is_empty() {
            for (at, part) in parts.split('/').enumerate() {
                if at > 0 {
                    group.push(',');
                }
                group::push_value_of_part(part, &mut group);
            }
        }
        group.push(']');
        // Only what is written alike is the id of a window: another one has other values, or more, or fewer.
        let is_own = group::values(&group).count() == self.by.len() && self.window_id(&group, start) == id;
        is_own.then_some((group, start))
    }
}
