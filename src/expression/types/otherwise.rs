//! What the first language treated differently: comparisons in which the order decided, and texts of numbers.

use super::set::Types;
use crate::expression::datum::Datum;
use crate::expression::functions::call::Function;
use crate::expression::node::{Node, NodeKind};
use crate::expression::operator::Operator;
use crate::record::NumberText;

/// Returns whether the first language compared differently: the first pair of two lists or objects that differed hid
/// unlike ones after it.
pub(super) fn is_compared_otherwise(
    operator: Operator,
    sides: &[Node; 2],
    left: Types,
    right: Types,
) -> bool {
    if !matches!(operator, Operator::Equal | Operator::Unequal) {
        return false;
    }
    let both = |one: Types| left.meets(one) && right.meets(one);
    let is_short = |side: &Node| constants(side).is_some_and(|elements| elements.len() < 2);
    let lists = both(Types::LIST) && !sides.iter().any(is_short);
    lists || both(Types::OBJECT)
}

/// The types of the elements of a written list of constants.
fn constants(node: &Node) -> Option<Vec<Types>> {
    let NodeKind::List(parts) = &node.step else {
        return None;
    };
    let constant = |part: &Node| match &part.step {
        NodeKind::Constant(datum) => Some(Types::from_datum(datum)),
        _ => None,
    };
    parts.iter().map(constant).collect()
}

/// Returns whether the first language treated a function of this first value differently.
pub(super) fn is_read_otherwise(function: &Function, argument: &Node, types: Types) -> bool {
    match (function.name, &argument.step) {
        // Elements of one type were always compared alike.
        ("contains", _) => {
            let alike = constants(argument).is_some_and(|types| types.windows(2).all(|two| two[0] == two[1]));
            types.meets(Types::LIST) && !alike
        }
        ("decimal" | "integer", NodeKind::Constant(Datum::Text(text))) => {
            // Digits, a point and a minus were never read differently.
            NumberText::WRITTEN.read(text).is_err() || NumberText::PLAIN.read(text).is_err()
        }
        ("decimal" | "integer", _) => types.meets(Types::TEXT),
        _ => false,
    }
}
