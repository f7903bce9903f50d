//! What operations that move or copy a value share: a source, a target, and what to do when the source is missing or
//! the target exists.

use serde_json::json;

use super::checked::{Checked, different, whole};
use super::missing::Missing;
use super::operation::PassedOn;
use super::settings::Settings;
use super::walk::Walk;
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;

/// Source and target of a value.
#[derive(Clone, Debug)]
pub(crate) struct FieldTransfer<P> {
    pub(crate) from: P,
    pub(crate) to: P,
}

/// A value that goes from one place to another.
#[derive(Clone, Debug)]
pub(crate) struct Transfer<P> {
    op: &'static str,
    pub(crate) ends: Checked<FieldTransfer<P>>,
    pub(crate) missing: Missing,
    pub(crate) overwrite: bool,
}

impl<P: AsRef<Path>> Transfer<P> {
    pub(crate) fn new(op: &'static str, read: impl FnOnce() -> Result<FieldTransfer<P>, Problem>) -> Self {
        let ends = Checked::new(|| {
            let ends = read()?;
            different(ends.from.as_ref(), ends.to.as_ref())?;
            Ok(ends)
        });
        Self {
            op,
            ends,
            missing: Missing::Refuse,
            overwrite: false,
        }
    }

    /// Reads the keys `missing` and `overwrite`.
    pub(crate) fn read(mut self, settings: &Settings<'_>) -> Self {
        self.missing = Missing::read(settings);
        self.overwrite = settings.boolean("overwrite", false);
        self
    }

    pub(crate) fn walk(&self) -> Walk {
        Walk::shape(self.op, self.missing)
    }

    pub(crate) fn from(&self) -> Vec<Path> {
        whole(self.ends.known().map(|ends| &ends.from))
    }

    pub(crate) fn to(&self) -> Vec<Path> {
        whole(self.ends.known().map(|ends| &ends.to))
    }

    /// Returns the value, which is copied unchanged.
    pub(crate) fn handed(&self) -> Vec<PassedOn> {
        let ends = self.ends.known().into_iter();
        ends.map(|ends| PassedOn {
            from: ends.from.as_ref().clone(),
            to: ends.to.as_ref().clone(),
        })
        .collect()
    }

    /// Notes that the value is copied unchanged, with everything in it, and leaves its place if it is `taken` from
    /// there. If it may be missing, the target may keep its earlier value.
    pub(crate) fn lineage(&self, flow: &mut Flow, taken: &[Path]) {
        let Some(ends) = self.ends.known() else {
            return;
        };
        let value = flow.at(ends.from.as_ref());
        for path in taken {
            flow.remove(path);
        }
        match self.missing {
            Missing::Refuse => flow.put(ends.to.as_ref(), value),
            Missing::Skip => flow.put_or_keep(ends.to.as_ref(), value),
        }
    }

    pub(crate) fn meaning(&self) -> serde_json::Value {
        json!({
            "op": self.op,
            "from": self.ends.text(|ends| ends.from.as_ref()),
            "to": self.ends.text(|ends| ends.to.as_ref()),
            "missing": self.missing.word(),
            "overwrite": self.overwrite,
        })
    }
}

/// The builder methods of an operation with a `transfer`.
macro_rules! transfer_builders {
    ($operation:ident) => {
        impl $operation {
            /// Does nothing when the source is missing.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.transfer.missing = Missing::Skip;
                self
            }

            /// Replaces an existing target.
            #[must_use]
            pub fn overwrite(mut self) -> Self {
                self.transfer.overwrite = true;
                self
            }
        }
    };
}
pub(crate) use transfer_builders;

/// The methods of [`Operation`](super::operation::Operation) that the transfer implements.
macro_rules! transfer_methods {
    () => {
        fn name(&self) -> &'static str {
            MANUAL.name
        }

        fn reads(&self) -> Vec<$crate::path::Path> {
            self.transfer.from()
        }

        fn lineage(&self, flow: &mut $crate::lineage::Flow) {
            self.transfer
                .lineage(flow, &$crate::op::Operation::takes_away(self));
        }

        fn passes_on(&self) -> Vec<$crate::op::PassedOn> {
            self.transfer.handed()
        }

        fn meaning(&self) -> serde_json::Value {
            self.transfer.meaning()
        }

        fn problems(&self) -> Vec<$crate::problem::Problem> {
            self.transfer.ends.problems()
        }
    };
}
pub(crate) use transfer_methods;
