//! Batches whose header was hashed with a name of their stage that differs from the ledger's.
//!
//! Until version 0.1.0, a pass of a stage whose file was renamed without changing its text used the row of the known
//! revision, which has the old name, but hashed the new one. Such a head matches the header with the other name and
//! nothing else, so it is distinguishable from tampering. What was hashed is not changed: a person accepts it with a
//! reason, which is an entry of the ledger, and from then on it is read with the name that was hashed.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Row};
use serde_json::value::RawValue;

use crate::digest::{Hash, sha256};
use crate::error::Result;
use crate::name::StageName;
use crate::name::check_stage;
use crate::record::{BatchId, PassId};

/// Batches of one stage that were hashed with one name that differs from the ledger's.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Renamed {
    /// Project of the stage.
    pub project: String,
    /// Number of the stage.
    pub stage: u32,
    /// Name in the ledger.
    pub recorded: String,
    /// Name that was hashed.
    pub slug: String,
    /// First and last of the batches; those of other stages between them are not affected.
    pub batches: [BatchId; 2],
}

/// A renamed stage with the entry that accepts its name.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct AcceptedName {
    /// What is accepted.
    #[serde(flatten)]
    pub renamed: Renamed,
    /// Batch that accepts it.
    pub accepted_in: BatchId,
    /// Person who accepted it.
    pub actor: String,
    /// Reason, in that person's words.
    pub reason: Option<String>,
}

/// The text from which the head of a batch was hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeadTexts {
    /// The header as the ledger renders it, as far as names are concerned.
    Recorded(String),
    /// The header with a name that was accepted.
    Accepted(String, AcceptedName),
    /// The header with another name that nobody has accepted yet.
    Renamed(String, Renamed),
}

impl HeadTexts {
    /// Returns the text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Recorded(text) | Self::Accepted(text, _) | Self::Renamed(text, _) => text,
        }
    }
}

/// Current and former names of stages.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageNames {
    accepted: Vec<AcceptedName>,
    /// Names by the stage's number: those of its other revisions, and those that the caller knows.
    known: HashMap<u32, Vec<String>>,
    /// Passes that may have the fault. Excludes the first pass of a revision, which was hashed with the name that it
    /// wrote, and every pass of a revision whose first pass does not match either, because then the name in the ledger
    /// was changed.
    later: HashSet<PassId>,
}

impl StageNames {
    /// Reads the accepted names.
    pub(crate) fn accepted(connection: &Connection) -> Result<Self> {
        Ok(Self {
            accepted: accepted(connection)?,
            ..Self::default()
        })
    }

    /// Reads the accepted names and those that may be found. The headers are rendered by a query that gives batch and
    /// text.
    pub(crate) fn known(connection: &Connection, headers: &str, more: &[StageName]) -> Result<Self> {
        let mut names = Self::accepted(connection)?;
        // Names that cannot be read are reported when every batch is verified.
        let mut statement = connection.prepare("SELECT number, slug FROM ledger_stage ORDER BY stage")?;
        let rows = statement.query_map([], |row| {
            Ok(StageName {
                number: row.get(0)?,
                slug: row.get(1)?,
            })
        })?;
        for StageName { number, slug } in rows.flatten().chain(more.iter().cloned()) {
            let known = names.known.entry(number).or_default();
            if check_stage(&slug).is_ok() && !known.contains(&slug) {
                known.push(slug);
            }
        }
        let mut header = connection.prepare(&format!(
            "WITH header AS ({headers}) SELECT b.head, h.header_text FROM ledger_batch b JOIN header h USING(batch)
             WHERE b.batch=(SELECT min(batch) FROM ledger_batch WHERE pass=?1)"
        ))?;
        let mut passes = connection
            .prepare("SELECT stage, pass FROM ledger_pass WHERE stage IS NOT NULL ORDER BY pass")?;
        let mut holds: HashMap<PassId, bool> = HashMap::new();
        for (stage, pass) in passes
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .flatten()
        {
            match holds.get(&stage) {
                Some(true) => drop(names.later.insert(pass)),
                Some(false) => {}
                None => {
                    let first = header.query_row([pass], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
                    let is_its_own = first.is_ok_and(|(head, text): (Hash, _)| head_of(&text) == head);
                    holds.insert(stage, is_its_own);
                }
            }
        }
        Ok(names)
    }

    /// Returns what was accepted, in the order of the entries.
    pub(crate) fn into_accepted(self) -> Vec<AcceptedName> {
        self.accepted
    }

    /// Determines the text from which the head of a batch was hashed, given its header as the ledger renders it.
    pub(crate) fn hashed(&self, batch: BatchId, head: &Hash, text: String) -> HeadTexts {
        if head_of(&text) == *head {
            return HeadTexts::Recorded(text);
        }
        let Some(header) = Header::read(&text) else {
            return HeadTexts::Recorded(text);
        };
        let covers = |name: &&AcceptedName| {
            let Renamed {
                project,
                stage,
                batches,
                ..
            } = &name.renamed;
            *stage == header.number
                && *project == header.project
                && (batches[0]..=batches[1]).contains(&batch)
        };
        for name in self.accepted.iter().filter(covers) {
            let renamed = header.with_slug(&name.renamed.slug);
            if head_of(&renamed) == *head {
                return HeadTexts::Accepted(renamed, name.clone());
            }
        }
        let known = self
            .known
            .get(&header.number)
            .filter(|_| self.later.contains(&header.pass));
        for slug in known.into_iter().flatten() {
            let renamed = header.with_slug(slug);
            if head_of(&renamed) == *head {
                let found = Renamed {
                    project: header.project,
                    stage: header.number,
                    recorded: header.slug,
                    slug: slug.clone(),
                    batches: [batch, batch],
                };
                return HeadTexts::Renamed(renamed, found);
            }
        }
        HeadTexts::Recorded(text)
    }
}

/// Returns the head of a batch with a header's text.
fn head_of(text: &str) -> Hash {
    sha256(&[text.as_bytes(), b"\n"])
}

/// A header split into the parts that name its stage, each as it was written.
struct Header<'t> {
    parts: Vec<&'t RawValue>,
    project: String,
    number: u32,
    slug: String,
    pass: PassId,
}

impl<'t> Header<'t> {
    /// Indexes of the parts in `ledger_header.header_text`.
    const PROJECT: usize = 10;
    const NUMBER: usize = 11;
    const SLUG: usize = 12;
    const PASS: usize = 15;

    /// Returns `None` if it is not the header of a stage.
    fn read(text: &'t str) -> Option<Self> {
        let parts: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        let part = |at: usize| parts.get(at).map(|part| part.get());
        Some(Self {
            project: serde_json::from_str(part(Self::PROJECT)?).ok()?,
            number: serde_json::from_str(part(Self::NUMBER)?).ok()?,
            slug: serde_json::from_str(part(Self::SLUG)?).ok()?,
            pass: serde_json::from_str(part(Self::PASS)?).ok()?,
            parts,
        })
    }

    /// Returns the text with another name, which needs no escaping: names consist of lower-case letters, digits and
    /// `_`.
    fn with_slug(&self, slug: &str) -> String {
        let slug = format!("\"{slug}\"");
        let parts = self.parts.iter().enumerate();
        let parts: Vec<&str> = parts
            .map(|(at, part)| {
                if at == Self::SLUG {
                    slug.as_str()
                } else {
                    part.get()
                }
            })
            .collect();
        format!("[{}]", parts.join(","))
    }
}

/// Returns what was accepted, in the order of the entries; an entry in any other form accepts nothing.
fn accepted(connection: &Connection) -> Result<Vec<AcceptedName>> {
    let sql = "SELECT b.batch, r.actor, r.reason, v.value->>'$.project', v.value->>'$.stage', v.value->>'$.recorded',
       v.value->>'$.slug', v.value->>'$.batches[0]', v.value->>'$.batches[1]'
     FROM ledger_pass p JOIN ledger_batch b USING(pass) JOIN ledger_run r USING(run) JOIN json_each(b.body,'$.renamed') v
     WHERE p.kind='edit' AND p.target IS NULL AND json_type(b.body,'$.renamed')='array' AND CASE WHEN v.type='object' THEN
       json_type(v.value,'$.project')='text' AND json_type(v.value,'$.recorded')='text' AND json_type(v.value,'$.slug')='text'
       AND json_type(v.value,'$.stage')='integer' AND json_array_length(v.value,'$.batches')=2
       AND json_type(v.value,'$.batches[0]')='integer' AND json_type(v.value,'$.batches[1]')='integer' END
     ORDER BY b.batch, v.key";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut accepted = Vec::new();
    while let Some(row) = rows.next()? {
        let read = |row: &Row<'_>| -> rusqlite::Result<AcceptedName> {
            Ok(AcceptedName {
                accepted_in: row.get(0)?,
                actor: row.get(1)?,
                reason: row.get(2)?,
                renamed: Renamed {
                    project: row.get(3)?,
                    stage: row.get(4)?,
                    recorded: row.get(5)?,
                    slug: row.get(6)?,
                    batches: [row.get(7)?, row.get(8)?],
                },
            })
        };
        accepted.extend(
            read(row)
                .ok()
                .filter(|name| check_stage(&name.renamed.slug).is_ok()),
        );
    }
    Ok(accepted)
}

/// Returns the batches that were hashed with another name and that nobody has accepted yet, by stage, name and range.
pub(crate) fn unaccepted(connection: &Connection, headers: &str, more: &[StageName]) -> Result<Vec<Renamed>> {
    let names = StageNames::known(connection, headers, more)?;
    let sql = format!(
        "WITH header AS ({headers}) SELECT b.batch, b.head, h.header_text, s.project, s.number
         FROM ledger_batch b JOIN ledger_pass p USING(pass) JOIN ledger_stage s USING(stage) JOIN header h USING(batch)
         ORDER BY b.batch"
    );
    let (mut found, mut open): (Vec<Renamed>, HashMap<(String, u32), usize>) = (Vec::new(), HashMap::new());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let batch = row.get(0)?;
        let stage = (row.get(3)?, row.get(4)?);
        let HeadTexts::Renamed(_, renamed) = names.hashed(batch, &row.get(1)?, row.get(2)?) else {
            open.remove(&stage);
            continue;
        };
        match open.get(&stage).map(|at| &mut found[*at]) {
            Some(stretch) if (&stretch.slug, &stretch.recorded) == (&renamed.slug, &renamed.recorded) => {
                stretch.batches[1] = batch;
            }
            _ => {
                open.insert(stage, found.len());
                found.push(renamed);
            }
        }
    }
    Ok(found)
}
