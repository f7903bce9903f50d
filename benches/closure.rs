//! The shop's migration as a Rust function over typed structs: what a program would write by hand.

use counterfoil::record::Record;
use counterfoil::refusal::Refusal;
use counterfoil::stage::{Outcome, Output};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Legacy<'a> {
    order_id: &'a str,
    customer_name: &'a str,
    customer_email: &'a str,
    customer_phone: &'a str,
    customer_address: &'a str,
    product_ids: &'a str,
    quantities: &'a str,
    prices: &'a str,
    #[serde(borrow)]
    order_total: &'a serde_json::value::RawValue,
    order_status: u8,
    created_date: &'a str,
}

#[derive(Serialize)]
struct Order<'a> {
    id: &'a str,
    customer: Customer<'a>,
    items: Vec<Item<'a>>,
    pricing: Pricing,
    status: &'static str,
    created: String,
}

#[derive(Serialize)]
struct Customer<'a> {
    first: &'a str,
    last: &'a str,
    email: &'a str,
    phone: String,
    street: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    quantity: i64,
    unit_price: &'a str,
}

#[derive(Serialize)]
struct Pricing {
    subtotal: String,
    tax: String,
    shipping: String,
    adjustment: String,
    total: String,
}

/// Transforms one order.
pub(crate) fn transform(record: &Record) -> Result<Outcome, Refusal> {
    let order: Legacy<'_> =
        serde_json::from_str(&record.data).map_err(|_| Refusal::new("order.shape", ""))?;
    let built = build(&order)?;
    let data = serde_json::to_string(&built).map_err(|_| Refusal::new("order.text", ""))?;
    Ok(Outcome::Write(Output {
        id: record.id.clone(),
        data,
    }))
}

fn build<'a>(order: &Legacy<'a>) -> Result<Order<'a>, Refusal> {
    let (first, last) = order
        .customer_name
        .split_once(' ')
        .unwrap_or((order.customer_name, ""));
    let (street, city, state, zip) = address(order.customer_address)
        .ok_or_else(|| Refusal::new("address.unparsed", "/customer_address"))?;
    let lists = [order.product_ids, order.quantities, order.prices].map(|list| list.split(','));
    let [products, quantities, prices] = lists;
    let (mut items, mut subtotal) = (Vec::with_capacity(6), 0);
    for ((product_id, quantity), unit_price) in products.zip(quantities).zip(prices) {
        let quantity: i64 = quantity
            .parse()
            .map_err(|_| Refusal::new("items.quantity", "/quantities"))?;
        subtotal += quantity * cents(unit_price).ok_or_else(|| Refusal::new("items.price", "/prices"))?;
        items.push(Item {
            product_id,
            quantity,
            unit_price,
        });
    }
    let total = cents(order.order_total.get()).ok_or_else(|| Refusal::new("order.total", "/order_total"))?;
    let tax = half_even(subtotal * 825, 10_000);
    let shipping = if subtotal < 10_000 { 600 } else { 0 };
    Ok(Order {
        id: order.order_id,
        customer: Customer {
            first,
            last,
            email: order.customer_email,
            phone: phone(order.customer_phone),
            street,
            city,
            state,
            zip,
        },
        items,
        pricing: Pricing {
            subtotal: money(subtotal),
            tax: money(tax),
            shipping: money(shipping),
            adjustment: money(total - subtotal - tax - shipping),
            total: money(total),
        },
        status: match order.order_status {
            1 => "pending",
            2 => "shipped",
            3 => "delivered",
            _ => return Err(Refusal::new("map.unknown", "/order_status")),
        },
        created: order.created_date.replacen(' ', "T", 1) + "Z",
    })
}

fn address(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (rest, state_and_zip) = text.rsplit_once(", ")?;
    let (street, city) = rest.rsplit_once(", ")?;
    let (state, zip) = state_and_zip.split_once(' ')?;
    Some((street, city, state, zip))
}

fn phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let local = digits
        .strip_prefix('1')
        .filter(|rest| rest.len() == 10)
        .unwrap_or(&digits);
    if local.len() == 10 {
        format!("+1-{}-{}-{}", &local[..3], &local[3..6], &local[6..])
    } else {
        text.to_owned()
    }
}

/// The cents of a price with exactly two places.
fn cents(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.')?;
    let (whole, cents): (i64, i64) = (whole.parse().ok()?, part.parse().ok()?);
    (part.len() == 2).then_some(whole * 100 + cents)
}

fn half_even(numerator: i64, denominator: i64) -> i64 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    quotient + i64::from(rest * 2 > denominator || (rest * 2 == denominator && quotient % 2 == 1))
}

fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}
