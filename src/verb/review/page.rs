//! The queue as one page for a person at a desk: it needs no network, is driven by the keyboard, and saves the decisions
//! as a sheet. The template stands in `page/`, with the script and the style that the page's security policy names by
//! their hashes. Values reach the page as JSON that cannot end its element, and the script writes them as text only.

use std::borrow::Cow;
use std::io::{self, Write};

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::{ComparedMember, ComparedPair, QueuedPair};
use crate::digest::{hex, sha256};
use crate::shown::{grouped, line};

const STYLE: &str = concat!(
    include_str!("../../shown/palette.css"),
    include_str!("page/review.css")
);
const SCRIPT: &str = concat!(
    include_str!("page/sheet.js"),
    include_str!("page/shown.js"),
    include_str!("page/review.js")
);

/// What the person at the page is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageMode {
    /// Whether the two are to be merged: accept, reject, never.
    #[default]
    Decide,
    /// Whether the two are one, for calibration: same or different. The page does not show the scores, which would sway
    /// the answers.
    Label,
}

/// What a page says about its pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageOptions {
    /// The project.
    pub project: String,
    /// When the pairs were listed, ISO 8601 in UTC.
    pub made: String,
    /// The stage, as people name it: `4 people`. `None` if the pairs are of several.
    pub stage: Option<String>,
    /// What is asked.
    pub mode: PageMode,
    /// Number of pairs that wait, if the page has only some of them.
    pub waiting: Option<u64>,
}

impl PageOptions {
    /// Creates options for the pairs of a project, listed at this time (ISO 8601 in UTC).
    #[must_use]
    pub fn new(project: impl Into<String>, made: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            made: made.into(),
            stage: None,
            mode: PageMode::default(),
            waiting: None,
        }
    }

    /// Names the stage, as people do: `4 people`. Default: `None`, the pairs are of several.
    #[must_use]
    pub fn stage(mut self, stage: impl Into<Option<String>>) -> Self {
        self.stage = stage.into();
        self
    }

    /// Sets what is asked. Default: [`PageMode::Decide`].
    #[must_use]
    pub fn mode(mut self, mode: PageMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the number of pairs that wait. Default: `None`, the page has all of them.
    #[must_use]
    pub fn waiting(mut self, waiting: impl Into<Option<u64>>) -> Self {
        self.waiting = waiting.into();
        self
    }
}

/// Writes pairs as one self-contained page, on which a person decides them and saves the decisions as a sheet that
/// [`read_sheet`](super::read_sheet) reads. The page loads nothing and sends nothing: its content security policy allows
/// its own script and style only.
pub fn page(
    options: &PageOptions,
    pairs: &[(QueuedPair, ComparedPair)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut data = String::new();
    for (queued, compared) in pairs {
        data.push_str(if data.is_empty() { "[\n" } else { ",\n" });
        data.push_str(&inert_json(&PagePair::new(queued, compared)));
    }
    data.push_str(if data.is_empty() { "[]" } else { "\n]" });
    let file = file_name(options.mode, pairs);
    let parts = [&options.project, &options.made, &file, &data].map(String::as_bytes);
    let page = ReviewPage {
        options,
        count: pairs.len(),
        counted: grouped(pairs.len() as u64),
        amount: amount(pairs.len() as u64, options.waiting),
        is_label: options.mode == PageMode::Label,
        settings: inert_json(&Settings {
            // Another page has other decisions.
            key: &hex(&sha256(&parts))[..32],
            label: options.mode == PageMode::Label,
            file: &file,
        }),
        data,
        style_hash: source_hash(STYLE),
        script_hash: source_hash(SCRIPT),
    };
    out.write_all(page.render().map_err(io::Error::other)?.as_bytes())?;
    out.write_all(b"\n")
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage<'p> {
    options: &'p PageOptions,
    count: usize,
    counted: String,
    amount: String,
    is_label: bool,
    settings: String,
    data: String,
    style_hash: String,
    script_hash: String,
}

/// What the script is given besides the pairs.
#[derive(Serialize)]
struct Settings<'p> {
    /// Under which the browser keeps the decisions.
    key: &'p str,
    label: bool,
    /// The name of the sheet that is saved.
    file: &'p str,
}

/// A pair as the script gets it: texts that are safe to show.
#[derive(Serialize)]
struct PagePair<'p> {
    name: String,
    a: PageMember<'p>,
    b: PageMember<'p>,
    band: Cow<'p, str>,
    probability: String,
    bits: String,
    prior: String,
    auto: String,
    since: Cow<'p, str>,
    /// Text, actor, time.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<[Cow<'p, str>; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<String>,
    why: Vec<Cow<'p, str>>,
    fields: Vec<PageField<'p>>,
    /// Path, both values, whether they are masked.
    others: Vec<(Cow<'p, str>, Shown<'p>, Shown<'p>, u8)>,
}

/// Name, role, both values, whether they are masked, level, bits.
type PageField<'p> = (
    Cow<'p, str>,
    Cow<'p, str>,
    Shown<'p>,
    Shown<'p>,
    u8,
    Shown<'p>,
    String,
);

/// A text that is safe to show, if there is one.
type Shown<'p> = Option<Cow<'p, str>>;

#[derive(Serialize)]
struct PageMember<'p> {
    record: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Shown<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Shown<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    golden: Option<String>,
    members: u64,
}

impl<'p> PagePair<'p> {
    fn new(queued: &'p QueuedPair, compared: &'p ComparedPair) -> Self {
        let note = queued.note.as_ref();
        Self {
            name: queued.versioned_name(),
            a: PageMember::new(&compared.a),
            b: PageMember::new(&compared.b),
            band: line(&queued.band),
            probability: compared.probability.to_string(),
            bits: compared.bits.to_string(),
            prior: compared.prior.to_string(),
            auto: compared.auto.to_string(),
            since: line(&queued.at),
            note: note.map(|note| [line(&note.text), line(&note.actor), line(&note.at)]),
            together: compared.together.map(|golden| golden.to_string()),
            why: compared.why.iter().map(|why| line(why)).collect(),
            fields: (compared.fields.iter())
                .map(|field| {
                    (
                        line(&field.name),
                        line(&field.role),
                        shown(field.a.as_ref()),
                        shown(field.b.as_ref()),
                        u8::from(field.redacted),
                        shown(field.level.as_ref()),
                        field.bits.to_string(),
                    )
                })
                .collect(),
            others: (compared.others.iter())
                .map(|other| {
                    (
                        line(&other.path),
                        shown(other.a.as_ref()),
                        shown(other.b.as_ref()),
                        u8::from(other.redacted),
                    )
                })
                .collect(),
        }
    }
}

impl<'p> PageMember<'p> {
    fn new(member: &'p ComparedMember) -> Self {
        Self {
            record: member.side.record.to_string(),
            id: shown(member.side.id.as_ref()),
            system: shown(member.system.as_ref()),
            golden: member.golden.map(|golden| golden.to_string()),
            members: member.members,
        }
    }
}

fn shown(text: Option<&String>) -> Shown<'_> {
    text.map(|text| line(text))
}

/// Returns JSON that no value can leave: markup is escaped, so that the element ends where the page ends it.
fn inert_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("texts, numbers and lists of them are JSON");
    let mut inert = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => inert.push_str("\\u003c"),
            '>' => inert.push_str("\\u003e"),
            '&' => inert.push_str("\\u0026"),
            _ => inert.push(letter),
        }
    }
    inert
}

/// Returns how a security policy names an inline script or style.
fn source_hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(sha256(&[text.as_bytes()])))
}

/// Returns the name of the sheet that the page saves, with the stage if the pairs have only one.
fn file_name(mode: PageMode, pairs: &[(QueuedPair, ComparedPair)]) -> String {
    let what = match mode {
        PageMode::Decide => "decisions",
        PageMode::Label => "labels",
    };
    match pairs.first().map(|(first, _)| first.stage) {
        Some(stage) if pairs.iter().all(|(queued, _)| queued.stage == stage) => {
            format!("{what}-stage-{stage}.csv")
        }
        _ => format!("{what}.csv"),
    }
}

/// Renders `1 pair`, or `200 pairs of 1,240 that wait`.
fn amount(pairs: u64, waiting: Option<u64>) -> String {
    let amount = if pairs == 1 {
        "1 pair".to_owned()
    } else {
        format!("{} pairs", grouped(pairs))
    };
    match waiting {
        Some(waiting) => format!("{amount} of {} that wait", grouped(waiting)),
        None => amount,
    }
}

/// Renders a time for people: `2026-01-31 12:00 UTC`.
fn moment(iso: &str) -> String {
    match iso.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests;
