//! A redacted value is shown nowhere, whatever shape the record has: what blocks a redacted path is masked with it.

use crate::support::world::Scene;

/// Every secret begins so, whether it is a text, a number or a name.
const SECRET: &str = "4111000";

const PATHS: [&str; 5] = ["card.number", "items[*].pin", "deep.a.b", "list[0].x", "tags[*]"];

const STAGE: &str = r##"
[stage]
source = "r"
target = "s"
max_errors = "100%"
redact = ["card.number", "items[*].pin", "deep.a.b", "list[0].x", "tags[*]"]

[[op]]
op = "set"
path = "seen"
value = true

[contract.target]
type = "object"
properties.ok = { const = true }
additionalProperties = { "$ref" = "#/$defs/whole" }
[contract.target."$defs"]
whole = { type = ["object", "array", "string", "number", "boolean", "null"], items = { "$ref" = "#/$defs/part" }, additionalProperties = { "$ref" = "#/$defs/part" } }
part = { type = ["object", "array", "string", "number", "null"], items = { type = "string" }, additionalProperties = { type = "string" } }

[[reconcile]]
name = "sums"
source = "= 1"
target = "= 2"
by = { source = "= doc.key", target = "= doc.key" }
"##;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn secret(&mut self) -> String {
        format!("{SECRET}{:06}", self.roll(1_000_000))
    }

    /// Any value that holds a secret: in a value or in a name.
    fn holding(&mut self, depth: u32) -> String {
        let secret = self.secret();
        match self.roll(if depth == 0 { 2 } else { 6 }) {
            0 => format!("\"{secret}\""),
            1 => secret,
            2 => format!("[{},null,{}]", self.holding(depth - 1), self.holding(depth - 1)),
            3 => format!("{{\"{secret}\":{}}}", self.holding(depth - 1)),
            4 => format!("{{\"k\":{},\"l\":[true]}}", self.holding(depth - 1)),
            _ => format!("[[{}]]", self.holding(depth - 1)),
        }
    }

    fn scalar_or_list(&mut self) -> String {
        match self.roll(3) {
            0 => format!("\"{}\"", self.secret()),
            1 => self.secret(),
            _ => format!("[{}]", self.holding(2)),
        }
    }

    fn scalar_or_object(&mut self) -> String {
        match self.roll(3) {
            0 => format!("\"{}\"", self.secret()),
            1 => self.secret(),
            _ => format!("{{\"{}\":{}}}", self.secret(), self.holding(1)),
        }
    }

    /// What stands at the first field of a redacted path: a secret where the path leads, or in its way.
    fn field(&mut self, path: &str) -> (&'static str, String) {
        let at_end = self.roll(3) == 0;
        let value = self.holding(2);
        match path {
            "card.number" if at_end => ("card", format!("{{\"number\":{value},\"kind\":\"visa\"}}")),
            "card.number" => ("card", self.scalar_or_list()),
            "items[*].pin" if at_end => (
                "items",
                format!("[{{\"pin\":{value}}},{}]", self.scalar_or_list()),
            ),
            "items[*].pin" => ("items", self.scalar_or_object()),
            "deep.a.b" if at_end => ("deep", format!("{{\"a\":{}}}", self.scalar_or_list())),
            "deep.a.b" => ("deep", self.scalar_or_list()),
            "list[0].x" if at_end => ("list", format!("[{{\"x\":{value}}}]")),
            "list[0].x" => ("list", self.scalar_or_object()),
            _ if at_end => ("tags", format!("[{value}]")),
            _ => ("tags", self.scalar_or_object()),
        }
    }

    fn record(&mut self, id: u64) -> String {
        let mut fields: Vec<(&str, String)> = Vec::new();
        for _ in 0..=self.roll(3) {
            let path = PATHS[usize::try_from(self.roll(5)).unwrap()];
            let field = self.field(path);
            if fields.iter().all(|(name, _)| *name != field.0) {
                fields.push(field);
            }
        }
        let ok = self.roll(2) == 0;
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{\"id\":\"r{id}\",\"ok\":{ok},{}}}\n", fields.join(","))
    }
}

fn clinic(by: &str) -> Scene {
    let scene = Scene::named("p", &[("0001_a.toml", &STAGE.replace("doc.key", by))]);
    let mut dice = Dice(7);
    let mut lines: String = (0..120).map(|id| dice.record(id)).collect();
    lines += &format!(
        "{{\"id\":\"cut\",\"card\":\"{}\n\"{}\"\n",
        dice.secret(),
        dice.secret()
    );
    scene.write("r.ndjson", &lines);
    scene
}

#[test]
fn what_blocks_a_redacted_path_is_shown_on_no_screen() {
    for by in ["doc.card", "doc.deep.a", "doc.list"] {
        let scene = clinic(by);
        let mut seen = 0;
        let mut look = |arguments: &[&str]| {
            for json in [false, true] {
                let arguments = if json {
                    [&["--json"], arguments].concat()
                } else {
                    arguments.to_vec()
                };
                let ran = scene.run(&arguments);
                // What a command refuses to do (`--json` beside a format of its own) shows nothing either.
                let is_absent = ran.err.contains("no such record") || ran.out.contains("no such record");
                assert!(
                    ran.code != 4 && (ran.code != 1 || is_absent),
                    "{arguments:?}: {}",
                    ran.err
                );
                let told = ran.out + &ran.err;
                if let Some(at) = told.find(SECRET) {
                    let from = told[..at]
                        .char_indices()
                        .rev()
                        .nth(200)
                        .map_or(0, |(from, _)| from);
                    panic!(
                        "{arguments:?} shows a secret: {}",
                        &told[from..(at + 20).min(told.len())]
                    );
                }
                seen += told.matches("[redacted]").count();
            }
        };
        look(&["load", "r", "r.ndjson"]);
        look(&["plan", "--full", "--examples", "200"]);
        look(&["plan"]);
        look(&["apply"]);
        let records: Vec<String> = (1..30).map(|record| record.to_string()).collect();
        for record in &records {
            look(&["quarantine", "show", "--record", record]);
        }
        for command in [
            &["query", "r", "--limit", "500"][..],
            &["query", "s", "--limit", "500", "--pretty"],
            &[
                "query",
                "r",
                "--limit",
                "500",
                "--where",
                "doc.get(\"card\") != 1",
            ],
            &["query", "r", "--limit", "500", "--sort", "card"],
            &["query", "r", "--limit", "500", "--with-id"],
            &["query", "r", "--id", "r1"],
            &["export", "r"],
            &[
                "export",
                "s",
                "--format",
                "csv",
                "--columns",
                "id,card,items,deep.a,list,tags",
            ],
            &["trace", "r", "r1"],
            &["trace", "r", "r2", "--family"],
            &["trace", "r", "r2", "--format", "prov-json"],
            &["quarantine", "list", "--limit", "500"],
            &["validate", "r", "--stage", "1"],
            &["validate", "s", "--limit", "500"],
            &["profile", "r"],
            &["profile", "s"],
            &["report", "--inputs", "--examples", "500"],
            &["report", "2", "--inputs", "--examples", "500"],
            &["report", "--html", "-", "--inputs", "--examples", "500"],
            &["status"],
            &["history"],
            &["history", "--format", "openlineage"],
            &["reconcile", "--limit", "500"],
            &["check"],
            &["verify"],
            &["quarantine", "retry"],
            &["rollback", "--stage", "1", "--yes"],
        ] {
            look(command);
        }
        assert!(seen > 1_000, "{seen}: nothing was there to be masked");
        assert!(scene.run(&["export", "r", "--reveal"]).out.contains(SECRET));
    }
}

#[test]
fn reasons_in_the_ledger_name_nothing_below_what_blocks_a_redacted_path() {
    let scene = clinic("doc.id");
    scene.run(&["load", "r", "r.ndjson"]);
    scene.run(&["apply"]);
    let store = rusqlite::Connection::open(scene.path("counterfoil.db")).unwrap();
    let (reasons, count): (String, i64) = store
        .query_row(
            "SELECT group_concat(reason), count(*) FROM ledger_entry WHERE outcome=4",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert!(count > 20, "{count}");
    assert!(!reasons.contains(SECRET), "{reasons}");
}
