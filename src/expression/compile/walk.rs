//! The walk through Rhai's syntax tree. Statements hold terms and terms hold statements, so everything that descends
//! into parts is here; what needs only compiled parts is in the files beside it.

use std::sync::Arc;

use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt, StmtBlock, SwitchCasesCollection};

use super::chain::{Link, links, segment};
use super::compiler::{Compiler, Result};
use crate::expression::datum::Datum;
use crate::expression::node::{Access, Arm, For, Node, NodeKind, Switch};
use crate::expression::operator::Operator;
use crate::path::{Path, Segment};

impl Compiler<'_> {
    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Result<Vec<Node>> {
        let meaning = statements.iter().filter(|statement| !statement.is_noop());
        meaning.map(|statement| self.statement(statement)).collect()
    }

    /// A block; its names end with it.
    fn block(&mut self, block: &StmtBlock) -> Result<Node> {
        let outside = self.visible.len();
        let statements = self.statements(block.statements());
        self.visible.truncate(outside);
        let mut statements = statements?;
        Ok(match statements.len() {
            1 => statements.remove(0),
            _ => self.node(block.position(), NodeKind::Block(statements)),
        })
    }

    fn statement(&mut self, statement: &Stmt) -> Result<Node> {
        let position = statement.position();
        let step = match statement {
            Stmt::Expr(expression) => return self.expression(expression),
            Stmt::FnCall(call, position) => return self.call(call, *position),
            Stmt::Block(block) => return self.block(block),
            Stmt::Noop(_) => NodeKind::Constant(Datum::Null),
            Stmt::If(flow, _) => {
                let parts = [
                    self.expression(&flow.expr)?,
                    self.block(&flow.body)?,
                    self.block(&flow.branch)?,
                ];
                NodeKind::If(Box::new(parts))
            }
            Stmt::Switch(switch, position) => return self.switch(&switch.0, &switch.1, *position),
            Stmt::While(flow, _) => {
                let condition = match &flow.expr {
                    Expr::Unit(position) => self.node(*position, NodeKind::Constant(Datum::Boolean(true))),
                    condition => self.expression(condition)?,
                };
                NodeKind::While(Box::new([condition, self.block(&flow.body)?]))
            }
            Stmt::Do(flow, flags, _) => {
                let parts = [self.expression(&flow.expr)?, self.block(&flow.body)?];
                NodeKind::DoWhile(Box::new(parts), !flags.contains(ASTFlags::NEGATED))
            }
            Stmt::For(parts, _) => {
                let (name, counter, flow) = &**parts;
                let list = self.expression(&flow.expr)?;
                let outside = self.visible.len();
                let slot = self.define(&name.name, name.pos)?;
                let counter = counter
                    .as_ref()
                    .map(|counter| self.define(&counter.name, counter.pos));
                let (counter, body) = (counter.transpose()?, self.block(&flow.body));
                self.visible.truncate(outside);
                NodeKind::For(Box::new(For {
                    list,
                    name: slot,
                    counter,
                    body: body?,
                }))
            }
            Stmt::Var(parts, _, _) => {
                let (name, value, _) = &**parts;
                let value = self.expression(value)?;
                let slot = self.define(&name.name, name.pos)?;
                NodeKind::Assign(slot, None, Box::new(value))
            }
            Stmt::Assignment(parts) => return self.assignment(&parts.0, &parts.1.lhs, &parts.1.rhs),
            Stmt::BreakLoop(value, flags, _) if flags.contains(ASTFlags::BREAK) => {
                NodeKind::Break(self.optional(value.as_deref())?)
            }
            Stmt::BreakLoop(..) => NodeKind::Continue,
            Stmt::Return(value, flags, _) if !flags.contains(ASTFlags::BREAK) => {
                NodeKind::Return(self.optional(value.as_deref())?)
            }
            _ => return Err(self.forbidden("this statement", position)),
        };
        Ok(self.node(position, step))
    }

    fn optional(&mut self, value: Option<&Expr>) -> Result<Option<Box<Node>>> {
        value
            .map(|value| self.expression(value).map(Box::new))
            .transpose()
    }

    fn assignment(&mut self, kind: &rhai::OpAssignment, to: &Expr, value: &Expr) -> Result<Node> {
        let position = kind.position();
        let operator = match kind.get_op_assignment_info() {
            None => None,
            Some((.., symbol)) => Some(
                Operator::from_symbol(symbol)
                    .ok_or_else(|| self.forbidden(&format!("the operator `{symbol}`"), position))?,
            ),
        };
        let name = match to {
            Expr::Variable(variable, ..) => variable.1.as_str(),
            _ => "",
        };
        let known = self.visible.iter().rev().find(|(known, _)| **known == *name);
        let Some(slot) = known.map(|(_, slot)| *slot) else {
            let help = "an expression creates new values and does not change the document";
            return Err(self
                .forbidden(
                    "assigning to anything but a variable defined with `let`",
                    position,
                )
                .help(match operator {
                    None => format!("to compare, write `==`; {help}"),
                    Some(_) => help.to_owned(),
                }));
        };
        let value = self.expression(value)?;
        Ok(self.node(position, NodeKind::Assign(slot, operator, Box::new(value))))
    }

    fn switch(&mut self, subject: &Expr, cases: &SwitchCasesCollection, position: Position) -> Result<Node> {
        let subject = self.expression(subject)?;
        let mut arms = Vec::with_capacity(cases.expressions.len());
        let mut default = self.node(position, NodeKind::Constant(Datum::Null));
        for (at, expression) in cases.expressions.iter().enumerate() {
            let body = self.expression(&expression.rhs)?;
            if cases.def_case == Some(at) {
                default = body;
                continue;
            }
            let guard = match &expression.lhs {
                Expr::BoolConstant(true, _) => None,
                guard => Some(self.expression(guard)?),
            };
            arms.push(Arm {
                cases: self.cases(cases, at, position)?,
                guard,
                body,
            });
        }
        let switch = Switch {
            subject,
            arms,
            default,
        };
        Ok(self.node(position, NodeKind::Switch(Box::new(switch))))
    }

    fn expression(&mut self, expression: &Expr) -> Result<Node> {
        let position = expression.position();
        let step = match expression {
            Expr::Unit(_) => NodeKind::Constant(Datum::Null),
            Expr::BoolConstant(boolean, _) => NodeKind::Constant(Datum::Boolean(*boolean)),
            Expr::IntegerConstant(integer, _) => {
                self.decimal_digits(position)?;
                NodeKind::Constant(Datum::Integer(*integer))
            }
            Expr::CharConstant(character, _) => NodeKind::Constant(Datum::text(&character.to_string())),
            Expr::StringConstant(text, _) => NodeKind::Constant(Datum::text(text)),
            Expr::DynamicConstant(value, _) => match value.as_decimal() {
                Ok(decimal) => NodeKind::Constant(self.exact(decimal, position)?),
                Err(_) => return Err(self.forbidden("this constant", position)),
            },
            Expr::InterpolatedString(parts, _) => NodeKind::Interpolated(self.expressions(parts)?),
            Expr::Array(parts, _) => NodeKind::List(self.expressions(parts)?),
            Expr::Map(parts, _) => {
                let fields = parts.0.iter();
                let field = |(name, value): &(rhai::Ident, Expr)| {
                    Ok((Arc::from(name.name.as_str()), self.expression(value)?))
                };
                NodeKind::Object(fields.map(field).collect::<Result<_>>()?)
            }
            Expr::Variable(variable, ..) => self.name(&variable.1, position)?,
            Expr::Stmt(block) => return self.block(block),
            Expr::FnCall(call, position) => return self.call(call, *position),
            Expr::Dot(..) | Expr::Index(..) => return self.chain(expression),
            Expr::And(parts, _) => NodeKind::And(self.expressions(parts)?),
            Expr::Or(parts, _) => NodeKind::Or(self.expressions(parts)?),
            Expr::Coalesce(parts, _) => NodeKind::Coalesce(self.expressions(parts)?),
            _ => return Err(self.forbidden("this term", position)),
        };
        Ok(self.node(position, step))
    }

    fn expressions(&mut self, parts: &[Expr]) -> Result<Vec<Node>> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    fn chain(&mut self, chain: &Expr) -> Result<Node> {
        let (Expr::Dot(pair, ..) | Expr::Index(pair, ..)) = chain else {
            return Err(self.forbidden("this term", chain.position()));
        };
        let links = links(chain);
        let (mut node, mut known) = match self.dotted_name(&pair.lhs, &links)? {
            Some((name, taken)) => (self.node(pair.lhs.position(), name), taken),
            None => (self.expression(&pair.lhs)?, 0),
        };
        if matches!(node.step, NodeKind::Document) {
            let segments: Vec<Segment> = links.iter().map_while(segment).collect();
            if let Some(last) = segments.len().checked_sub(1) {
                known = segments.len();
                let path = Path::from_segments(segments);
                self.reads(&path);
                node = self.node(links[last].item.position(), NodeKind::Path(path));
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
                let name = NodeKind::Constant(Datum::text(&property.2));
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
            NodeKind::Property(access)
        } else {
            NodeKind::Index(access)
        };
        Ok(self.node(position, step))
    }

    fn call(&mut self, call: &FnCallExpr, position: Position) -> Result<Node> {
        if call.capture_parent_scope {
            return Err(self.forbidden("`!` after a function's name", position));
        }
        let arguments = self.expressions(&call.args)?;
        if call.is_operator_call() && call.name != "contains" {
            return self.operator(&call.name, arguments, position);
        }
        self.function(&call.name, arguments, position)
    }

    /// `a.f(b)` is `f(a, b)`.
    fn method(&mut self, of: Node, call: &FnCallExpr, position: Position) -> Result<Node> {
        let mut arguments = vec![of];
        arguments.extend(self.expressions(&call.args)?);
        self.function(&call.name, arguments, position)
    }
}
