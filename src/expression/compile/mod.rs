//! The compiler: from Rhai's syntax tree to nodes. What it does not know is a problem of the stage file: names,
//! functions, numbers of arguments, patterns, formats, and every construct that has no meaning here.

use std::sync::Arc;

use rhai::{AST, ASTFlags, Expr, Position, Stmt, StmtBlock};

use super::datum::Datum;
use super::node::{For, Node, Program, Step};
use super::operator::Operator;
use super::origin::{Origin, Spot};
use super::parser;
use super::types::{self, Never, Told};
use crate::language::Language;
use crate::path::Path;
use crate::problem::{Place, Problem};
use crate::reading::Reading;

mod call;
mod chain;
mod switch;
mod term;

type Result<T> = std::result::Result<T, Problem>;

/// Compiles a text of one or several statements.
pub(super) fn compile(source: &str, place: &Place, reading: &Reading<'_>) -> Result<Program> {
    let origin = Origin::new(source, place, reading);
    let ast: AST = parser::parse(source, &origin)?;
    let mut compiler = Compiler {
        source,
        origin: &origin,
        reading,
        visible: Vec::new(),
        slots: 0,
        reads: Vec::new(),
        is_alone: true,
        language: Language::One,
    };
    let statements = compiler.statements(ast.statements())?;
    if statements.is_empty() {
        return Err(Problem::error(
            "expression.syntax",
            origin.place(origin.start()),
            "the expression is empty",
        ));
    }
    let root = match <[Node; 1]>::try_from(statements) {
        Ok([only]) => only,
        Err(statements) => Node {
            spot: origin.start(),
            step: Step::Block(statements),
        },
    };
    let mut names: Vec<(Arc<str>, usize)> = Vec::new();
    for (name, slot) in compiler.visible {
        match names.iter_mut().find(|(earlier, _)| *earlier == name) {
            Some(earlier) => earlier.1 = slot,
            None => names.push((name, slot)),
        }
    }
    let Told {
        never,
        types,
        language,
    } = types::tell(&root, compiler.slots);
    let always = never.iter().find(|never| never.always);
    if let Some(never) = always.filter(|_| reading.language > Language::One) {
        return Err(refuses_all(&origin, never));
    }
    Ok(Program {
        never,
        types,
        source: source.to_owned(),
        file: Arc::clone(origin.file()),
        start: origin.start(),
        root,
        slots: compiler.slots,
        names,
        reads: compiler.reads,
        is_alone: compiler.is_alone,
        language: compiler.language.max(language),
    })
}

/// The problem of an expression that no record gets through.
fn refuses_all(origin: &Origin, never: &Never) -> Problem {
    let message = format!("{}: every record would be refused", never.message);
    Problem::error("expression.never", origin.place(never.spot), message)
}

struct Compiler<'c> {
    source: &'c str,
    origin: &'c Origin,
    reading: &'c Reading<'c>,
    /// The names of `let` and `for` that are visible, with their slots; later ones hide earlier ones.
    visible: Vec<(Arc<str>, usize)>,
    slots: usize,
    reads: Vec<Path>,
    /// Whether it names nothing that `prepare` defines.
    is_alone: bool,
    /// The earliest language of stages in which it means the same.
    language: Language,
}

impl Compiler<'_> {
    fn spot(&self, position: Position) -> Spot {
        parser::spot(self.origin, position)
    }

    fn problem(&self, code: &'static str, position: Position, message: String) -> Problem {
        Problem::error(code, self.origin.place(self.spot(position)), message)
    }

    fn forbidden(&self, what: &str, position: Position) -> Problem {
        parser::forbidden(what, self.origin, position)
    }

    fn node(&self, position: Position, step: Step) -> Node {
        Node {
            spot: self.spot(position),
            step,
        }
    }

    fn reads(&mut self, path: &Path) {
        if !self.reads.contains(path) {
            self.reads.push(path.clone());
        }
    }

    fn define(&mut self, name: &str, position: Position) -> Result<usize> {
        if matches!(name, "doc" | "omit") {
            return Err(self
                .forbidden(&format!("`{name}` as a name of one's own"), position)
                .help("it means something already; choose another name"));
        }
        self.visible.push((Arc::from(name), self.slots));
        self.slots += 1;
        Ok(self.slots - 1)
    }

    fn statements(&mut self, statements: &[Stmt]) -> Result<Vec<Node>> {
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
            _ => self.node(block.position(), Step::Block(statements)),
        })
    }

    fn statement(&mut self, statement: &Stmt) -> Result<Node> {
        let position = statement.position();
        let step = match statement {
            Stmt::Expr(expression) => return self.expression(expression),
            Stmt::FnCall(call, position) => return self.call(call, *position),
            Stmt::Block(block) => return self.block(block),
            Stmt::Noop(_) => Step::Constant(Datum::Null),
            Stmt::If(flow, _) => {
                let parts = [
                    self.expression(&flow.expr)?,
                    self.block(&flow.body)?,
                    self.block(&flow.branch)?,
                ];
                Step::If(Box::new(parts))
            }
            Stmt::Switch(switch, position) => return self.switch(&switch.0, &switch.1, *position),
            Stmt::While(flow, _) => {
                let condition = match &flow.expr {
                    Expr::Unit(position) => self.node(*position, Step::Constant(Datum::Boolean(true))),
                    condition => self.expression(condition)?,
                };
                Step::While(Box::new([condition, self.block(&flow.body)?]))
            }
            Stmt::Do(flow, flags, _) => {
                let parts = [self.expression(&flow.expr)?, self.block(&flow.body)?];
                Step::DoWhile(Box::new(parts), !flags.contains(ASTFlags::NEGATED))
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
                Step::For(Box::new(For {
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
                Step::Assign(slot, None, Box::new(value))
            }
            Stmt::Assignment(parts) => return self.assignment(&parts.0, &parts.1.lhs, &parts.1.rhs),
            Stmt::BreakLoop(value, flags, _) if flags.contains(ASTFlags::BREAK) => {
                Step::Break(self.optional(value.as_deref())?)
            }
            Stmt::BreakLoop(..) => Step::Continue,
            Stmt::Return(value, flags, _) if !flags.contains(ASTFlags::BREAK) => {
                Step::Return(self.optional(value.as_deref())?)
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
                Operator::of(symbol)
                    .ok_or_else(|| self.forbidden(&format!("the operator `{symbol}`"), position))?,
            ),
        };
        let name = match to {
            Expr::Variable(variable, ..) => variable.1.as_str(),
            _ => "",
        };
        let known = self.visible.iter().rev().find(|(known, _)| **known == *name);
        let Some(slot) = known.map(|(_, slot)| *slot) else {
            let help = "an expression makes new values, it does not change the document";
            return Err(self
                .forbidden("assigning to anything but a name of its own `let`", position)
                .help(match operator {
                    None => format!("to compare, write `==`; {help}"),
                    Some(_) => help.to_owned(),
                }));
        };
        let value = self.expression(value)?;
        Ok(self.node(position, Step::Assign(slot, operator, Box::new(value))))
    }
}
