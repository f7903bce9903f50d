//! The window that an id names.

use super::compiled::Aggregate;
use super::group;
use crate::aggregate::Windows;

impl Aggregate {
    /// Reads what [`window_id`](Self::window_id) has made: the group, and the beginning; `None` for another id.
    pub(crate) fn window_named(&self, id: &str) -> Option<(String, i64)> {
        let (parts, start) = match (&self.windowing, self.by.is_empty()) {
            (None, _) => (id, 0),
            (Some(_), true) => ("", Windows::from_utc(id)?),
            (Some(_), false) => {
                let (parts, start) = id.rsplit_once('/')?;
                (parts, Windows::from_utc(start)?)
            }
        };
        let group = if self.by.is_empty() {
            "[]".to_owned()
        } else {
            group::of_parts(parts)?
        };
        (self.window_id(&group, start) == id && group::values(&group).count() == self.by.len())
            .then_some((group, start))
    }
}
