//! The lineage of columns, as tables that were written by hand.

use counterfoil::expression::Template;
use counterfoil::lineage::{Dependence, Source, SourceField};
use counterfoil::op::{Add, Effect, FunctionOperation, Functions, HashText, Join, Remove, Rename, Round};
use counterfoil::record::{Rounding, Value};
use counterfoil::stage::{Lineage, Lookup, Outcome, Stage, TargetField};

use crate::support::world::{self, stage};

fn word(source: &Source) -> String {
    let origin = match &source.origin {
        SourceField::Record => "*".to_owned(),
        SourceField::Id => "@id".to_owned(),
        SourceField::Field(path) => path.to_string(),
    };
    let how = match source.dependence {
        Dependence::Identity => "same",
        Dependence::Transformation => "made",
        Dependence::Aggregation => "all",
        Dependence::Conditional => "if",
        Dependence::Filter => "filter",
    };
    format!("{how}{} {origin}", if source.masked { "(masked)" } else { "" })
}

/// `field: how source, how source`, a line each.
fn table(lineage: &Lineage) -> String {
    let words = |sources: &[Source]| sources.iter().map(word).collect::<Vec<_>>().join(", ");
    let mut lines: Vec<String> = lineage
        .fields
        .iter()
        .map(|(place, sources)| {
            let place = match place {
                TargetField::Others => "*".to_owned(),
                TargetField::Id => "@id".to_owned(),
                TargetField::Field(path) => path.to_string(),
            };
            format!("{place}: {}", words(sources)).trim_end().to_owned()
        })
        .collect();
    lines.push(
        format!("record: {}", words(&lineage.record))
            .trim_end()
            .to_owned(),
    );
    lines.join("\n")
}

fn is(lineage: &Lineage, expected: &str) {
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(table(lineage), expected.join("\n"));
}

fn shipped(project: &str, number: u32) -> Lineage {
    let project = world::shipped(project);
    project.stages().get(number).unwrap().lineage()
}

fn of_text(text: &str) -> Lineage {
    stage("0001_s.toml", text).lineage()
}

#[test]
fn the_shop_says_where_every_field_of_an_order_comes_from() {
    is(
        &shipped("shop", 1),
        "@id: same @id
         customer.address.city: made customer_address
         customer.address.state: made customer_address
         customer.address.street: made customer_address
         customer.address.zip: made customer_address
         customer.contact.email: same customer_email, if customer_email
         customer.contact.phone: same customer_phone, made customer_phone, if customer_phone
         customer.name.first: made customer_name
         customer.name.last: made customer_name
         id: same order_id
         items[*].product_id: made product_ids
         items[*].quantity: made quantities
         items[*].unit_price: made prices
         pricing.adjustment: made order_total, all prices, if prices, all quantities, if quantities
         pricing.shipping: if prices, if quantities
         pricing.subtotal: all prices, all quantities
         pricing.tax: all prices, all quantities
         pricing.total: made order_total
         status: made order_status
         timestamps.created: made created_date
         timestamps.updated: made created_date
         record:",
    );
}

#[test]
fn the_shop_that_recomputes_says_that_the_total_no_longer_comes_from_the_total() {
    is(
        &shipped("shop_recompute", 1),
        "@id: same @id
         customer.address.city: made customer_address
         customer.address.state: made customer_address
         customer.address.street: made customer_address
         customer.address.zip: made customer_address
         customer.contact.email: same customer_email, if customer_email
         customer.contact.phone: same customer_phone, made customer_phone, if customer_phone
         customer.name.first: made customer_name
         customer.name.last: made customer_name
         id: same order_id
         items[*].product_id: made product_ids
         items[*].quantity: made quantities
         items[*].unit_price: made prices
         pricing.shipping: if prices, if quantities
         pricing.subtotal: all prices, all quantities
         pricing.tax: all prices, all quantities
         pricing.total: all prices, if prices, all quantities, if quantities
         status: made order_status
         timestamps.created: made created_date
         timestamps.updated: made created_date
         record:",
    );
}

#[test]
fn the_bank_carries_what_no_stage_names_and_says_so() {
    is(
        &shipped("bank", 1),
        "*: same *
         @id: same @id
         account_number: same acct_no
         amount: same tx_amt
         transaction_date: same tx_date
         tx_ref: same tx_ref
         record:",
    );
    is(
        &shipped("bank", 2),
        "*: same *
         @id: same @id
         account_number: same account_number
         amount: made amount
         currency:
         status:
         transaction_date: same transaction_date
         transaction_id: made(masked) @id
         tx_ref: same tx_ref
         record:",
    );
    is(
        &shipped("bank", 3),
        "*: same *
         @id: same @id
         account_number: same account_number
         aml_checked:
         amount: same amount
         currency: same currency
         reporting_required: made amount
         risk_score: made amount
         status: same status
         transaction_date: same transaction_date
         transaction_id: same transaction_id
         tx_ref: same tx_ref
         record:",
    );
}

#[test]
fn operations_are_composed_down_to_the_fields_of_the_source() {
    let stage = Stage::new(1, "names")
        .source("people")
        .rounding(Rounding::HalfEven)
        .op(Rename::new("fname", "first"))
        .op(Rename::new("first", "given"))
        .op(Join::fields(["given", "last"], "name", " "))
        .op(Round::new("height", 1, Rounding::HalfEven))
        .op(Rename::new("height", "size"))
        .op(HashText::new("ssn").to("key"))
        .op(Remove::new("ssn"))
        .op(Add::new("version", Template::Fixed(Value::integer(2))))
        .build()
        .unwrap();
    is(
        &stage.lineage(),
        "*: same *
         @id: same @id
         given: same fname
         key: made(masked) ssn
         name: made fname, made last
         size: made height
         version:
         record:",
    );
}

#[test]
fn lists_conditions_and_derived_records_are_followed() {
    let lineage = of_text(
        r#"
        [stage]
        source = "orders"
        target = "lines"
        where = '= doc.status != "draft"'
        id = '= doc.order + "-" + doc.sku'
        [[op]]
        op = "each"
        path = "items"
        ops = [{ op = "rename", from = "qty", to = "quantity" }, { op = "trim", path = "sku" }]
        [[op]]
        op = "filter"
        path = "items"
        where = "= doc.quantity > 0"
        [[op]]
        op = "derive"
        path = "items"
        keep = ["order"]
        [[op]]
        op = "set"
        path = "size"
        value = '= if doc.quantity > 10 { "bulk" } else { doc.unit }'
        "#,
    );
    is(
        &lineage,
        "*: same items[*], filter items[*].qty
         @id: filter items[*].qty, made items[*].sku, made order
         order: filter items[*].qty, same order
         quantity: same items[*].qty, filter items[*].qty
         size: if items[*].qty, filter items[*].qty, same items[*].unit
         sku: filter items[*].qty, made items[*].sku
         record: filter items[*], filter items[*].qty, filter items[*].sku, filter status",
    );
}

#[test]
fn a_function_of_the_program_depends_on_the_record_as_a_whole_unless_it_declares_more() {
    let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\n[[op]]\nop = \"rename\"\nfrom = \"x\"\nto = \"y\"\n\
                [[op]]\nop = \"rust\"\nfunction = \"f\"\nversion = 1\n";
    let with = |function: FunctionOperation| {
        let mut functions = Functions::new();
        functions.register(function);
        let lookup = Lookup::nothing().with_functions(functions);
        Stage::parse("0001_s.toml", text, &lookup).unwrap().lineage()
    };
    let function = || FunctionOperation::new("f", 1, |_, _| Ok(Effect::Unchanged));
    let unknown = "*: made *, made @id, made x
         @id: made *, made @id, made x
         record: filter *, filter @id, filter x";
    is(&with(function()), unknown);
    is(&with(function().reads(["x"])), unknown);
    is(&with(function().writes(["z"])), unknown);
    is(
        &with(function().reads(["y", "w"]).writes(["z"])),
        "*: same *
         @id: same @id, made w, made x
         y: same x
         z: made w, made x, same z
         record: filter w, filter x",
    );
}

#[test]
fn a_closure_depends_on_what_was_left_of_the_record() {
    let closure = |stage: counterfoil::stage::StageBuilder| {
        stage
            .transform(|record, _| Ok(Outcome::keep(record)))
            .keeps_ids()
            .build()
            .unwrap()
            .lineage()
    };
    is(
        &closure(Stage::new(1, "any").source("a").target("b")),
        "*: made *, made @id
         @id: same @id
         record: filter *, filter @id",
    );
}

#[test]
fn a_golden_record_has_the_fields_of_its_members() {
    is(
        &of_text(
            "[stage]\nsource = \"register\"\ntarget = \"people\"\nid = '= \"P-\" + doc.ssn'\n\n\
             [merge]\nby = { ssn = \"ssn\" }\n\n[merge.survive]\nprovenance = \"_sources\"\n\"phones\" = \"union\"\n",
        ),
        "
        *: same *
        @id: made ssn
        _sources: all @id, same _sources
        phones: same phones, all phones
        record: filter *, filter @id, filter ssn
        ",
    );
}
