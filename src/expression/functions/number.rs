//! Functions of numbers.

use super::call::{Call, Function, Known, Needs, Result};
use crate::expression::arithmetic;
use crate::expression::datum::{Datum, Number, View};
use crate::expression::fault::Fault;
use crate::expression::operator;
use crate::record::{NumberText, Rounding};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "decimal",
        signature: "decimal(x)",
        summary: "the exact decimal of a number or of a string such as \"-12.50\", ignoring whitespace around it; \
                  refuses as `expression.not_a_number`",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: decimal,
    },
    Function {
        name: "integer",
        signature: "integer(x)",
        summary: "the integer of a string of digits or of a number without a fraction",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: integer,
    },
    Function {
        name: "round",
        signature: "round(x, places)",
        summary: "the number rounded as the stage declares and padded with zeros to exactly that many places",
        least: 2,
        most: 2,
        needs: Needs::Rounding,
        body: round,
    },
    Function {
        name: "divide",
        signature: "divide(a, b, places)",
        summary: "the quotient, rounded once as the stage declares to exactly that many places",
        least: 3,
        most: 3,
        needs: Needs::Rounding,
        body: divide,
    },
    Function {
        name: "sum",
        signature: "sum(list)",
        summary: "the exact sum of a list of numbers; 0 for an empty list",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: sum,
    },
    Function {
        name: "abs",
        signature: "abs(x)",
        summary: "the number without its sign",
        least: 1,
        most: 1,
        needs: Needs::Nothing,
        body: abs,
    },
    Function {
        name: "min",
        signature: "min(a, b, ...)",
        summary: "the smallest of several values of one type, or of one list",
        least: 1,
        most: 16,
        needs: Needs::Nothing,
        body: |call| extreme(call, std::cmp::Ordering::Less),
    },
    Function {
        name: "max",
        signature: "max(a, b, ...)",
        summary: "the largest of several values of one type, or of one list",
        least: 1,
        most: 16,
        needs: Needs::Nothing,
        body: |call| extreme(call, std::cmp::Ordering::Greater),
    },
];

fn not_a_number() -> Fault {
    Fault::new(
        "expression.not_a_number",
        "a plain decimal such as -12.50, of at most 28 digits",
    )
}

fn decimal(call: &Call<'_>) -> Result<Datum> {
    match call.first().view() {
        View::Text(text) => {
            let exact = NumberText::PLAIN.read(&text);
            exact.map(Datum::Decimal).map_err(|_| not_a_number())
        }
        _ => Ok(Datum::Decimal(call.number(0)?.decimal())),
    }
}

fn integer(call: &Call<'_>) -> Result<Datum> {
    let expected = || Fault::new("expression.not_a_number", "a whole number that fits 64 bits");
    let exact = match call.first().view() {
        View::Text(text) => {
            let whole = NumberText::PLAIN.whole(&text);
            return whole.map(Datum::Integer).map_err(|_| expected());
        }
        _ => match call.number(0)? {
            Number::Integer(integer) => return Ok(Datum::Integer(integer)),
            Number::Decimal(decimal) => decimal,
        },
    };
    if !exact.is_integer() {
        return Err(expected());
    }
    i64::try_from(exact.trunc().mantissa())
        .map(Datum::Integer)
        .map_err(|_| expected())
}

/// The compiler gives every function that rounds the stage's rounding.
fn rounding(call: &Call<'_>) -> Result<Rounding> {
    match call.known {
        Known::Rounding(rounding) => Ok(*rounding),
        _ => Err(Fault::new(
            "expression.argument",
            "a stage that declares its rounding",
        )),
    }
}

fn round(call: &Call<'_>) -> Result<Datum> {
    let number = call.number(0)?.decimal();
    let rounded = rounding(call)?
        .round(number, call.places(1)?)
        .map_err(|_| Fault::new("expression.overflow", "a result that fits 28 digits exactly"))?;
    call.context.rounded(number, rounded);
    Ok(Datum::Decimal(rounded))
}

fn divide(call: &Call<'_>) -> Result<Datum> {
    let (dividend, divisor) = (call.number(0)?.decimal(), call.number(1)?.decimal());
    arithmetic::divide(dividend, divisor, call.places(2)?, rounding(call)?).map(Datum::Decimal)
}

fn sum(call: &Call<'_>) -> Result<Datum> {
    let list = call.first().as_list()?;
    let mut numbers = list.iter().map(Datum::as_number);
    let total = numbers.try_fold(Number::Integer(0), |total, number| {
        arithmetic::add(total, number?)
    });
    total.map(Datum::from)
}

fn abs(call: &Call<'_>) -> Result<Datum> {
    let number = call.number(0)?;
    let negative = arithmetic::compare(number, Number::Integer(0)).is_lt();
    Ok(Datum::from(if negative {
        arithmetic::negate(number)
    } else {
        number
    }))
}

fn extreme(call: &Call<'_>, wanted: std::cmp::Ordering) -> Result<Datum> {
    let values = match call.arguments {
        [list] => list.as_list()?,
        several => several.into(),
    };
    let (first, rest) = values
        .split_first()
        .ok_or_else(|| Fault::new("expression.argument", "a list with at least one value"))?;
    operator::compare(first, first)?;
    let mut best = first;
    for value in rest {
        if operator::compare(value, best)? == wanted {
            best = value;
        }
    }
    Ok(best.clone())
}
