//! What `load` lets in: every line of an input is a record or is refused with its reason, and nothing else happens.

use std::cell::RefCell;
use std::collections::BTreeMap;

use counterfoil::input::Format;
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::record::Limits;
use counterfoil::store::StoreOptions;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::fuzz;
use super::texts::{JSON, compact, depth_of, edited, edits, faulty, has_a_name_twice, json, record};
use crate::support::world::{World, environment, stages};

/// Small, so that they are met.
const BYTES: usize = 160;
const DEPTH: usize = 4;

/// So many loads into one store: its quarantine is looked through after each.
const LOADS: usize = 40;

/// A store for several loads, each into a database of its own.
struct Loads {
    world: World,
    count: usize,
}

/// What became of one input.
struct Loaded {
    /// The id and data of each record, in the order in which they came.
    records: Vec<(String, String)>,
    /// The code and the input of each refusal, by line.
    refused: BTreeMap<u64, (String, String)>,
    read: u64,
    unchanged: u64,
}

impl Loads {
    fn new() -> RefCell<Self> {
        let world = Self::world();
        RefCell::new(Self { world, count: 0 })
    }

    fn world() -> World {
        let options = StoreOptions::default()
            .limits(Limits::default().bytes(BYTES).depth(DEPTH))
            .batch_size(5)
            // Waits for the disk once in a commit.
            .live(true);
        World::with(stages("fuzz", &[]), options, environment())
    }

    /// Loads an input; `None` where it cannot be read at all, and then it has written nothing.
    fn load(&mut self, format: Option<Format>, input: &[u8]) -> Option<Loaded> {
        self.count += 1;
        if self.count.is_multiple_of(LOADS) {
            self.world.is_sound();
            self.world = Self::world();
        }
        let database = format!("d{}", self.count);
        let options = LoadOptions::default().format(format);
        let store = &mut self.world.store;
        let report = load(store, &database, &database, input, &options, &mut Silent);
        let records = if store.databases().expect("a store").contains(&database) {
            self.world.rows(&database)
        } else {
            Vec::new()
        };
        let Ok(report) = report else {
            assert!(records.is_empty(), "{report:?} {records:?}");
            return None;
        };
        let counts = report.counts;
        let records: Vec<_> = records
            .into_iter()
            .map(|record| (record.id, record.data))
            .collect();
        assert_eq!(counts.read, counts.written + counts.unchanged + counts.refused);
        assert_eq!(counts.written, records.len() as u64);
        let found = self.world.quarantine();
        let found = found
            .iter()
            .filter(|refused| refused.database.as_ref() == Some(&database));
        let refused: BTreeMap<_, _> = found
            .map(|refused| {
                let shown = self.world.store.refused_input(refused, &[]).expect("its image");
                let line = refused.reason.line.expect("a refused line has a number");
                (
                    line,
                    (refused.reason.code.to_string(), shown.data.expect("its input")),
                )
            })
            .collect();
        // Elements of an array may share a line, and an input that ends too early is refused where it ends.
        assert!(refused.len() as u64 <= counts.refused);
        assert_eq!(refused.is_empty(), counts.refused == 0);
        for (code, input) in refused.values() {
            assert!(code.contains('.'), "{code}");
            assert!(input.len() <= 3 * (BYTES + 1), "{} bytes are kept", input.len());
        }
        Some(Loaded {
            records,
            refused,
            read: counts.read,
            unchanged: counts.unchanged,
        })
    }
}

/// The id and the data of a line that has to be let in.
fn expected(line: &[u8]) -> Option<(String, String)> {
    let value: Json = serde_json::from_slice(line).ok()?;
    let text = std::str::from_utf8(line).ok()?;
    let fits = line.len() <= BYTES && depth_of(&value) <= DEPTH;
    if !fits || has_a_name_twice(text, &value) {
        return None;
    }
    let id = match value.as_object()?.get("id")? {
        Json::String(text) if !text.is_empty() && !text.contains('\0') => text.clone(),
        Json::Number(number) => {
            let number = number.to_string();
            let whole = number
                .trim_start_matches('-')
                .bytes()
                .all(|byte| byte.is_ascii_digit());
            whole.then(|| if number == "-0" { "0".to_owned() } else { number })?
        }
        _ => return None,
    };
    Some((id, compact(text)))
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let changed = (record(), edits(JSON, 2)).prop_map(|(text, edits)| edited(&text, &edits));
    let text = prop_oneof![
        8 => record(),
        2 => changed,
        2 => faulty().prop_map(|fault| format!("{{\"id\":\"f\",\"x\":{fault}}}")),
        1 => json(),
        1 => select_blank(),
    ];
    let text = text.prop_map(String::into_bytes);
    let line = prop_oneof![10 => text, 1 => prop::collection::vec(any::<u8>(), 0..300)];
    line.prop_map(|bytes| bytes.into_iter().filter(|byte| *byte != b'\n').collect())
}

fn select_blank() -> impl Strategy<Value = String> {
    prop::sample::select(&["", " ", "\t\r"][..]).prop_map(str::to_owned)
}

#[test]
fn every_line_is_let_in_or_refused_as_a_plain_reading_of_it_says() {
    let loads = Loads::new();
    fuzz(80, prop::collection::vec(line(), 0..12), |lines| {
        let input = lines.join(&b'\n');
        let loaded = loads
            .borrow_mut()
            .load(Some(Format::Lines), &input)
            .expect("lines can be read");
        let (mut records, mut refused, mut unchanged, mut read) = (Vec::new(), Vec::new(), 0, 0);
        for (at, line) in lines.iter().enumerate() {
            let line = match (at, line.strip_prefix(b"\xef\xbb\xbf")) {
                (0, Some(behind)) => behind,
                _ => line,
            };
            if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                continue;
            }
            read += 1;
            let Some((id, data)) = expected(line) else {
                refused.push(at as u64 + 1);
                continue;
            };
            match records.iter().find(|(known, _)| *known == id) {
                None => records.push((id, data)),
                Some((_, known)) if *known == data => unchanged += 1,
                Some(_) => refused.push(at as u64 + 1),
            }
        }
        assert_eq!(loaded.records, records);
        assert_eq!(loaded.refused.keys().copied().collect::<Vec<_>>(), refused);
        assert_eq!((loaded.read, loaded.unchanged), (read, unchanged));
        for (at, (code, kept)) in &loaded.refused {
            let line = &lines[usize::try_from(*at - 1).expect("few lines")];
            let line = String::from_utf8_lossy(line);
            let line = line
                .strip_prefix('\u{feff}')
                .filter(|_| *at == 1)
                .unwrap_or(&line);
            let line = line.strip_suffix('\r').unwrap_or(line);
            // A record whose id is taken was read already, and is kept as it would have been stored.
            let expected = if code == "load.exists" {
                compact(line)
            } else {
                line.to_owned()
            };
            let is_kept = *kept == expected || kept.len() >= BYTES;
            assert!(is_kept, "{code} in line {at}: {kept:?}");
        }
    });
    loads.into_inner().world.is_sound();
}

#[test]
fn every_element_of_a_list_is_let_in_or_refused() {
    let loads = Loads::new();
    let element = prop_oneof![4 => record(), 1 => json()];
    fuzz(50, prop::collection::vec(element, 0..10), |elements| {
        let input = format!("[{}]", elements.join(","));
        let loaded = loads
            .borrow_mut()
            .load(Some(Format::Array), input.as_bytes())
            .expect("a list can be read");
        let known = |data: &String| elements.iter().any(|element| compact(element) == *data);
        assert!(loaded.records.iter().all(|(_, data)| known(data)));
        // Where all of it is JSON, each element is one record or one refusal.
        let parsed: Result<Vec<Json>, _> = serde_json::from_str(&input);
        if let Ok(parsed) = parsed {
            assert_eq!(loaded.read, parsed.len() as u64);
            let good = elements
                .iter()
                .filter_map(|element| expected(element.trim().as_bytes()));
            let mut ids: Vec<String> = Vec::new();
            good.for_each(|(id, _)| {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            });
            let loaded: Vec<_> = loaded.records.into_iter().map(|(id, _)| id).collect();
            assert_eq!(loaded, ids);
        }
    });
    loads.into_inner().world.is_sound();
}

#[test]
fn any_bytes_at_all_are_read_as_some_format_or_refused_as_a_whole() {
    const PIECES: &[&str] = &[
        "id,x\n",
        "id\tx\n",
        "\"id\";x\r\n",
        "a,1\n",
        "\"a\"\"b\",\"2\n3\"\n",
        "{\"id\":\"a\"}\n",
        "[",
        "]",
        ",",
        "{",
        "\"",
        "\n",
        "\r",
        "\u{feff}",
        "[{\"id\":1}",
        "{\"records\":[",
        "null",
        "\0",
    ];
    let loads = Loads::new();
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..20)
        .prop_map(|pieces| pieces.concat().into_bytes());
    let bytes = prop_oneof![4 => pieces, 1 => prop::collection::vec(any::<u8>(), 0..400)];
    let format =
        prop::sample::select(&[None, Some(Format::Lines), Some(Format::Array), Some(Format::Csv)][..]);
    fuzz(100, (format, bytes), |(format, bytes)| {
        let loaded = loads.borrow_mut().load(format, &bytes);
        for (id, data) in loaded.iter().flat_map(|loaded| &loaded.records) {
            let value: Json = serde_json::from_str(data).expect("what is stored is JSON");
            assert!(value.is_object() && !id.is_empty(), "{id:?} {data}");
        }
        if let Some(loaded) = loaded
            && bytes.iter().any(|byte| !byte.is_ascii_whitespace())
            && format == Some(Format::Lines)
        {
            assert!(
                loaded.read > 0 || bytes == "\u{feff}".as_bytes(),
                "something was passed over"
            );
        }
    });
    loads.into_inner().world.is_sound();
}
