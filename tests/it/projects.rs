//! The shipped projects: what their stages make of their sample records, of the reference's own sample and, where
//! `COUNTERFOIL_REAL_DATA` names its place, of real data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use counterfoil::apply::{ApplyOptions, ApplyReport};
use counterfoil::environment::Secrets;
use counterfoil::ledger::Counts;
use counterfoil::load::LoadOptions;
use counterfoil::project::Project;

use counterfoil::record::{Document, Record};
use counterfoil::rollback::{RollbackOptions, RollbackScope};
use counterfoil::stage::{MaxErrors, Verdict};
use counterfoil::store::StoreOptions;
use rust_decimal::Decimal;

use crate::support::world::{World, environment, id_field, migration, shipped};

/// A shipped project with a store of its own.
struct Trial {
    name: &'static str,
    world: World,
}

impl Deref for Trial {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Trial {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Trial {
    fn of(name: &'static str) -> Self {
        Self {
            name,
            world: World::with(shipped(name), StoreOptions::default(), environment()),
        }
    }

    /// Loads a file by the id field that the project declares.
    fn load(&mut self, database: &str, file: &Path) -> Counts {
        let options = LoadOptions::default().id_field(id_field(&shipped(self.name), database));
        let input = File::open(file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy();
        self.load_as(database, &name, input, &options).counts
    }

    /// Loads the sample records of the project; all of them are well-formed.
    fn load_samples(&mut self, database: &str) -> u64 {
        let name = self.name;
        let counts = self.world.load_samples(name, database).counts;
        assert_eq!(counts.written, counts.read);
        counts.written
    }

    fn apply(&mut self, options: &ApplyOptions) -> ApplyReport {
        let report = self.apply_with(options);
        assert_eq!(report.stopped, None);
        report
    }

    fn refused_by_code(&self) -> BTreeMap<String, u64> {
        let totals = self.store.quarantine_totals(self.name).unwrap();
        totals
            .into_iter()
            .map(|total| (total.code, total.records))
            .collect()
    }

    fn data(&self, database: &str, id: &str) -> String {
        let data = self.world.data(database, id);
        data.unwrap_or_else(|| panic!("{database} has no {id}"))
    }

    /// Rolls back and compares a database with how it was; verifies before and after.
    fn rolls_back(&mut self, scope: RollbackScope, database: &str, before: &[Record]) {
        self.is_sound();
        self.roll_back(scope);
        assert!(self.rows(database) == before, "{database} is not as it was");
        self.is_sound();
    }
}

/// A file of the real data; `None`, said aloud, where its place is not given.
fn real_data(file: &str) -> Option<PathBuf> {
    let Some(place) = std::env::var_os("COUNTERFOIL_REAL_DATA") else {
        eprintln!("skipped: COUNTERFOIL_REAL_DATA does not say where the real data is");
        return None;
    };
    Some(PathBuf::from(place).join(file))
}

fn counts(written: u64, refused: u64) -> Counts {
    let mut counts = Counts::default();
    (counts.read, counts.written, counts.refused) = (written + refused, written, refused);
    counts
}

fn codes<const N: usize>(codes: [(&str, u64); N]) -> BTreeMap<String, u64> {
    codes.map(|(code, count)| (code.to_owned(), count)).into()
}

/// The examples of every stage; panics with the first that does not hold. Returns how many there are.
fn run_examples(project: &Project) -> usize {
    let mut examples = 0;
    for stage in project.stages().iter() {
        for result in stage.run_examples(project.name(), &Secrets::default()) {
            examples += 1;
            if let Verdict::Failed(why) = &result.verdict {
                panic!("{}, {}, {}: {why}", project.name(), stage.number(), result.name);
            }
        }
    }
    examples
}

#[test]
fn every_shipped_project_opens_and_its_examples_hold() {
    for name in ["shop", "shop_recompute", "bank", "hospital", "sensors"] {
        let project = shipped(name);
        assert!(run_examples(&project) > 2, "{name}");
        // The bank rounds in place, and says so; nothing else is to be looked at.
        let warnings: Vec<&str> = project.check().iter().map(|problem| problem.code).collect();
        let expected: &[&str] = if name == "bank" { &["check.lossy"] } else { &[] };
        assert_eq!(warnings, expected, "{name}");
    }
}

#[test]
fn the_shop_moves_its_samples_refuses_by_cause_and_takes_everything_back() {
    let mut shop = Trial::of("shop");
    let loaded = shop.load_samples("orders_v1");
    let before = shop.rows("orders_v1");
    let report = shop.apply(&ApplyOptions::default());
    assert_eq!(report.passes[0].counts, counts(272, 23));
    assert_eq!(loaded, 295);
    let refused = [
        ("address.unparsed", 5),
        ("contract.source", 3),
        ("contract.target", 4),
        ("convert.invalid", 1),
        ("decimal.invalid", 1),
        ("expression.overflow", 1),
        ("items.length", 3),
        ("map.unknown", 3),
        ("parse_date.unparsed", 2),
    ];
    assert_eq!(shop.refused_by_code(), codes(refused));
    shop.rolls_back(RollbackScope::All, "orders_v1", &before);
    assert_eq!(shop.rows("orders_v2"), []);
}

#[test]
fn every_order_of_the_shop_is_explained_to_the_cent() {
    let mut shop = Trial::of("shop");
    shop.load_samples("orders_v1");
    shop.apply(&ApplyOptions::default());
    for record in shop.rows("orders_v2") {
        let document = record.document().unwrap();
        let part = |name: &str| decimal(&document, &format!("pricing.{name}"));
        let sum = part("subtotal") + part("tax") + part("shipping") + part("adjustment");
        assert_eq!(sum, part("total"), "{}", record.id);
        let charged = Document::parse(&shop.data("orders_v1", &record.id)).unwrap();
        assert_eq!(decimal(&charged, "order_total"), part("total"), "{}", record.id);
    }
    for (id, pricing) in [
        (
            "ORD-2024-001",
            r#""subtotal":169.94,"tax":14.02,"shipping":0.00,"adjustment":5.98,"total":189.94"#,
        ),
        (
            "ORD-2024-002",
            r#""subtotal":2.00,"tax":0.16,"shipping":6.00,"adjustment":0.00,"total":8.16"#,
        ),
        (
            "ORD-2024-003",
            r#""subtotal":100.00,"tax":8.25,"shipping":0.00,"adjustment":0.00,"total":108.25"#,
        ),
        (
            "ORD-2024-020",
            r#""subtotal":1.00,"tax":0.08,"shipping":6.00,"adjustment":0.00,"total":7.08"#,
        ),
        (
            "ORD-2024-021",
            r#""subtotal":100.00,"tax":8.25,"shipping":0.00,"adjustment":0.00,"total":108.25"#,
        ),
        (
            "ORD-2024-026",
            r#""subtotal":20.00,"tax":1.65,"shipping":6.00,"adjustment":-7.65,"total":20.00"#,
        ),
    ] {
        let data = shop.data("orders_v2", id);
        assert!(data.contains(&format!(r#""pricing":{{{pricing}}}"#)), "{data}");
    }
    for id in ["ORD-2024-998", "ORD-2024-1000", "ORD-2024-12345"] {
        shop.data("orders_v2", id);
    }
}

#[test]
fn the_variant_that_recomputes_lowers_the_total_of_the_references_sample_by_5_98() {
    let mut shop = Trial::of("shop_recompute");
    shop.load_samples("orders_v1");
    shop.apply(&ApplyOptions::default());
    let sample = Document::parse(&shop.data("orders_v2", "ORD-2024-001")).unwrap();
    let charged = Document::parse(&shop.data("orders_v1", "ORD-2024-001")).unwrap();
    assert_eq!(decimal(&sample, "pricing.total").to_string(), "183.96");
    let lost = decimal(&charged, "order_total") - decimal(&sample, "pricing.total");
    assert_eq!(lost.to_string(), "5.98");
}

#[test]
fn the_shop_takes_american_addresses_and_its_revision_all_of_them() {
    let Some(file) = real_data("shop/northwind_orders_v1.ndjson") else {
        return;
    };
    let mut shop = Trial::of("shop");
    assert_eq!(shop.load("orders_v1", &file), counts(830, 0));
    let all = ApplyOptions::default().max_errors(MaxErrors::share("100%"));
    let report = shop.apply(&all);
    assert_eq!(report.passes[0].counts, counts(122, 708));
    assert_eq!(shop.refused_by_code(), codes([("address.unparsed", 708)]));

    let (_revised, project) = revised("shop");
    run_examples(&project);
    shop.stages = project.into();
    let drifted = shop.try_apply(&all).unwrap_err();
    assert_eq!(drifted.code(), "stage.drift");
    let revise = all.revise(true);
    let report = shop.apply(&revise);
    assert_eq!(report.passes[0].counts, counts(708, 0));
    assert_eq!(shop.store.count("orders_v2").unwrap(), 830);
    assert_eq!(report.quarantined, 0);
    let unparsed = shop.data("orders_v2", "ORD-1996-10248");
    let address = r#""address":{"street":"59 rue de l-Abbaye, Reims, 51100","city":"","state":"","zip":"","unparsed":true}"#;
    assert!(unparsed.contains(address), "{unparsed}");
    shop.is_sound();
}

/// A copy of a project with its revised stage in the place of the first one.
fn revised(name: &str) -> (tempfile::TempDir, Project) {
    let (from, folder) = (migration(name), tempfile::tempdir().unwrap());
    let to = folder.path();
    std::fs::create_dir(to.join("revisions")).unwrap();
    for file in [
        "counterfoil.toml",
        "order_v1.schema.json",
        "revisions/order_v2.schema.json",
    ] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let stage = "0001_nest_orders.toml";
    std::fs::copy(from.join("revisions").join(stage), to.join(stage)).unwrap();
    let project = Project::open(to).unwrap_or_else(|problems| panic!("{problems:#?}"));
    (folder, project)
}

#[test]
fn the_bank_moves_its_samples_through_three_stages_and_takes_everything_back() {
    let mut bank = Trial::of("bank");
    assert_eq!(bank.load_samples("legacy_transactions"), 320);
    let loaded = bank.rows("legacy_transactions");
    let first = ApplyOptions::default().to(1);
    assert_eq!(bank.apply(&first).passes[0].counts, counts(320, 0));
    let named = bank.rows("transactions");
    let report = bank.apply(&ApplyOptions::default());
    let outcomes: Vec<Counts> = report.passes.iter().map(|pass| pass.counts).collect();
    assert_eq!(outcomes, [counts(308, 12), counts(308, 0)]);
    let refused = [
        ("decimal.invalid", 10),
        ("decimal.too_long", 1),
        ("decimal.type", 1),
    ];
    assert_eq!(bank.refused_by_code(), codes(refused));
    for (id, amount, risk, reported) in [
        ("T001", "5000.00", "low", false),
        ("T002", "5000.01", "medium", false),
        ("T003", "10000.00", "medium", true),
        ("T004", "10000.01", "high", true),
        ("T005", "1234.56", "low", false),
        ("T006", "1234.58", "low", false),
        ("T007", "0.02", "low", false),
        ("T008", "2.68", "low", false),
        ("T009", "0.00", "low", false),
        ("T010", "-10000.01", "low", false),
    ] {
        let data = bank.data("transactions", id);
        let start = format!(r#"{{"tx_ref":"{id}","account_number":"#);
        let parts = format!(
            r#""currency":"USD","status":"completed","aml_checked":false,"risk_score":"{risk}","reporting_required":{reported}}}"#
        );
        assert!(data.starts_with(&start) && data.ends_with(&parts), "{data}");
        assert!(data.contains(&format!(r#""amount":"{amount}""#)), "{data}");
    }
    assert!(
        bank.data("transactions", "T023")
            .contains(r#""account_number":null"#)
    );
    // In place: the amounts as they were written, the refused transactions back among them.
    bank.rolls_back(RollbackScope::To(1), "transactions", &named);
    bank.rolls_back(RollbackScope::All, "transactions", &[]);
    assert!(bank.rows("legacy_transactions") == loaded);
}

#[test]
fn a_transaction_has_the_same_id_after_a_rollback_and_a_new_run() {
    let mut bank = Trial::of("bank");
    bank.load_samples("legacy_transactions");
    bank.apply(&ApplyOptions::default());
    let first = bank.rows("transactions");
    let options = RollbackOptions::default().scope(RollbackScope::All);
    bank.try_roll_back(&options).unwrap();
    bank.apply(&ApplyOptions::default());
    assert!(bank.rows("transactions") == first);
}

#[test]
fn the_bank_keeps_every_balance_of_the_real_data_to_the_cent() {
    let (Some(file), Some(balances)) = (
        real_data("bank/tpch_transactions_legacy.ndjson"),
        real_data("bank/tpch_balances.csv"),
    ) else {
        return;
    };
    let mut bank = Trial::of("bank");
    assert_eq!(bank.load("legacy_transactions", &file), counts(20_000, 0));
    let report = bank.apply(&ApplyOptions::default());
    let outcomes: Vec<Counts> = report.passes.iter().map(|pass| pass.counts).collect();
    assert_eq!(outcomes, [counts(20_000, 0); 3]);
    let mut found: BTreeMap<String, (u64, Decimal)> = BTreeMap::new();
    for record in bank.rows("transactions") {
        let document = record.document().unwrap();
        let account = document
            .at(&"account_number".parse().unwrap())
            .and_then(|value| value.as_text().map(Cow::into_owned));
        let balance = found.entry(account.unwrap()).or_default();
        *balance = (balance.0 + 1, balance.1 + decimal(&document, "amount"));
    }
    let balances = std::fs::read_to_string(balances).unwrap();
    let expected = balances.lines().skip(1).map(|line| {
        let parts: Vec<&str> = line.split(',').collect();
        (
            parts[0].to_owned(),
            (parts[1].parse().unwrap(), parts[2].parse().unwrap()),
        )
    });
    assert!(found == expected.collect());
}

/// The number, or the text of one, at a path.
fn decimal(document: &Document, path: &str) -> Decimal {
    let value = document.at(&path.parse().unwrap()).unwrap();
    let text = value.as_text().unwrap_or_else(|| Cow::Owned(value.to_json()));
    text.parse().unwrap()
}
