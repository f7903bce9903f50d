//! What `rename`, `move` and `copy` share: a source, a target, and what holds where the one is missing or the other
//! is taken.

use serde_json::json;

use super::given::{Given, different, whole};
use super::walk::Walk;
use super::{Missing, Settings};
use crate::lineage::Flow;
use crate::path::Path;
use crate::problem::Problem;

/// From where to where.
#[derive(Clone, Debug)]
pub(super) struct Transfer<P> {
    op: &'static str,
    pub(super) paths: Given<(P, P)>,
    pub(super) missing: Missing,
    pub(super) overwrite: bool,
}

impl<P: AsRef<Path>> Transfer<P> {
    pub(super) fn new(op: &'static str, read: impl FnOnce() -> Result<(P, P), Problem>) -> Self {
        let paths = Given::new(|| {
            let (from, to) = read()?;
            different(from.as_ref(), to.as_ref())?;
            Ok((from, to))
        });
        Self {
            op,
            paths,
            missing: Missing::Refuse,
            overwrite: false,
        }
    }

    /// Reads the keys `missing` and `overwrite`.
    pub(super) fn read(mut self, settings: &Settings<'_>) -> Self {
        self.missing = Missing::read(settings);
        self.overwrite = settings.boolean("overwrite", false);
        self
    }

    pub(super) fn walk(&self) -> Walk {
        Walk::shape(self.op, self.missing)
    }

    pub(super) fn from(&self) -> Vec<Path> {
        whole(self.paths.known().map(|(from, _)| from))
    }

    pub(super) fn to(&self) -> Vec<Path> {
        whole(self.paths.known().map(|(_, to)| to))
    }

    /// The value goes on as it is, with everything in it. Where it may be missing, the target may be what it was before.
    pub(super) fn lineage(&self, flow: &mut Flow) {
        let Some((from, to)) = self.paths.known() else {
            return;
        };
        let value = flow.at(from.as_ref());
        if self.op != "copy" {
            flow.remove(from.as_ref());
        }
        match self.missing {
            Missing::Refuse => flow.put(to.as_ref(), value),
            Missing::Skip => flow.put_or_keep(to.as_ref(), value),
        }
    }

    pub(super) fn meaning(&self) -> serde_json::Value {
        json!({
            "op": self.op,
            "from": self.paths.text(|(from, _)| from.as_ref()),
            "to": self.paths.text(|(_, to)| to.as_ref()),
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
pub(super) use transfer_builders;

/// The methods of [`Operation`](super::Operation) that the transfer answers.
macro_rules! transfer_methods {
    () => {
        fn name(&self) -> &'static str {
            MANUAL.name
        }

        fn reads(&self) -> Vec<$crate::path::Path> {
            self.transfer.from()
        }

        fn lineage(&self, flow: &mut $crate::lineage::Flow) {
            self.transfer.lineage(flow);
        }

        fn meaning(&self) -> serde_json::Value {
            self.transfer.meaning()
        }

        fn problems(&self) -> Vec<$crate::problem::Problem> {
            self.transfer.paths.problems()
        }
    };
}
pub(super) use transfer_methods;
