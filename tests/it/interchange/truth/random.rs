//! Random sequences of operations.

use std::collections::BTreeMap;

use counterfoil::stage::{Lookup, Stage};
use serde_json::{Value as Json, json};

use super::{Check, Looked};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.roll(choices.len())]
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "o.p", "o.q", "new", "o", "far.away"];

const FLAT: [&str; 5] = ["a", "b", "c", "o.p", "new"];

/// Values that expressions give: constants, fields, conditions, loops, names that are computed, the whole document.
const VALUES: [&str; 22] = [
    "fixed",
    "= doc.get(\"a\")",
    "= doc.get(\"b\") ?? doc.get(\"c\")",
    "= if has(doc, \"a\") { doc.get(\"b\") } else { omit }",
    "= if doc.get(\"c\") == () { 1 } else { 2 }",
    "= switch doc.get(\"b\") { 3 => doc.get(\"a\"), _ => 0 }",
    "= let n = 0; for item in doc.get(\"l\") ?? [] { n += 1 } n",
    "= let n = 0; for item in doc.l { n += item.x } n",
    "= let t = \"\"; for item in doc.l { if item.x > 2 { t = item.y } } t",
    "= let m = (); for item in doc.l { if m == () { m = item.get(\"y\"); } } m",
    "= let k = doc.get(\"a\"); if k == \"7.25\" { return doc.get(\"b\") } 1",
    "= for item in doc.l { if item.x == 3 { break; } } len(doc.l)",
    "= let f = \"a\"; doc[f]",
    "= let d = doc; d.get(\"o\")",
    "= #{ one: doc.get(\"a\"), two: #{ three: doc.get(\"o.p\") } }",
    "= [doc.get(\"a\"), doc.get(\"b\")]",
    "= sum(doc.m)",
    "= keys(doc)",
    "= zip([\"k\", \"v\"], doc.m, doc.n)",
    "= sha256(text(doc.get(\"a\") ?? \"\"))",
    "= ready",
    "= let i = 0; let t = 0; while i < len(doc.m) { t = doc.m[i]; i += 1 } t",
];

fn random_op(dice: &mut Dice, depth: usize) -> String {
    let (from, to) = (dice.of(&NAMES), dice.of(&NAMES));
    let (flat, other) = (dice.of(&FLAT), dice.of(&FLAT));
    let skip = dice.of(&["missing = \"skip\"", "missing = \"refuse\"", "missing = \"skip\""]);
    let null = dice.of(&["null = \"keep\"", "null = \"refuse\""]);
    let overwrite = dice.of(&["overwrite = true", "overwrite = false"]);
    let value = dice.of(&VALUES).replace('\\', "\\\\").replace('"', "\\\"");
    match dice.roll(if depth == 0 { 30 } else { 14 }) {
        0 => format!("op = \"copy\", from = \"{from}\", to = \"{to}\", {skip}, {overwrite}"),
        1 => format!("op = \"move\", from = \"{from}\", to = \"{to}\", {skip}, {overwrite}"),
        2 => format!("op = \"rename\", from = \"{flat}\", to = \"renamed\", {skip}, {overwrite}"),
        3 => format!("op = \"remove\", path = \"{from}\", {skip}"),
        4 => format!(
            "op = \"nest\", fields = [\"a\", \"x\"], into = \"{}\", {skip}",
            dice.of(&["nested", "b", "o"])
        ),
        5 => format!(
            "op = \"flatten\", path = \"o\", prefix = \"{}\", {skip}",
            dice.of(&["", "o_", "n"])
        ),
        6 => format!("op = \"hash\", path = \"{flat}\", to = \"hashed\", {skip}, {null}"),
        7 => format!("op = \"trim\", path = \"{flat}\", {skip}, {null}"),
        8 => format!("op = \"decimal\", path = \"{flat}\", places = 1, emit = \"number\", {skip}, {null}"),
        9 => format!(
            "op = \"split\", path = \"{flat}\", at = \".\", into = [\"s1\", \"s2\"], fewer = \"{}\", {skip}, {null}",
            dice.of(&["omit", "null", "empty"])
        ),
        10 => format!("op = \"wrap\", path = \"{from}\", {skip}"),
        11 => format!("op = \"wrap\", path = \"{from}\", key = \"w\", {skip}"),
        12 => format!(
            "op = \"unwrap\", path = \"{from}\", {}, {skip}",
            dice.of(&["key = \"p\"", "key = \"w\""])
        ),
        13 => format!(
            "op = \"map\", path = \"{flat}\", to = \"mapped\", values = {{ 3 = \"three\", x = \"ex\" }}, default = 0, {skip}, {null}"
        ),
        14 => format!("op = \"add\", path = \"{to}\", value = \"{value}\""),
        15 | 16 => format!("op = \"set\", path = \"{to}\", value = \"{value}\""),
        17 => format!(
            "op = \"default\", path = \"{to}\", value = \"{value}\", when = [\"missing\", \"null\", \"empty\"]"
        ),
        18 => format!(
            "op = \"join\", from = [\"{flat}\", \"{other}\"], to = \"joined\", with = \"-\", {skip}, null = \"skip\""
        ),
        19 => format!(
            "op = \"zip\", from = {{ k = \"m\", v = \"n\" }}, to = \"l\", remove_sources = {}, {overwrite}",
            dice.of(&["true", "false"])
        ),
        20 => format!(
            "op = \"filter\", path = \"l\", where = \"= {}\", {skip}",
            dice.of(&["doc.x > 2", "has(doc, \\\"y\\\")"])
        ),
        21 => format!(
            "op = \"filter\", where = \"= {}\"",
            dice.of(&["doc.get(\\\"b\\\") != 3", "!has(doc, \\\"c\\\")"])
        ),
        22 => format!(
            "op = \"dedupe\", path = \"l\", {}, {skip}",
            dice.of(&["by = \"x\"", "keep = \"last\""])
        ),
        23 => format!("op = \"set\", path = \"l[*].x\", value = \"{value}\""),
        24 => format!(
            "op = \"derive\", path = \"l\", keep = [\"{}\"]",
            dice.of(&["a", "b", "o.q"])
        ),
        25 => "op = \"rekey\", id = \"= text(doc.get(\\\"a\\\") ?? 1)\"".to_owned(),
        26 => "op = \"uuid\", path = \"u\"".to_owned(),
        27 => format!("op = \"move\", from = \"l[*].x\", to = \"l[*].z\", {skip}"),
        28 => format!("op = \"copy\", from = \"l[0]\", to = \"first\", {skip}, {overwrite}"),
        _ => {
            let inner: Vec<String> = (0..1 + dice.roll(2))
                .map(|_| format!("{{ {} }}", random_op(dice, 1)))
                .collect();
            format!(
                "op = \"each\", path = \"l\", ops = [{}], {skip}",
                inner
                    .join(", ")
                    .replace("\"a\"", "\"x\"")
                    .replace("\"b\"", "\"y\"")
            )
        }
    }
}

fn random_record(dice: &mut Dice) -> Json {
    let scalar = |dice: &mut Dice| match dice.roll(6) {
        0 => json!("7.25"),
        1 => json!(3),
        2 => json!("x"),
        3 => Json::Null,
        4 => json!(" 1.25 "),
        _ => json!(12),
    };
    let mut record = json!({});
    for name in ["a", "b", "c"] {
        if dice.roll(5) > 0 {
            record[name] = scalar(dice);
        }
    }
    if dice.roll(4) > 0 {
        record["o"] = json!({ "p": scalar(dice), "q": scalar(dice), "a": scalar(dice) });
    }
    let length = dice.roll(4);
    if dice.roll(5) > 0 {
        let list = (0..length).map(|_| json!({ "x": dice.roll(5), "y": scalar(dice) }));
        record["l"] = list.collect();
    }
    record["m"] = (0..length).map(|_| json!(dice.roll(9))).collect();
    record["n"] = (0..length).map(|_| scalar(dice)).collect();
    record
}

/// An inline table as the lines of a table: commas inside lists, tables and texts stay.
fn table(inline: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let letters = inline.chars().map(|letter| {
        match letter {
            _ if escaped => {}
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => return '\n',
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        letter
    });
    letters.collect()
}

fn random_stage(dice: &mut Dice) -> String {
    let mut text = "[stage]\nsource = \"s\"\ntarget = \"t\"\nrounding = \"half-even\"\n".to_owned();
    text += "prepare = '''let ready = doc.get(\"c\"); if ready == () { ready = doc.get(\"o\") }'''\n";
    if dice.roll(4) == 0 {
        text += "where = '= doc.get(\"a\") != 3'\n";
    }
    let ops: Vec<String> = (0..1 + dice.roll(6)).map(|_| random_op(dice, 0)).collect();
    for op in ops {
        text += &format!("[[op]]\n{}\n", table(&op));
    }
    if dice.roll(4) == 0 {
        text += "[into]\n";
        for name in ["one", "two.three", "four"] {
            text += &format!("{name} = '''{}'''\n", dice.of(&VALUES));
        }
    }
    text
}

#[test]
fn a_field_that_is_not_named_as_a_source_never_changes_the_target_in_random_sequences_of_operations() {
    // More than the everyday selection, where somebody asks for it.
    let wanted = std::env::var("COUNTERFOIL_LINEAGE_STAGES").ok();
    let wanted = wanted.and_then(|wanted| wanted.parse().ok()).unwrap_or(150);
    let seed = std::env::var("COUNTERFOIL_LINEAGE_SEED").ok();
    let mut dice = Dice(seed.and_then(|seed| seed.parse().ok()).unwrap_or(20_260));
    let (mut looked, mut stages, mut wrong) = (Looked::default(), 0, BTreeMap::<String, usize>::new());
    while stages < wanted {
        let text = random_stage(&mut dice);
        let stage = match Stage::parse("0001_random.toml", &text, &Lookup::nothing()) {
            Ok(stage) => stage,
            Err(problems) => {
                for problem in problems {
                    *wrong
                        .entry(format!("{} {}", problem.code, problem.message))
                        .or_default() += 1;
                }
                assert!(
                    wrong.values().sum::<usize>() < 100 + stages * 4,
                    "{text}\n{wrong:#?}"
                );
                continue;
            }
        };
        stages += 1;
        let mut check = Check {
            stage: &stage,
            lineage: stage.lineage(),
            looked: &mut looked,
        };
        for _ in 0..8 {
            let record = random_record(&mut dice);
            let others = [random_record(&mut dice), random_record(&mut dice)];
            check.record(&record, &others);
        }
    }
    assert!(
        looked.compared > 10_000 && looked.changed > 10_000 && looked.identities > 20,
        "{looked:?} {wrong:#?}"
    );
}
