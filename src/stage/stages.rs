//! The stages of one project, in the order of their numbers.

use super::Stage;
use crate::problem::Problem;

/// The stages of one project. A stage's identity is (project name, number), so that no number stands twice.
#[derive(Debug)]
pub struct Stages {
    project: String,
    stages: Vec<Stage>,
}

impl Stages {
    /// The stages of a project, in any order.
    ///
    /// # Errors
    /// A [`Problem`] for each number that stands twice, and one where stages form a circle: none of them would ever be up
    /// to date.
    pub fn new(project: &str, mut stages: Vec<Stage>) -> Result<Self, Vec<Problem>> {
        stages.sort_by_key(Stage::number);
        let twice = stages
            .windows(2)
            .filter(|pair| pair[0].number() == pair[1].number());
        let mut problems: Vec<Problem> = twice
            .map(|pair| {
                let message = format!(
                    "`{}` and `{}` have the same number",
                    pair[0].slug(),
                    pair[1].slug()
                );
                Problem::error("stage.same_number", None, message)
                    .help("give one of them the next free number")
            })
            .collect();
        problems.extend(circle(&stages));
        if problems.is_empty() {
            Ok(Self {
                project: project.to_owned(),
                stages,
            })
        } else {
            Err(problems)
        }
    }

    /// The project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Every stage up to a number, in order.
    pub fn up_to(&self, last: Option<u32>) -> impl Iterator<Item = &Stage> {
        self.stages
            .iter()
            .take_while(move |stage| last.is_none_or(|last| stage.number() <= last))
    }

    /// Every stage, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Stage> {
        self.stages.iter()
    }

    /// The stage of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.number() == number)
    }
}

/// What is wrong where the first stage of a circle reads what the last one writes.
fn circle(stages: &[Stage]) -> Option<Problem> {
    for first in stages.iter().filter(|stage| !stage.in_place()) {
        let mut circle = vec![first.number()];
        let mut reached = vec![first.target()];
        while let Some(next) = stages.iter().find(|stage| {
            !stage.in_place()
                && reached.contains(&stage.source())
                && !circle.contains(&stage.number())
                && !reached.contains(&stage.target())
        }) {
            circle.push(next.number());
            reached.push(next.target());
        }
        if reached.contains(&first.source()) {
            let last = stages.iter().find(|stage| {
                !stage.in_place() && stage.target() == first.source() && reached.contains(&stage.source())
            })?;
            let message = format!(
                "stage {} reads `{}`, which stage {} writes from what stage {} has written: they form a circle",
                first.number(),
                first.source(),
                last.number(),
                first.number()
            );
            return Some(
                Problem::error("stage.circle", first.place_of("stage", "source"), message)
                    .help("let one of them write to a database that no earlier stage reads"),
            );
        }
    }
    None
}
