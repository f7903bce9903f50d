//! A compiled expression: the nodes that the compiler makes from Rhai's syntax tree, and that the machine evaluates.

use std::sync::Arc;

use super::datum::Datum;
use super::functions::call::{Function, Known};
use super::operator::Operator;
use super::origin::SourcePosition;
use super::types::set::Types;
use crate::language::Language;
use crate::lookup::LookupQuery;
use crate::path::Path;

/// One step, with its place in the stage file.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) spot: SourcePosition,
    pub(super) step: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Constant(Datum),
    /// A name of `let` or `for`, by its slot.
    Local(usize),
    /// A name of the stage's `prepare`.
    Prepared(Arc<str>),
    /// The whole document.
    Document,
    /// A place in the document that is known beforehand.
    Path(Path),
    /// `a.b` and `a["b"]`
    Property(Box<Access>),
    /// `a[i]`
    Index(Box<Access>),
    Call(Box<Invocation>),
    Binary(Operator, Box<[Node; 2]>),
    /// `x == ()` (true) and `x != ()` (false)
    IsNull(Box<Node>, bool),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Coalesce(Vec<Node>),
    Interpolated(Vec<Node>),
    List(Vec<Node>),
    Object(Vec<(Arc<str>, Node)>),
    If(Box<[Node; 3]>),
    Switch(Box<Switch>),
    /// The value of the last statement.
    Block(Vec<Node>),
    /// `let` and `=`, by slot.
    Assign(usize, Option<Operator>, Box<Node>),
    /// `while`; `loop` if the condition is the constant `true`.
    While(Box<[Node; 2]>),
    /// `do { body } while condition`; the boolean is the condition's value that continues.
    DoWhile(Box<[Node; 2]>, bool),
    For(Box<For>),
    Break(Option<Box<Node>>),
    Continue,
    Return(Option<Box<Node>>),
}

/// A property or an element of something.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) of: Node,
    pub(super) key: Node,
    /// `?.` and `?[`: null if the value before is null.
    pub(super) optional: bool,
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) function: &'static Function,
    pub(super) arguments: Vec<Node>,
    pub(super) known: Known,
}

/// `for name, counter in list { body }`
#[derive(Debug)]
pub(super) struct For {
    pub(super) list: Node,
    pub(super) name: usize,
    pub(super) counter: Option<usize>,
    pub(super) body: Node,
}

/// `switch subject { case if guard => body, _ => default }`
#[derive(Debug)]
pub(super) struct Switch {
    pub(super) subject: Node,
    pub(super) arms: Vec<Arm>,
    pub(super) default: Node,
}

/// One arm: the first whose case holds and whose guard is true is taken.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) cases: Vec<SwitchCase>,
    pub(super) guard: Option<Node>,
    pub(super) body: Node,
}

#[derive(Debug)]
pub(super) enum SwitchCase {
    Equal(Datum),
    /// From the first number to the second, which is included or not.
    Between(i64, i64, bool),
}

/// A whole compiled text.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) source: String,
    pub(super) file: Arc<str>,
    pub(super) start: SourcePosition,
    pub(super) root: Node,
    /// Number of slots that its names need.
    pub(super) slots: usize,
    /// The names of its top level with their slots, in order.
    pub(super) names: Vec<(Arc<str>, usize)>,
    pub(super) reads: Vec<Path>,
    /// Whether it uses no name that `prepare` defines.
    pub(super) is_alone: bool,
    /// Earliest version of the stage language in which it has the same meaning.
    pub(super) language: Language,
    /// What it looks up in other databases.
    pub(super) lookups: Vec<LookupQuery>,
    /// Its parts that refuse every record that reaches them.
    pub(super) never: Vec<Never>,
    /// Types that its value may have.
    pub(super) types: Types,
}

/// A part of an expression that refuses every record that reaches it.
#[derive(Clone, Debug)]
pub(super) struct Never {
    pub(super) spot: SourcePosition,
    /// What is wrong, in words.
    pub(super) message: String,
    /// Whether every record reaches it.
    pub(super) always: bool,
}

/// Whether it may leave the steps around it.
pub(super) fn leaves(node: &Node) -> bool {
    found(node, &|step| {
        matches!(
            step,
            NodeKind::Return(_) | NodeKind::Break(_) | NodeKind::Continue
        )
    })
}

/// Whether a step of the program is one of those.
pub(super) fn found(node: &Node, wanted: &dyn Fn(&NodeKind) -> bool) -> bool {
    let any = |nodes: &[Node]| nodes.iter().any(|node| found(node, wanted));
    if wanted(&node.step) {
        return true;
    }
    match &node.step {
        NodeKind::Constant(_)
        | NodeKind::Local(_)
        | NodeKind::Prepared(_)
        | NodeKind::Document
        | NodeKind::Path(_)
        | NodeKind::Continue => false,
        NodeKind::Property(access) | NodeKind::Index(access) => {
            found(&access.of, wanted) || found(&access.key, wanted)
        }
        NodeKind::Call(call) => any(&call.arguments),
        NodeKind::Binary(_, parts) | NodeKind::While(parts) | NodeKind::DoWhile(parts, _) => any(&parts[..]),
        NodeKind::If(parts) => any(&parts[..]),
        NodeKind::IsNull(node, _)
        | NodeKind::Not(node)
        | NodeKind::Negate(node)
        | NodeKind::Assign(_, _, node) => found(node, wanted),
        NodeKind::And(parts)
        | NodeKind::Or(parts)
        | NodeKind::Coalesce(parts)
        | NodeKind::Interpolated(parts)
        | NodeKind::List(parts)
        | NodeKind::Block(parts) => any(parts),
        NodeKind::Object(fields) => fields.iter().any(|(_, field)| found(field, wanted)),
        NodeKind::Switch(switch) => {
            let arm = |arm: &Arm| {
                found(&arm.body, wanted) || arm.guard.as_ref().is_some_and(|guard| found(guard, wanted))
            };
            let arms = switch.arms.iter().any(arm);
            arms || found(&switch.subject, wanted) || found(&switch.default, wanted)
        }
        NodeKind::For(each) => found(&each.list, wanted) || found(&each.body, wanted),
        NodeKind::Break(value) | NodeKind::Return(value) => {
            value.as_ref().is_some_and(|value| found(value, wanted))
        }
    }
}
