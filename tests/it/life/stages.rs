//! The twelve stages of the project: as files, and as plain functions that know nothing of them.

use serde_json::{Value, json};

/// What a stage makes of a record.
pub(super) enum Made {
    Write(String, String),
    Parts(Vec<(String, String)>),
    Filter,
    Refuse,
}

/// What happens where two records want one id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    Refuse,
    Skip,
    Replace,
}

pub(super) struct Stage {
    pub(super) number: u32,
    pub(super) slug: &'static str,
    pub(super) source: &'static str,
    pub(super) target: &'static str,
    pub(super) on_conflict: Conflict,
    /// The part of the file behind `[stage]`'s first keys.
    text: &'static str,
    /// What a revision makes of that part: more records pass, and those that passed come out as before.
    revised: Option<&'static str>,
    make: fn(&str, Value, bool) -> Made,
}

impl Stage {
    pub(super) fn in_place(&self) -> bool {
        self.source == self.target
    }

    pub(super) fn is_revisable(&self) -> bool {
        self.revised.is_some()
    }

    pub(super) fn make(&self, id: &str, data: &str, revised: bool) -> Made {
        let value = serde_json::from_str(data).expect("stored data is JSON");
        (self.make)(id, value, revised)
    }

    pub(super) fn file_name(&self, renamed: bool) -> String {
        let slug = if renamed { "renamed" } else { self.slug };
        format!("{:04}_{slug}.toml", self.number)
    }

    pub(super) fn file(&self, revised: bool) -> String {
        let text = self.revised.filter(|_| revised).unwrap_or(self.text);
        let target = if self.in_place() {
            String::new()
        } else {
            format!("target = \"{}\"\n", self.target)
        };
        format!(
            "[stage]\nsource = \"{}\"\n{target}max_errors = \"100%\"\n{text}",
            self.source
        )
    }
}

/// The databases that records are loaded into.
pub(super) const SOURCES: [&str; 2] = ["orders_raw", "customers_raw"];

pub(super) const STAGES: [Stage; 12] = [
    Stage {
        number: 1,
        slug: "orders",
        source: "orders_raw",
        target: "orders_v1",
        on_conflict: Conflict::Refuse,
        text: ORDERS,
        revised: Some(ORDERS_REVISED),
        make: orders,
    },
    Stage {
        number: 2,
        slug: "customers",
        source: "customers_raw",
        target: "customers_v1",
        on_conflict: Conflict::Skip,
        text: CUSTOMERS,
        revised: None,
        make: customers,
    },
    Stage {
        number: 3,
        slug: "status",
        source: "orders_v1",
        target: "orders_v1",
        on_conflict: Conflict::Refuse,
        text: STATUS,
        revised: Some(STATUS_REVISED),
        make: status,
    },
    Stage {
        number: 4,
        slug: "checked",
        source: "orders_v1",
        target: "orders_v1",
        on_conflict: Conflict::Refuse,
        text: CHECKED,
        revised: None,
        make: checked,
    },
    Stage {
        number: 5,
        slug: "named",
        source: "customers_v1",
        target: "customers_v1",
        on_conflict: Conflict::Refuse,
        text: NAMED,
        revised: None,
        make: named,
    },
    Stage {
        number: 6,
        slug: "nested",
        source: "orders_v1",
        target: "orders_v2",
        on_conflict: Conflict::Refuse,
        text: NESTED,
        revised: None,
        make: nested,
    },
    Stage {
        number: 7,
        slug: "lines",
        source: "orders_v2",
        target: "order_lines",
        on_conflict: Conflict::Refuse,
        text: LINES,
        revised: None,
        make: lines,
    },
    Stage {
        number: 8,
        slug: "latest",
        source: "customers_raw",
        target: "customers_latest",
        on_conflict: Conflict::Replace,
        text: LATEST,
        revised: None,
        make: latest,
    },
    Stage {
        number: 9,
        slug: "units",
        source: "order_lines",
        target: "order_lines",
        on_conflict: Conflict::Refuse,
        text: UNITS,
        revised: Some(UNITS_REVISED),
        make: units,
    },
    Stage {
        number: 10,
        slug: "closed",
        source: "orders_v2",
        target: "orders_v2",
        on_conflict: Conflict::Refuse,
        text: CLOSED,
        revised: None,
        make: closed,
    },
    Stage {
        number: 11,
        slug: "adults",
        source: "customers_v1",
        target: "customers_v2",
        on_conflict: Conflict::Refuse,
        text: ADULTS,
        revised: None,
        make: adults,
    },
    Stage {
        number: 12,
        slug: "invoices",
        source: "orders_v2",
        target: "invoices",
        on_conflict: Conflict::Refuse,
        text: INVOICES,
        revised: None,
        make: invoices,
    },
];

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn number(value: &Value, key: &str) -> i64 {
    value[key].to_string().parse().unwrap_or(-1)
}

fn write(id: &str, value: &Value) -> Made {
    Made::Write(id.to_owned(), value.to_string())
}

const ORDERS: &str = r#"rounding = "half-even"
where = '= doc.status != "test"'

[[op]]
op = "decimal"
path = "amount"
strip = "$"
places = 2

[[reconcile]]
name = "amounts"
source = '= decimal(doc.amount.replace("[$€]", ""))'
target = "= decimal(doc.amount)"
"#;

const ORDERS_REVISED: &str = r#"rounding = "half-even"
where = '= doc.status != "test"'

[[op]]
op = "decimal"
path = "amount"
strip = "$€"
places = 2

[[reconcile]]
name = "amounts"
source = '= decimal(doc.amount.replace("[$€]", ""))'
target = "= decimal(doc.amount)"
"#;

fn orders(id: &str, mut value: Value, revised: bool) -> Made {
    if text(&value, "status") == "test" {
        return Made::Filter;
    }
    let symbols: &[char] = if revised { &['$', '€'] } else { &['$'] };
    let amount = text(&value, "amount").trim_start_matches(symbols).to_owned();
    if !amount.starts_with(|first: char| first.is_ascii_digit()) {
        return Made::Refuse;
    }
    value["amount"] = amount.into();
    write(id, &value)
}

const CUSTOMERS: &str = r#"where = "= doc.active"
id = "= doc.email"
on_conflict = "skip"

[[op]]
op = "add"
path = "tier"
value = "basic"

[[contract.rule]]
name = "an age"
expect = "= doc.age >= 0"
"#;

fn customers(_: &str, mut value: Value, _: bool) -> Made {
    if value["active"] != json!(true) {
        return Made::Filter;
    }
    if number(&value, "age") < 0 {
        return Made::Refuse;
    }
    value["tier"] = "basic".into();
    let id = text(&value, "email").to_owned();
    write(&id, &value)
}

const STATUS: &str = r#"
[[op]]
op = "map"
path = "status"
values = { n = "new", p = "paid", s = "sent" }
"#;

const STATUS_REVISED: &str = r#"
[[op]]
op = "map"
path = "status"
values = { n = "new", p = "paid", s = "sent", l = "lost" }
"#;

fn status(id: &str, mut value: Value, revised: bool) -> Made {
    let status = match text(&value, "status") {
        "n" => "new",
        "p" => "paid",
        "s" => "sent",
        "l" if revised => "lost",
        _ => return Made::Refuse,
    };
    value["status"] = status.into();
    write(id, &value)
}

const CHECKED: &str = r#"
[[op]]
op = "add"
path = "checked"
value = true

[[contract.rule]]
name = "no more than the limit"
expect = "= decimal(doc.amount) < 900"
"#;

fn checked(id: &str, mut value: Value, _: bool) -> Made {
    let whole = text(&value, "amount").split('.').next().unwrap_or_default();
    if whole.parse::<u32>().map_or(true, |whole| whole >= 900) {
        return Made::Refuse;
    }
    value["checked"] = true.into();
    write(id, &value)
}

const NAMED: &str = r#"
[[op]]
op = "case"
path = "name"
style = "upper"

[[contract.rule]]
name = "a name that is known"
expect = '= doc.name != "?"'
"#;

fn named(id: &str, mut value: Value, _: bool) -> Made {
    if text(&value, "name") == "?" {
        return Made::Refuse;
    }
    value["name"] = text(&value, "name").to_uppercase().into();
    write(id, &value)
}

const NESTED: &str = r#"stale = "remove"

[into]
order = "= doc.id"
customer = "= doc.customer"
money.amount = "= decimal(doc.amount)"
money.slot = "= doc.slot"
status = "= doc.status"
lines = "= doc.lines"
note = "= doc.note"

[[contract.rule]]
name = "a note that can be read"
expect = '= doc.note != "???"'

[[reconcile]]
name = "money"
source = "= decimal(doc.amount)"
target = "= doc.money.amount"
by = { source = "= doc.id", target = "= doc.order" }
"#;

fn nested(id: &str, value: Value, _: bool) -> Made {
    if text(&value, "note") == "???" {
        return Made::Refuse;
    }
    let amount: serde_json::Number = serde_json::from_str(text(&value, "amount")).expect("a number");
    let document = json!({
        "order": value["id"],
        "customer": value["customer"],
        "money": {"amount": amount, "slot": value["slot"]},
        "status": value["status"],
        "lines": value["lines"],
        "note": value["note"],
    });
    write(id, &document)
}

const LINES: &str = r#"id = '= doc.order + "-" + doc.sku'

[[op]]
op = "derive"
path = "lines"
keep = ["order"]
"#;

fn lines(_: &str, value: Value, _: bool) -> Made {
    let order = text(&value, "order").to_owned();
    let lines = value["lines"].as_array().expect("a list");
    let part = |line: &Value| {
        let id = format!("{order}-{}", text(line, "sku"));
        let data = json!({"order": order, "sku": line["sku"], "qty": line["qty"]});
        (id, data.to_string())
    };
    if lines.is_empty() {
        return Made::Filter;
    }
    Made::Parts(lines.iter().map(part).collect())
}

const LATEST: &str = r#"id = "= doc.email"
on_conflict = "replace"

[[contract.rule]]
name = "an age"
expect = "= doc.age >= 0"
"#;

fn latest(_: &str, value: Value, _: bool) -> Made {
    if number(&value, "age") < 0 {
        return Made::Refuse;
    }
    let id = text(&value, "email").to_owned();
    write(&id, &value)
}

const UNITS: &str = r#"
[[op]]
op = "add"
path = "unit"
value = "piece"

[[contract.rule]]
name = "not too many"
expect = "= doc.qty < 8"
"#;

const UNITS_REVISED: &str = r#"
[[op]]
op = "add"
path = "unit"
value = "piece"

[[contract.rule]]
name = "not too many"
expect = "= doc.qty < 9"
"#;

fn units(id: &str, mut value: Value, revised: bool) -> Made {
    if number(&value, "qty") >= if revised { 9 } else { 8 } {
        return Made::Refuse;
    }
    value["unit"] = "piece".into();
    write(id, &value)
}

const CLOSED: &str = r#"
[[op]]
op = "add"
path = "closed"
value = '= doc.status == "sent"'
"#;

fn closed(id: &str, mut value: Value, _: bool) -> Made {
    value["closed"] = (text(&value, "status") == "sent").into();
    write(id, &value)
}

const ADULTS: &str = r#"where = "= doc.age >= 18"

[[op]]
op = "rename"
from = "tier"
to = "level"
"#;

fn adults(id: &str, value: Value, _: bool) -> Made {
    if number(&value, "age") < 18 {
        return Made::Filter;
    }
    let fields = value.as_object().expect("an object").iter();
    let renamed = fields.map(|(name, value)| {
        let name = if name == "tier" { "level" } else { name };
        (name.to_owned(), value.clone())
    });
    write(id, &Value::Object(renamed.collect()))
}

const INVOICES: &str = r#"where = '= doc.status == "paid"'
id = '= "I" + text(doc.money.slot)'

[into]
order = "= doc.order"
amount = "= doc.money.amount"

[[reconcile]]
name = "invoiced"
source = "= doc.money.amount"
target = "= doc.amount"
"#;

fn invoices(_: &str, value: Value, _: bool) -> Made {
    if text(&value, "status") != "paid" {
        return Made::Filter;
    }
    let id = format!("I{}", value["money"]["slot"]);
    write(
        &id,
        &json!({"order": value["order"], "amount": value["money"]["amount"]}),
    )
}
