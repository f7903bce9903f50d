//! What people see of a comparison: where the value of each field comes from, and which conflicts hold.

use super::compiled::{FieldValue, From, Merge};
use super::words::ROLE;
use crate::expression::Scope;
use crate::lineage::{Dependence, Flow, Shape, Source, SourceField, Sources};
use crate::matching::{Role, Then};
use crate::path::Path;

/// Where the value of a compared field comes from.
#[derive(Clone, Debug)]
pub(crate) struct FieldOrigin<'m> {
    /// The path that it is read from as it is; `None` if it is computed.
    pub(crate) path: Option<&'m Path>,
    /// Everything in the record that it depends on, whatever is computed of it: a hash shows nothing of what it is made of,
    /// but people do not need to see it either.
    pub(crate) sources: Vec<SourceField>,
    /// The paths whose values it may be, as they are.
    pub(crate) passed: Vec<Path>,
}

/// Returns the word of a role in a stage file; `none` for one that says nothing.
pub(crate) fn role_name(role: Role) -> &'static str {
    let word = ROLE.iter().find(|(_, known)| *known == role);
    word.map_or("none", |(word, _)| word)
}

impl Merge {
    /// Returns where the values of the fields come from, in the order of the settings.
    pub(crate) fn origins(&self) -> Vec<FieldOrigin<'_>> {
        let mut flow = Flow::new();
        let mut shapes = vec![Shape::nothing(); self.fields.len()];
        // As the values themselves are made: expressions see the fields that are read as they are, and those before them.
        for computed in [false, true] {
            for (at, field) in self.fields.iter().enumerate() {
                if matches!(field.from, From::Expression(_)) != computed {
                    continue;
                }
                shapes[at] = field.shape(&flow);
                for name in self.names.iter().filter(|name| name.field == at) {
                    flow.prepare(&name.name, shapes[at].clone());
                }
            }
        }
        let origins = self.fields.iter().zip(shapes).map(|(field, shape)| {
            let sources = shape.sources();
            FieldOrigin {
                path: field.as_path(),
                passed: sources.iter().filter_map(passed).collect(),
                sources: sources.iter().map(|source| source.origin.clone()).collect(),
            }
        });
        origins.collect()
    }

    /// Returns the conflicts that hold for two members, by the texts of their fields, in the order of the stage.
    pub(crate) fn holding_conflicts(
        &self,
        a: &[Option<String>],
        b: &[Option<String>],
        scope: &mut Scope<'_>,
    ) -> Vec<(&str, Then)> {
        let mut holding = Vec::new();
        for conflict in &self.conflicts {
            if conflict.holds(&self.names, a, b, scope) || conflict.holds(&self.names, b, a, scope) {
                holding.push((conflict.name.as_str(), conflict.then));
            }
        }
        holding
    }
}

/// Returns the path of a source whose value is handed on.
fn passed(source: &Source) -> Option<Path> {
    match &source.origin {
        SourceField::Field(path) if source.dependence == Dependence::Identity => Some(path.clone()),
        _ => None,
    }
}

impl FieldValue {
    fn as_path(&self) -> Option<&Path> {
        match &self.from {
            From::Path(path) => Some(path),
            From::Expression(expression) => expression.as_path(),
            From::All(_) => None,
        }
    }

    fn shape(&self, flow: &Flow) -> Shape {
        match &self.from {
            From::Path(path) => flow.at(path),
            From::Expression(expression) => expression.lineage(flow),
            From::All(parts) => {
                let sources = parts.iter().map(|part| part.shape(flow).sources());
                Shape::made(sources.fold(Sources::none(), |all, part| all.and(&part)))
            }
        }
    }
}
