//! Resolving a target.

use karakuri_protocol::desktop::{Control, Hit, Line, Via};
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::target::{Find, ImagePattern, Target, TextPattern};
use karakuri_protocol::untrusted::Untrusted;

use super::error::LocateError;
use super::image::Images;
use super::nearest;
use super::pattern::Pattern;
use super::relation;
use super::role;
use super::rows;
use crate::frame::Frame;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    /// The whole screen.
    pub frame: &'a Frame,
    /// What was read in it, in reading order; may be empty when [`reads_text`] says so.
    pub lines: &'a [Line],
    /// The pictures of the bundle.
    pub images: &'a Images,
    /// What is known to be there, in reading order; may be empty when [`names_role`] says so.
    pub elements: &'a [Control],
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// All that match: text in reading order, pictures best first.
    pub hits: Vec<Hit>,
    /// When nothing matches: what comes closest, best first, at most 5.
    pub nearest: Vec<Hit>,
    /// Of [`Find::AnyOf`]: which of its targets the hits are of.
    pub which: Option<usize>,
}

/// Whether looking for `target` needs the screen to be read.
#[must_use]
pub fn reads_text(target: &Target) -> bool {
    has(target, &|find| matches!(find, Find::Text(_)))
}

/// Whether looking for `target` needs to know what things are for.
#[must_use]
pub fn names_role(target: &Target) -> bool {
    has(target, &|find| matches!(find, Find::Role(_)))
}

/// Whether a part of `target` is such.
fn has(target: &Target, is_such: &dyn Fn(&Find) -> bool) -> bool {
    let inner = match &target.find {
        Find::AnyOf(targets) | Find::AllOf(targets) => targets.iter().any(|t| has(t, is_such)),
        Find::Not(target) => has(target, is_such),
        find => is_such(find),
    };
    inner || target.relations.iter().any(|relation| has(relation.other(), is_such))
}

/// Looks for `target` on `screen`.
///
/// # Errors
/// A [`LocateError`] when the target makes no sense here; finding nothing is no error.
pub fn find(target: &Target, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let things = match &target.find {
        Find::AnyOf(targets) => return any_of(target, targets, screen),
        Find::AllOf(targets) => all_of(targets, screen),
        Find::Not(target) => not(target, screen),
        Find::Text(pattern) => texts(pattern, screen),
        Find::Image(pattern) => image(pattern, screen),
        Find::Point(point) => place(Rect::new(point.x, point.y, 1, 1), Via::Point, screen),
        Find::Region(region) => place(*region, Via::Region, screen),
        Find::Role(pattern) => role::find(pattern, screen.elements),
        Find::Named(name) => Err(LocateError::Undefined(Untrusted::new(name.as_str()).escaped(60))),
    };
    choose(target, things?, screen)
}

/// What confidence, relations, `nth` and offset of `target` leave of what was found.
fn choose(target: &Target, found: Found, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let Found { mut hits, mut nearest, which } = found;
    if let Some(least) = target.confidence {
        hits.retain(|hit| hit.confidence >= least);
    }
    for relation in &target.relations {
        let others = find(relation.other(), screen)?;
        let unrelated = hits.clone();
        hits = relation::keep(relation, hits, &others.hits);
        if hits.is_empty() && nearest.is_empty() {
            nearest = if others.hits.is_empty() { others.nearest } else { unrelated };
        }
    }
    if let Some(nth) = target.nth {
        let chosen = hits.get(usize::from(nth)).cloned();
        nearest = if chosen.is_none() { hits } else { nearest };
        hits = chosen.into_iter().collect();
    }
    if let Some(Point { x, y }) = target.offset {
        for hit in &mut hits {
            let Point { x: from_x, y: from_y } = hit.at;
            hit.at = Point { x: from_x.saturating_add(x), y: from_y.saturating_add(y) };
        }
    }
    nearest.truncate(if hits.is_empty() { nearest::SHOWN } else { 0 });
    Ok(Found { hits, nearest, which })
}

fn texts(pattern: &TextPattern, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let ready = Pattern::new(pattern)?;
    let mut hits: Vec<Hit> = screen.lines.iter().flat_map(|line| ready.hits(line)).collect();
    hits.extend(rows::split_hits(&ready, screen.lines));
    let nearest = if hits.is_empty() { nearest::texts(pattern, screen.lines) } else { Vec::new() };
    Ok(Found { hits, nearest, which: None })
}

fn image(pattern: &ImagePattern, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let template = screen.images.get(&pattern.name)?;
    Ok(template.find(screen.frame, pattern.threshold, pattern.margin))
}

fn place(rect: Rect, via: Via, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let what = if via == Via::Point { "point" } else { "region" };
    let rect = rect.intersection(&screen.frame.bounds()).ok_or(LocateError::OffScreen(what))?;
    let hit = Hit { rect, at: rect.center(), text: None, confidence: 1.0, via };
    Ok(Found { hits: vec![hit], ..Found::default() })
}

/// The first of `targets` of which `whole`, whose relations hold for each of them, leaves something.
fn any_of(whole: &Target, targets: &[Target], screen: &Screen<'_>) -> Result<Found, LocateError> {
    let mut nearest = Vec::new();
    for (which, target) in targets.iter().enumerate() {
        let found = choose(whole, find(target, screen)?, screen)?;
        if !found.hits.is_empty() {
            return Ok(Found { which: Some(which), ..found });
        }
        nearest.extend(found.nearest);
    }
    nearest.truncate(nearest::SHOWN);
    Ok(Found { nearest, ..Found::default() })
}

/// Every overlap of one hit of each target.
fn all_of(targets: &[Target], screen: &Screen<'_>) -> Result<Found, LocateError> {
    let mut all: Option<Vec<Hit>> = None;
    for target in targets {
        let found = find(target, screen)?;
        if found.hits.is_empty() {
            return Ok(found);
        }
        all = Some(match all {
            None => found.hits,
            Some(before) => before
                .iter()
                .flat_map(|hit| found.hits.iter().filter_map(|other| overlap(hit, other)))
                .collect(),
        });
    }
    Ok(Found { hits: all.unwrap_or_default(), ..Found::default() })
}

fn overlap(hit: &Hit, other: &Hit) -> Option<Hit> {
    let rect = hit.rect.intersection(&other.rect)?;
    // A region holds the other; the other says what is there.
    let told = if hit.via == Via::Region { other } else { hit };
    Some(Hit {
        rect,
        at: rect.center(),
        text: told.text.clone(),
        confidence: hit.confidence.min(other.confidence),
        via: told.via,
    })
}

/// The whole screen as long as the target is nowhere on it, so that an overlap with it changes
/// nothing.
fn not(target: &Target, screen: &Screen<'_>) -> Result<Found, LocateError> {
    let found = find(target, screen)?;
    if found.hits.is_empty() {
        return place(screen.frame.bounds(), Via::Region, screen);
    }
    Ok(Found { nearest: found.hits, ..Found::default() })
}
