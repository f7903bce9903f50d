//! What operations share that hand a value on: a source, a target, and what holds where the one is missing or the other
//! is taken.

use serde_json::json;

use super::checked::{Checked, different, whole};
use super::missing::Missing;
use super::operation::PassedOn;
use super::settings::Settings;
use super::walk::Walk;
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;

/// From where to where.
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

    /// The value goes on as it is.
    pub(crate) fn handed(&self) -> Vec<PassedOn> {
        let ends = self.ends.known().into_iter();
        ends.map(|ends| PassedOn {
            from: ends.from.as_ref().clone(),
            to: ends.to.as_ref().clone(),
        })
        .collect()
    }

    /// The value goes on as it is, with everything in it, and leaves its place where it is `taken` from there. Where it
    /// may be missing, the target may be what it was before.
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
            /// Does nothing where the source is missing.
            #[must_use]
            pub fn skip_missing(mut self) -> Self {
                self.transfer.missing = Missing::Skip;
                self
            }

            /// Replaces what stands at the target.
            #[must_use]
            pub fn overwrite(mut self) -> Self {
                self.transfer.overwrite = true;
                self
            }
        }
    };
}
pub(crate) use transfer_builders;

/// The methods of [`Operation`](super::operation::Operation) that the transfer answers.
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
