//! The stages of one project, in the order of their numbers.

use std::collections::{HashMap, HashSet};

use super::Stage;
use crate::problem::Problem;
use crate::toml::Problems;

/// The stages of one project. A stage's identity is (project name, number), so numbers are unique.
#[derive(Debug)]
pub struct Stages {
    project: String,
    stages: Vec<Stage>,
}

impl Stages {
    /// Makes the stages of a project, given in any order.
    ///
    /// # Errors
    /// A [`Problem`] for each number that occurs twice, and one if stages form a circle: none of them would ever be up
    /// to date.
    pub fn new(project: &str, mut stages: Vec<Stage>) -> Result<Self, Problems> {
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
        problems.extend(stages.iter().filter_map(|stage| looks_ahead(stage, &stages)));
        Problems::none_or(problems, || Self {
            project: project.to_owned(),
            stages,
        })
    }

    /// Returns the project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Returns every stage up to a number, in order.
    pub fn up_to(&self, last: Option<u32>) -> impl Iterator<Item = &Stage> {
        self.stages
            .iter()
            .take_while(move |stage| last.is_none_or(|last| stage.number() <= last))
    }

    /// Returns every stage, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Stage> {
        self.stages.iter()
    }

    /// Returns the stage with this number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Stage> {
        let at = self.stages.binary_search_by_key(&number, Stage::number);
        at.ok().and_then(|at| self.stages.get(at))
    }
}

/// Returns the problem if a stage looks into a database that a later stage fills: its records would all wait for that
/// stage, or be processed twice.
fn looks_ahead(stage: &Stage, stages: &[Stage]) -> Option<Problem> {
    let mut later = stages.iter().filter(|later| later.number() > stage.number());
    let looks_into = |database: &str| stage.lookups().iter().any(|query| query.through == database);
    let later = later.find(|later| looks_into(later.target()))?;
    let message = format!(
        "stage {} looks into `{}`, which the later stage {} fills",
        stage.number(),
        later.target(),
        later.number()
    );
    Some(
        Problem::error("stage.lookup_order", stage.place_of("stage", "source"), message)
            .help("give the stage that fills the database the lower number"),
    )
}

/// Returns the problem if the first stage of a circle reads what the last one writes.
fn circle(stages: &[Stage]) -> Option<Problem> {
    let routes = Routes::new(stages);
    let left = routes.without_begun();
    let is_left = |route: &&Stage| left.contains(route.source());
    for first in stages.iter().filter(|stage| !stage.in_place()).filter(is_left) {
        let reached = routes.reached_from(first.target());
        if reached.contains(first.source()) {
            let last = stages.iter().find(|stage| {
                let mut lookups = stage.lookups().iter();
                let reads = reached.contains(stage.source())
                    || lookups.any(|query| reached.contains(query.through.as_str()));
                !stage.in_place() && stage.target() == first.source() && reads
            })?;
            let message = format!(
                "stage {} reads `{}`, which stage {} writes from what stage {} has written: the stages form a cycle",
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

/// The routes of the copying stages: from each database to those that they fill from it or look into it for.
struct Routes<'s> {
    targets: HashMap<&'s str, Vec<&'s str>>,
}

impl<'s> Routes<'s> {
    fn new(stages: &'s [Stage]) -> Self {
        let mut targets: HashMap<&str, Vec<&str>> = HashMap::new();
        for stage in stages.iter().filter(|stage| !stage.in_place()) {
            targets.entry(stage.source()).or_default().push(stage.target());
            for query in stage.lookups() {
                targets.entry(&query.through).or_default().push(stage.target());
            }
        }
        Self { targets }
    }

    fn from(&self, database: &str) -> impl Iterator<Item = &'s str> {
        self.targets.get(database).into_iter().flatten().copied()
    }

    /// Returns the databases that are read, without those that nothing fills, then without those that only these fill,
    /// and so on: each that is left is part of a circle or comes after one. If none is left, no stage has to be
    /// followed.
    fn without_begun(&self) -> HashSet<&'s str> {
        let mut fillers: HashMap<&str, usize> = HashMap::new();
        for target in self.targets.values().flatten() {
            *fillers.entry(target).or_default() += 1;
        }
        let mut left: HashSet<&str> = self.targets.keys().copied().collect();
        let is_begun = |database: &&str| !fillers.contains_key(database);
        let mut begun: Vec<&str> = left.iter().copied().filter(is_begun).collect();
        while let Some(database) = begun.pop() {
            left.remove(database);
            for target in self.from(database) {
                let Some(fillers) = fillers.get_mut(target) else {
                    continue;
                };
                *fillers -= 1;
                if *fillers == 0 {
                    begun.push(target);
                }
            }
        }
        left
    }

    /// Returns a database and all that are filled from it, over any number of stages.
    fn reached_from(&self, database: &'s str) -> HashSet<&'s str> {
        let mut reached = HashSet::from([database]);
        let mut ahead = vec![database];
        while let Some(database) = ahead.pop() {
            ahead.extend(self.from(database).filter(|target| reached.insert(target)));
        }
        reached
    }
}
