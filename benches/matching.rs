//! How well and how fast records are matched: reads sets with Febrl's columns, whose ids say who is who, and compares the
//! clusters with the truth. The ids are used for nothing else.
//!
//! usage: matching [--no-ssn] [--caution high|low|none] [--auto PPM] [--cores N]
//!                 [--model] [--keys] [--missed] [--calibrate] FILE.csv...

#[path = "../src/matching/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod matching;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs;

use matching::{
    Caution, Constraints, Features, FeaturesBuilder, Field, Kind, Likeness, MemberText, Model, PairScore,
    Role, Scored, Scorer, Settings, Threads, cluster, learn, score, text,
};

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
struct Arguments {
    ssn: bool,
    caution: Caution,
    cores: usize,
    model: bool,
    keys: bool,
    missed: bool,
    auto: u32,
    calibrate: bool,
    files: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    println!(
        "{:24} {:>7} {:>7} {:>6} {:>6} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6} {:>6} {:>6}",
        "set",
        "records",
        "true",
        "auto P",
        "auto R",
        "shown",
        "+rev",
        "revs",
        "expected",
        "%",
        "cand/r",
        "CPU s",
        "MiB"
    );
    for file in &arguments.files {
        measure(&arguments, file)?;
    }
    Ok(())
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments {
        ssn: true,
        caution: Caution::High,
        cores: 2,
        model: false,
        keys: false,
        missed: false,
        auto: 990_000,
        calibrate: false,
        files: Vec::new(),
    };
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or("an argument lacks its value");
        match argument.as_str() {
            // What cargo passes to every bench.
            "--bench" => {}
            "--no-ssn" => arguments.ssn = false,
            "--model" => arguments.model = true,
            "--missed" => arguments.missed = true,
            "--calibrate" => arguments.calibrate = true,
            "--auto" => arguments.auto = value()?.parse()?,
            "--keys" => arguments.keys = true,
            "--cores" => arguments.cores = value()?.parse()?,
            "--caution" => {
                arguments.caution = match value()?.as_str() {
                    "low" => Caution::Low,
                    "none" => Caution::None,
                    _ => Caution::High,
                }
            }
            _ => arguments.files.push(argument),
        }
    }
    Ok(arguments)
}

const COLUMNS: [(&str, Kind, Role); 9] = [
    ("given_name", Kind::Given, Role::Identity),
    ("surname", Kind::Surname, Role::Shared),
    ("date_of_birth", Kind::Birth, Role::Identity),
    ("street_number", Kind::House, Role::Shared),
    ("address_1", Kind::Street, Role::Shared),
    ("suburb", Kind::City, Role::Shared),
    ("postcode", Kind::Zip, Role::Shared),
    ("state", Kind::State, Role::Shared),
    ("soc_sec_id", Kind::Ssn, Role::Identity),
];

fn settings(arguments: &Arguments) -> Settings {
    let columns = COLUMNS
        .iter()
        .filter(|(_, kind, _)| arguments.ssn || *kind != Kind::Ssn);
    let fields = columns
        .map(|(name, kind, role)| Field::new(name, *kind, *role))
        .collect();
    let mut settings = Settings::new(fields);
    settings.auto = arguments.auto;
    settings.caution = arguments.caution;
    settings.limits.memory = 2 << 30;
    settings
}

/// Reads a set. Returns the features and, by member, the person.
fn read(file: &str, settings: &Settings) -> Result<(Features, Vec<u32>), Box<dyn Error>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(file)?;
    let headers = reader.headers()?.clone();
    let position = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .ok_or(format!("no column {name}"))
    };
    let id = position("rec_id")?;
    let positions: Vec<usize> = settings
        .fields
        .iter()
        .map(|field| position(&field.name))
        .collect::<Result<_, _>>()?;
    let mut builder = FeaturesBuilder::new(settings);
    let mut people = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let cells = positions.iter().zip(&settings.fields).map(|(&at, field)| {
            let cell = record.get(at).unwrap_or_default();
            let folds = !matches!(field.kind, Kind::Birth);
            Some(if folds {
                text::fold(cell)
            } else {
                Cow::Borrowed(cell)
            })
        });
        let values: Vec<Option<Cow<'_, str>>> = cells.collect();
        let id = record.get(id).unwrap_or_default();
        people.push(id.split('-').nth(1).unwrap_or_default().parse()?);
        builder
            .push(&MemberText {
                number: i64::try_from(people.len())?,
                tie: tie(id),
                values: &values,
                computed: &[],
                owner: None,
            })
            .map_err(|excess| format!("{excess:?}"))?;
    }
    Ok((builder.build(), people))
}

/// FNV-1a, in place of the hash that the engine takes.
fn tie(id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 29)
}

fn measure(arguments: &Arguments, file: &str) -> Result<(), Box<dyn Error>> {
    let _ = fs::write("/proc/self/clear_refs", "5");
    let settings = settings(arguments);
    let (features, people) = read(file, &settings)?;
    let begun = cpu();
    let model =
        learn(&features, &settings, Threads::new(arguments.cores)).map_err(|excess| format!("{excess:?}"))?;
    let learned = cpu() - begun;
    let pairs = score(&features, &settings, &model, None, Threads::new(arguments.cores))
        .map_err(|excess| format!("{excess:?}"))?;
    let scorer = Scorer::new(&features, &settings, &model);
    let clustering = cluster(
        &features,
        &settings,
        &pairs,
        &scorer,
        &Constraints::default(),
        &|_, _| None,
    );
    let taken = cpu() - begun;
    let truth = pairs_within(&people);
    let (found, right) = agreement(&clustering.of, &people);
    let accepted = clustering.reviews.iter().map(|review| (review.a, review.b));
    let accepted = joined(&clustering.of, accepted.filter(|(a, b)| people[*a] == people[*b]));
    let (_, reviewed) = agreement(&accepted, &people);
    let shown = shown(&pairs, &clustering.of, &people);
    let name = file.rsplit('/').next().unwrap_or(file);
    println!(
        "{name:24} {:7} {truth:7} {:6.4} {:6.4} {:6.4} {:6.4} {:6} {:8} {:+6.1} {:6.2} {:6.2} {:6}",
        features.len(),
        ratio(right, found),
        ratio(right, truth),
        ratio(shown, truth),
        ratio(reviewed, truth),
        clustering.reviews.len(),
        pairs.expected,
        100.0 * (ratio(pairs.expected, truth) - 1.0),
        ratio(pairs.candidates, features.len() as u64),
        taken,
        peak() >> 20,
    );
    if arguments.keys {
        print_keys(&pairs, features.len());
        println!(
            "  learn {learned:.2} CPU s, {} rounds, features {} MiB",
            model.rounds,
            features.memory() >> 20
        );
    }
    if arguments.model {
        print_model(&model);
    }
    if arguments.calibrate {
        let mut settings = settings.clone();
        settings.review = 1;
        let pairs = score(&features, &settings, &model, None, Threads::new(arguments.cores))
            .map_err(|excess| format!("{excess:?}"))?;
        print_calibration(&pairs, &scorer, &people);
    }
    if arguments.missed {
        print_missed(&pairs, &scorer, &clustering.of, &people);
    }
    Ok(())
}

fn print_model(model: &Model) {
    println!("prior {:?}, expected {}", model.prior, model.expected);
    for slot in &model.slots {
        println!("{}", slot.name);
        for level in &slot.levels {
            let [m, h, u] = level.shares.map(|share| f64::from(share) / 1000.0);
            println!(
                "  {:14} m {:8.5} h {:8.5} u {:9.6}   M/U {:6.2} M/H {:6.2}  {:?}",
                format!("{:?}", level.likeness),
                m.exp2(),
                h.exp2(),
                u.exp2(),
                m - u,
                m - h,
                level.pairs
            );
        }
    }
}

fn print_keys(pairs: &Scored, members: usize) {
    for (key, first) in pairs.keys.iter().zip(&pairs.first) {
        println!(
            "  {:44} pairs {:9} first {:9} largest {:5} refined {:7} dropped {:6}",
            key.name, key.pairs, first, key.largest, key.refined, key.dropped
        );
    }
    let candidates = pairs.candidates;
    println!(
        "  {candidates} candidates, certain {}, edges {}, members {}",
        pairs.certain,
        pairs.edges.len(),
        members
    );
}

/// Prints the patterns of true pairs that are not in one cluster, the most frequent first.
fn print_missed(pairs: &Scored, scorer: &Scorer<'_>, of: &[u32], people: &[u32]) {
    let edges: HashSet<(u32, u32)> = pairs
        .edges
        .iter()
        .map(|edge| (edge.a.min(edge.b), edge.a.max(edge.b)))
        .collect();
    let mut persons = HashMap::<u32, Vec<usize>>::new();
    people
        .iter()
        .enumerate()
        .for_each(|(member, person)| persons.entry(*person).or_default().push(member));
    let mut patterns = HashMap::<String, (usize, i32, i32)>::new();
    for group in persons.into_values() {
        for (at, &a) in group.iter().enumerate() {
            for &b in &group[at + 1..] {
                if of[a] == of[b] {
                    continue;
                }
                let pair = scorer.pair(a, b);
                let is_edge = edges.contains(&(small(a.min(b)), small(a.max(b))));
                let band = match pair.posterior {
                    500_000.. if !is_edge => "apart",
                    990_000.. => "auto",
                    500_000.. => "review",
                    _ => "no",
                };
                let name = format!(
                    "{:6} {:22} {}",
                    band,
                    format!("{:?}", pair.held_back),
                    levels(&pair)
                );
                let entry = patterns.entry(name).or_insert((0, i32::MAX, i32::MIN));
                *entry = (entry.0 + 1, entry.1.min(pair.bits), entry.2.max(pair.bits));
            }
        }
    }
    let mut patterns: Vec<_> = patterns.into_iter().collect();
    patterns.sort_by_key(|(name, (count, ..))| (usize::MAX - count, name.clone()));
    for (name, (count, least, most)) in patterns.into_iter().take(40) {
        println!("  {count:5} {name:60} {least}..{most}");
    }
}

fn levels(pair: &PairScore) -> String {
    let levels = pair.slots.iter().map(|slot| match slot.likeness {
        None => "-".to_owned(),
        Some(Likeness::Equal(_)) => "=".to_owned(),
        Some(Likeness::Similar(level)) => format!("~{level}"),
        Some(Likeness::Swapped(how)) => format!("x{how}"),
        Some(Likeness::Together(level)) => format!("t{level}"),
        Some(Likeness::Different) => "#".to_owned(),
    });
    levels.collect::<Vec<_>>().join(" ")
}

/// Prints by pattern how many pairs were expected to be the same and how many are.
fn print_calibration(pairs: &Scored, scorer: &Scorer<'_>, people: &[u32]) {
    let mut patterns = HashMap::<String, (f64, u32, u32)>::new();
    for edge in &pairs.edges {
        let (a, b) = (edge.a as usize, edge.b as usize);
        let entry = patterns.entry(levels(&scorer.pair(a, b))).or_insert((0.0, 0, 0));
        entry.0 += f64::from(edge.posterior) / 1e6;
        entry.1 += u32::from(people[a] == people[b]);
        entry.2 += 1;
    }
    let mut bars = std::collections::BTreeMap::<i32, (u32, u32)>::new();
    for edge in pairs.edges.iter().filter(|edge| edge.held.is_none()) {
        let bar = bars.entry(edge.bits.div_euclid(500)).or_default();
        bar.0 += 1;
        bar.1 += u32::from(people[edge.a as usize] == people[edge.b as usize]);
    }
    for (bar, (all, right)) in bars.range(-6..24) {
        let nominal = 1.0 / (1.0 + (-f64::from(*bar) / 2.0 - 0.25).exp2());
        println!(
            "  reliability {:5.1} bits: nominal {nominal:.4} right {:.4} of {all}",
            f64::from(*bar) / 2.0,
            ratio(u64::from(*right), u64::from(*all))
        );
    }
    let mut patterns: Vec<_> = patterns.into_iter().collect();
    patterns.sort_by(|(_, one), (_, other)| {
        (other.0 - f64::from(other.1))
            .abs()
            .total_cmp(&(one.0 - f64::from(one.1)).abs())
    });
    for (name, (expected, right, all)) in patterns.into_iter().take(25) {
        println!("  {name:30} expected {expected:8.1} right {right:6} of {all}");
    }
}

fn pairs_within(labels: &[u32]) -> u64 {
    let mut counts = HashMap::<u32, u64>::new();
    for label in labels {
        *counts.entry(*label).or_default() += 1;
    }
    counts.values().map(|count| count * (count - 1) / 2).sum()
}

/// Pairs within clusters, and those of them that are one person.
fn agreement(clusters: &[u32], people: &[u32]) -> (u64, u64) {
    let mut both = HashMap::<(u32, u32), u64>::new();
    for pair in clusters.iter().copied().zip(people.iter().copied()) {
        *both.entry(pair).or_default() += 1;
    }
    (
        pairs_within(clusters),
        both.values().map(|count| count * (count - 1) / 2).sum(),
    )
}

/// The clusters after further pairs are joined.
fn joined(clusters: &[u32], pairs: impl Iterator<Item = (usize, usize)>) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..u32::try_from(clusters.len()).unwrap_or(u32::MAX)).collect();
    for (a, b) in pairs {
        let (a, b) = (root(&mut parent, clusters[a]), root(&mut parent, clusters[b]));
        parent[b as usize] = a;
    }
    clusters
        .iter()
        .map(|&cluster| root(&mut parent, cluster))
        .collect()
}

/// True pairs at or above the review line or in one cluster.
fn shown(pairs: &Scored, of: &[u32], people: &[u32]) -> u64 {
    let (_, right) = agreement(of, people);
    let apart: HashSet<(u32, u32)> = pairs
        .edges
        .iter()
        .filter(|edge| {
            people[edge.a as usize] == people[edge.b as usize] && of[edge.a as usize] != of[edge.b as usize]
        })
        .map(|edge| (edge.a, edge.b))
        .collect();
    right + apart.len() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// CPU seconds of all threads, in hundredths, which is what the kernel tells.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn peak() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap_or_default();
    let kib = line
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

fn small(member: usize) -> u32 {
    u32::try_from(member).unwrap_or(u32::MAX)
}

/// The member that stands for another's cluster.
fn root(parent: &mut [u32], mut at: u32) -> u32 {
    while parent[at as usize] != at {
        parent[at as usize] = parent[parent[at as usize] as usize];
        at = parent[at as usize];
    }
    at
}
