//! Chains: `doc.items[0].price.round(2)`.

use rhai::{ASTFlags, Expr, Position};

use super::{Compiler, Result};
use crate::expression::datum::Datum;
use crate::expression::node::{Access, Node, Step};
use crate::path::{Path, Segment};

/// One link: `.name`, `[key]` or `.call()`.
struct Link<'a> {
    item: &'a Expr,
    dotted: bool,
    optional: bool,
}

/// The links of a chain, which Rhai nests to the right: in `a.b.c`, `b` is the left side of `.c`.
fn links(chain: &Expr) -> Vec<Link<'_>> {
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

/// The segment of a path that a link is, where that is known beforehand.
fn segment(link: &Link<'_>) -> Option<Segment> {
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

impl Compiler<'_> {
    pub(super) fn chain(&mut self, chain: &Expr) -> Result<Node> {
        let (Expr::Dot(pair, ..) | Expr::Index(pair, ..)) = chain else {
            return Err(self.forbidden("this term", chain.position()));
        };
        let links = links(chain);
        let mut node = self.expression(&pair.lhs)?;
        let mut known = 0;
        if matches!(node.step, Step::Document) {
            let segments: Vec<Segment> = links.iter().map_while(segment).collect();
            if let Some(last) = segments.len().checked_sub(1) {
                known = segments.len();
                let path = Path::of(segments);
                self.reads(&path);
                node = self.node(links[last].item.position(), Step::Path(path));
            }
        }
        for link in &links[known..] {
            node = self.link(node, link)?;
        }
        Ok(node)
    }

    fn link(&mut self, of: Node, link: &Link<'_>) -> Result<Node> {
        let position: Position = link.item.position();
        let (key, is_property) = match (link.item, link.dotted) {
            (Expr::MethodCall(call, position), true) if !link.optional => {
                return self.method(of, call, *position);
            }
            (Expr::Property(property, _), true) => {
                let name = Step::Constant(Datum::text(&property.2));
                (self.node(position, name), true)
            }
            (Expr::StringConstant(..), false) => (self.expression(link.item)?, true),
            (index, false) => (self.expression(index)?, false),
            _ => return Err(self.forbidden("`?.` before a call", position)),
        };
        let access = Box::new(Access {
            of,
            key,
            optional: link.optional,
        });
        let step = if is_property {
            Step::Property(access)
        } else {
            Step::Index(access)
        };
        Ok(self.node(position, step))
    }
}
