//! Replaces the names of the workflow's `[targets]` by what they stand for.

use std::collections::BTreeMap;

use karakuri_protocol::geometry::Point;
use karakuri_protocol::target::{Find, MAX_DEPTH, Relation, Target};
use karakuri_protocol::untrusted::Untrusted;

use crate::position::nearest;

/// The most targets one target may consist of after its names are replaced.
const MAX_PARTS: usize = 256;

/// Why a target cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A name that is not in `[targets]`.
    #[error("[targets] has no {name:?}{}", nearest.as_ref().map_or(String::new(), |n| format!("; did you mean {n:?}?")))]
    Unknown {
        /// Escaped.
        name: String,
        /// The defined name it was most likely meant to be.
        nearest: Option<String>,
    },
    /// Names that lead to each other, or too deep a nesting.
    #[error(
        "the target is nested more than {MAX_DEPTH} deep once names are replaced; does a name lead back to itself?"
    )]
    Deep,
    /// More than 256 parts.
    #[error("the target has more than {MAX_PARTS} parts once names are replaced")]
    Large,
}

/// Resolves one target.
pub(crate) struct Resolver<'a> {
    aliases: &'a BTreeMap<String, Target>,
    parts: usize,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(aliases: &'a BTreeMap<String, Target>) -> Self {
        Self { aliases, parts: 0 }
    }

    /// `target` without names. `depth` counts the levels above it.
    pub(crate) fn resolve(
        &mut self,
        target: &Target,
        depth: usize,
    ) -> Result<Target, ResolveError> {
        if depth >= MAX_DEPTH {
            return Err(ResolveError::Deep);
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ResolveError::Large);
        }
        let relations = target.relations.iter().map(|r| self.relation(r, depth + 1));
        let relations = relations.collect::<Result<Vec<_>, _>>()?;
        let find = match &target.find {
            Find::Named(name) => {
                let meant = self.resolve(self.alias(name)?, depth + 1)?;
                return Ok(refined(meant, target, relations));
            }
            Find::AnyOf(targets) => Find::AnyOf(self.all(targets, depth + 1)?),
            Find::AllOf(targets) => Find::AllOf(self.all(targets, depth + 1)?),
            Find::Not(inner) => Find::Not(Box::new(self.resolve(inner, depth + 1)?)),
            Find::Text(_) | Find::Image(_) | Find::Role(_) | Find::Point(_) | Find::Region(_) => {
                target.find.clone()
            }
        };
        Ok(Target { find, relations, ..target.clone() })
    }

    fn alias(&self, name: &str) -> Result<&'a Target, ResolveError> {
        self.aliases.get(name).ok_or_else(|| ResolveError::Unknown {
            name: Untrusted::new(name).escaped(64),
            nearest: nearest(name, self.aliases.keys().map(String::as_str)).map(str::to_owned),
        })
    }

    fn all(&mut self, targets: &[Target], depth: usize) -> Result<Vec<Target>, ResolveError> {
        targets.iter().map(|t| self.resolve(t, depth)).collect()
    }

    fn relation(&mut self, relation: &Relation, depth: usize) -> Result<Relation, ResolveError> {
        let other = self.resolve(relation.other(), depth)?;
        Ok(match relation {
            Relation::Near(_) => Relation::Near(other),
            Relation::RightOf(_) => Relation::RightOf(other),
            Relation::LeftOf(_) => Relation::LeftOf(other),
            Relation::Above(_) => Relation::Above(other),
            Relation::Below(_) => Relation::Below(other),
            Relation::Inside(_) => Relation::Inside(other),
        })
    }
}

/// What a name stands for, refined by what the use of the name adds: relations and offsets add
/// up, `nth` and `confidence` of the use win.
fn refined(meant: Target, using: &Target, relations: Vec<Relation>) -> Target {
    let mut target = meant;
    target.relations.extend(relations);
    target.nth = using.nth.or(target.nth);
    target.confidence = using.confidence.or(target.confidence);
    target.offset = match (target.offset, using.offset) {
        (Some(a), Some(b)) => {
            Some(Point { x: a.x.saturating_add(b.x), y: a.y.saturating_add(b.y) })
        }
        (a, b) => a.or(b),
    };
    target
}
