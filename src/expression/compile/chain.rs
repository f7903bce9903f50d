//! The links of a chain: `doc.items[0].price.round(2)`.

use rhai::{ASTFlags, Expr};

use crate::path::Segment;

/// One link: `.name`, `[key]` or `.call()`.
pub(super) struct Link<'a> {
    pub(super) item: &'a Expr,
    pub(super) dotted: bool,
    pub(super) optional: bool,
}

/// The links of a chain, which Rhai nests to the right: in `a.b.c`, `b` is the left side of `.c`.
pub(super) fn links(chain: &Expr) -> Vec<Link<'_>> {
    let (mut links, mut rest) = (Vec::new(), Some(chain));
    while let Some((Expr::Dot(pair, flags, _) | Expr::Index(pair, flags, _), chain)) =
        rest.map(|rest| (rest, rest))
    {
        let item = match &pair.rhs {
            Expr::Dot(next, ..) | Expr::Index(next, ..) if !flags.contains(ASTFlags::BREAK) => {
                rest = Some(&pair.rhs);
                &next.lhs
            }
            last => {
                rest = None;
                last
            }
        };
        links.push(Link {
            item,
            dotted: matches!(chain, Expr::Dot(..)),
            optional: flags.contains(ASTFlags::NEGATED),
        });
    }
    links
}

/// Returns the path segment of a link, if it is known beforehand.
pub(super) fn segment(link: &Link<'_>) -> Option<Segment> {
    if link.optional {
        return None;
    }
    match (link.item, link.dotted) {
        (Expr::Property(property, _), true) => Some(Segment::Key(property.2.to_string())),
        (Expr::StringConstant(name, _), false) => Some(Segment::Key(name.to_string())),
        (Expr::IntegerConstant(index, _), false) => usize::try_from(*index).ok().map(Segment::Index),
        _ => None,
    }
}
