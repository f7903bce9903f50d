//! What types the parts of an expression may have, found before any record is seen: an expression that refuses every
//! record is a fault of the stage file, and is reported where it is written.
//!
//! A set of types may be too large, never too small: of a value of the record anything that JSON has is possible. So
//! what is found here refuses whenever it is reached; what is not found may still refuse.

use super::datum::Datum;
use super::node::{Access, For, Invocation, Never, Node, NodeKind, Switch, SwitchCase, leaves};
use super::operator::Operator;
use super::origin::SourcePosition;
use crate::language::Language;

mod otherwise;
pub(super) mod set;
mod signature;

use set::Types;
use signature::{gives, signature, takes};

/// What its types say of a program.
#[derive(Debug)]
pub(super) struct TypeFindings {
    /// Parts that refuse every record that reaches them.
    pub(super) never: Vec<Never>,
    /// Types that its value may have.
    pub(super) types: Types,
    /// The earliest language of stages in which its comparisons and numbers mean the same.
    pub(super) language: Language,
}

/// Follows the types through a program.
pub(super) fn tell(root: &Node, slots: usize) -> TypeFindings {
    let mut checker = Checker {
        locals: vec![Types::NOTHING; slots],
        found: Vec::new(),
        branches: 0,
        language: Language::One,
    };
    // The types of names grow until nothing new is assigned; they have eight types each at most.
    loop {
        let before = checker.locals.clone();
        checker.found.clear();
        let types = checker.types(root);
        if before == checker.locals {
            // `return` and `break` give the value of the whole from within.
            let types = if leaves(root) { Types::ANY } else { types };
            return TypeFindings {
                never: checker.found,
                types,
                language: checker.language,
            };
        }
    }
}

struct Checker {
    /// What was assigned to each name.
    locals: Vec<Types>,
    found: Vec<Never>,
    /// Number of decisions that lead to the current part.
    branches: usize,
    language: Language,
}

impl Checker {
    fn never(&mut self, spot: SourcePosition, message: String) {
        let always = self.branches == 0;
        self.found.push(Never {
            spot,
            message,
            always,
        });
    }

    /// Records what the first language treated differently.
    fn otherwise(&mut self, is_otherwise: bool) {
        if is_otherwise {
            self.language = Language::Two;
        }
    }

    /// A value that must have one of these types.
    fn wants(&mut self, node: &Node, wanted: Types, what: &str) -> Types {
        let types = self.types(node);
        if !types.meets(wanted) && types != Types::NOTHING {
            self.never(
                node.spot,
                format!("{what} takes {}, and this is {}", wanted.words(), types.words()),
            );
        }
        types
    }

    /// A part that only some records reach.
    fn branch(&mut self, node: &Node) -> Types {
        self.branches += 1;
        let types = self.types(node);
        self.branches -= 1;
        types
    }

    fn all(&mut self, nodes: &[Node]) -> Types {
        nodes
            .iter()
            .fold(Types::NOTHING, |types, node| types.or(self.types(node)))
    }

    /// Returns the types that a step may give; none if it gives no value at all.
    fn types(&mut self, node: &Node) -> Types {
        match &node.step {
            NodeKind::Constant(datum) => Types::from_datum(datum),
            NodeKind::Local(slot) => self.locals[*slot],
            NodeKind::Prepared(_) => Types::ANY,
            NodeKind::Document => Types::OBJECT,
            NodeKind::Path(_) => Types::JSON,
            NodeKind::Property(access) | NodeKind::Index(access) => self.access(access),
            NodeKind::Call(call) => self.call(call),
            NodeKind::Binary(operator, sides) => self.binary(node.spot, *operator, sides),
            NodeKind::IsNull(side, _) => {
                self.types(side);
                Types::BOOLEAN
            }
            NodeKind::Not(side) => {
                self.wants(side, Types::BOOLEAN, "`!`");
                Types::BOOLEAN
            }
            NodeKind::Negate(side) => {
                self.wants(side, Types::NUMBER, "`-`");
                Types::NUMBER
            }
            NodeKind::And(sides) => self.conditions(sides, "`&&`"),
            NodeKind::Or(sides) => self.conditions(sides, "`||`"),
            NodeKind::Coalesce(sides) => self.coalesce(sides),
            NodeKind::Interpolated(parts) => {
                let written = Types::TEXT.or(Types::NUMBER).or(Types::BOOLEAN).or(Types::DATE);
                for part in parts {
                    self.wants(part, written, "`${..}`");
                }
                Types::TEXT
            }
            NodeKind::List(parts) => {
                self.all(parts);
                Types::LIST
            }
            NodeKind::Object(fields) => {
                for (_, value) in fields {
                    self.types(value);
                }
                Types::OBJECT
            }
            _ => self.flow(node),
        }
    }

    /// The steps that lead to other steps.
    fn flow(&mut self, node: &Node) -> Types {
        match &node.step {
            NodeKind::If(parts) => {
                let [condition, yes, no] = &**parts;
                self.wants(condition, Types::BOOLEAN, "`if`");
                self.branch(yes).or(self.branch(no))
            }
            NodeKind::Switch(switch) => self.switch(switch),
            NodeKind::Block(statements) => self.block(statements),
            NodeKind::Assign(slot, operator, value) => {
                let mut types = self.types(value);
                if let Some(operator) = operator {
                    types = self.operation(node.spot, *operator, self.locals[*slot], types);
                }
                self.locals[*slot] = self.locals[*slot].or(types);
                Types::NULL
            }
            NodeKind::While(parts) => {
                let [condition, body] = &**parts;
                self.wants(condition, Types::BOOLEAN, "`while`");
                self.branch(body);
                // A loop may end with the value of `break`.
                Types::ANY
            }
            NodeKind::DoWhile(parts, _) => {
                let [condition, body] = &**parts;
                self.branch(body);
                self.branches += 1;
                self.wants(condition, Types::BOOLEAN, "`while`");
                self.branches -= 1;
                Types::ANY
            }
            NodeKind::For(parts) => self.for_each(parts),
            NodeKind::Break(value) | NodeKind::Return(value) => {
                if let Some(value) = value {
                    self.types(value);
                }
                Types::NOTHING
            }
            _ => Types::NOTHING,
        }
    }

    /// Statements; only some records reach what comes after one that may leave.
    fn block(&mut self, statements: &[Node]) -> Types {
        let (before, mut last) = (self.branches, Types::NULL);
        for statement in statements {
            last = self.types(statement);
            if leaves(statement) {
                self.branches += 1;
            }
        }
        self.branches = before;
        last
    }

    fn conditions(&mut self, sides: &[Node], what: &str) -> Types {
        let before = self.branches;
        for side in sides {
            self.wants(side, Types::BOOLEAN, what);
            self.branches = before + 1;
        }
        self.branches = before;
        Types::BOOLEAN
    }

    fn coalesce(&mut self, sides: &[Node]) -> Types {
        let (before, mut types) = (self.branches, Types::NOTHING);
        for side in sides {
            types = types.without(Types::NULL).or(self.types(side));
            self.branches = before + 1;
        }
        self.branches = before;
        types
    }

    fn switch(&mut self, switch: &Switch) -> Types {
        let subject = self.types(&switch.subject);
        let before = self.branches;
        let mut types = Types::NOTHING;
        self.cases(switch, subject);
        self.branches = before + 1;
        for arm in &switch.arms {
            if let Some(guard) = &arm.guard {
                self.wants(guard, Types::BOOLEAN, "`if`");
            }
            types = types.or(self.types(&arm.body));
        }
        types = types.or(self.branch(&switch.default));
        self.branches = before;
        types
    }

    /// A switch without a case of the subject's type refuses; `()` takes null and nothing else.
    fn cases(&mut self, switch: &Switch, subject: Types) {
        let (mut taken, mut null) = (Types::NOTHING, false);
        for case in switch.arms.iter().flat_map(|arm| &arm.cases) {
            let case = match case {
                SwitchCase::Equal(Datum::Null) => {
                    null = true;
                    // In the first language a case before it that was no null refused one.
                    self.otherwise(taken != Types::NOTHING);
                    continue;
                }
                SwitchCase::Equal(value) => Types::from_datum(value),
                SwitchCase::Between(..) => Types::NUMBER,
            };
            self.otherwise(taken.without(case) != Types::NOTHING);
            taken = taken.or(case);
        }
        let is_null = null && subject.meets(Types::NULL);
        let is_known = taken != Types::NOTHING && subject != Types::NOTHING;
        if is_known && !is_null && !subject.meets(taken) {
            let message = format!(
                "the cases take {}, and this is {}",
                taken.words(),
                subject.words()
            );
            self.never(switch.subject.spot, message);
        }
    }

    fn for_each(&mut self, parts: &For) -> Types {
        self.wants(&parts.list, Types::LIST, "`for`");
        self.locals[parts.name] = Types::ANY;
        if let Some(counter) = parts.counter {
            self.locals[counter] = Types::NUMBER;
        }
        self.branch(&parts.body);
        Types::ANY
    }

    fn access(&mut self, access: &Access) -> Types {
        let inside = Types::LIST.or(Types::OBJECT);
        let inside = if access.optional {
            inside.or(Types::NULL)
        } else {
            inside
        };
        self.wants(&access.of, inside, "a property");
        self.wants(&access.key, Types::TEXT.or(Types::NUMBER), "an index");
        Types::ANY
    }

    fn binary(&mut self, spot: SourcePosition, operator: Operator, sides: &[Node; 2]) -> Types {
        let (left, right) = (self.types(&sides[0]), self.types(&sides[1]));
        self.otherwise(otherwise::is_compared_otherwise(operator, sides, left, right));
        self.operation(spot, operator, left, right)
    }

    fn operation(&mut self, spot: SourcePosition, operator: Operator, left: Types, right: Types) -> Types {
        let (takes, gives) = signature(operator);
        let fitting = takes
            .iter()
            .filter(|both| left.meets(**both) && right.meets(**both))
            .fold(Types::NOTHING, |types, both| types.or(*both));
        let is_known = left != Types::NOTHING && right != Types::NOTHING;
        if fitting == Types::NOTHING && is_known {
            let message = if operator == Operator::Subtract && left.is_within(Types::DATE) {
                "dates cannot be subtracted".to_owned()
            } else if left == right && left != Types::JSON {
                format!(
                    "`{}` is not defined for {} and {}",
                    operator.symbol(),
                    left.words(),
                    right.words()
                )
            } else {
                format!(
                    "`{}` takes two values of the same type, and these are {} and {}",
                    operator.symbol(),
                    left.words(),
                    right.words()
                )
            };
            self.never(spot, message);
        }
        gives.unwrap_or(fitting)
    }

    fn call(&mut self, call: &Invocation) -> Types {
        let Invocation {
            function, arguments, ..
        } = call;
        for (at, argument) in arguments.iter().enumerate() {
            let types = match takes(function, at) {
                Some(wanted) => self.wants(argument, wanted, &format!("`{}`", function.name)),
                None => self.types(argument),
            };
            self.otherwise(at == 0 && otherwise::is_read_otherwise(function, argument, types));
        }
        gives(function, arguments)
    }
}
