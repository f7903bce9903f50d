//! Stages that have to wait because another one has stopped.

use crate::stage::Stage;

/// The stages that had to stop, and the databases that are not up to date because of them.
#[derive(Debug, Default)]
pub(crate) struct StoppedStages {
    databases: Vec<(String, u32)>,
    stages: Vec<u32>,
}

impl StoppedStages {
    /// Returns the stage for which another has to wait: what it would read, write or refer to is not up to date. Stages
    /// that depend on the waiting one wait as well.
    pub(crate) fn holds_back(&mut self, stage: &Stage) -> Option<u32> {
        let mut databases = self.databases.iter();
        let (_, by) = databases.find(|(database, _)| stage.depends_on(database))?;
        let by = *by;
        let waits = (stage.target().to_owned(), by);
        if !self.databases.contains(&waits) {
            self.databases.push(waits);
        }
        Some(by)
    }

    pub(crate) fn is(&self, stage: &Stage) -> bool {
        self.stages.contains(&stage.number())
    }

    /// Notes that a stage has stopped.
    pub(crate) fn add(&mut self, stage: &Stage) {
        self.stages.push(stage.number());
        self.databases.push((stage.target().to_owned(), stage.number()));
    }
}
