//! Keeping the hits that lie as asked relative to others.

use karakuri_protocol::desktop::Hit;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::target::Relation;

/// The hits that stand in `relation` to one of `others`.
///
/// Several others keep what holds for any of them, so that an ambiguous reference shows as several
/// hits and not as a silent choice.
pub(crate) fn keep(relation: &Relation, hits: Vec<Hit>, others: &[Hit]) -> Vec<Hit> {
    let holds: fn(&Rect, &Rect) -> bool = match relation {
        Relation::Near(_) => return closest(hits, others),
        Relation::RightOf(_) => {
            |hit, other| same_line(hit, other) && middle(hit).0 >= edges(other).2
        }
        Relation::LeftOf(_) => {
            |hit, other| same_line(hit, other) && middle(hit).0 <= edges(other).0
        }
        Relation::Above(_) => {
            |hit, other| same_column(hit, other) && middle(hit).1 <= edges(other).1
        }
        Relation::Below(_) => {
            |hit, other| same_column(hit, other) && middle(hit).1 >= edges(other).3
        }
        Relation::Inside(_) => |hit, other| other.contains(hit.center()),
    };
    let mut hits = hits;
    hits.retain(|hit| others.iter().any(|other| holds(&hit.rect, &other.rect)));
    hits
}

/// For each other the hit closest to it, box to box; a hit that is the other itself does not count.
fn closest(hits: Vec<Hit>, others: &[Hit]) -> Vec<Hit> {
    let mut chosen = vec![false; hits.len()];
    for other in others {
        let apart = hits.iter().enumerate().filter(|(_, hit)| hit.rect != other.rect);
        if let Some((at, _)) = apart.min_by_key(|(_, hit)| distance(&hit.rect, &other.rect)) {
            chosen[at] = true;
        }
    }
    hits.into_iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(hit, _)| hit).collect()
}

/// Square of the distance between the nearest edges, then that between the middles.
fn distance(a: &Rect, b: &Rect) -> (i64, i64) {
    let gap = |a_from: i32, a_to: i32, b_from: i32, b_to: i32| {
        i64::from(b_from.saturating_sub(a_to).max(a_from.saturating_sub(b_to)).max(0))
    };
    let x = gap(a.left, a.right(), b.left, b.right());
    let y = gap(a.top, a.bottom(), b.top, b.bottom());
    let (dx, dy) = (middle(a).0 - middle(b).0, middle(a).1 - middle(b).1);
    (x * x + y * y, i64::from(dx).pow(2) + i64::from(dy).pow(2))
}

/// Half of the lower one's height is shared.
fn same_line(a: &Rect, b: &Rect) -> bool {
    let shared = a.bottom().min(b.bottom()) - a.top.max(b.top);
    u32::try_from(2 * shared).is_ok_and(|twice| twice >= a.height.min(b.height))
}

/// Half of the narrower one's width is shared.
fn same_column(a: &Rect, b: &Rect) -> bool {
    let shared = a.right().min(b.right()) - a.left.max(b.left);
    u32::try_from(2 * shared).is_ok_and(|twice| twice >= a.width.min(b.width))
}

fn middle(rect: &Rect) -> (i32, i32) {
    (rect.center().x, rect.center().y)
}

/// Left, top, right, bottom.
fn edges(rect: &Rect) -> (i32, i32, i32, i32) {
    (rect.left, rect.top, rect.right(), rect.bottom())
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Via;
    use karakuri_protocol::target::{Find, Target};

    fn hit(left: i32, top: i32, width: u32) -> Hit {
        let rect = Rect::new(left, top, width, 20);
        Hit { rect, at: rect.center(), text: None, confidence: 1.0, via: Via::Region }
    }

    fn kept(relation: fn(Target) -> Relation, hits: &[Hit], others: &[Hit]) -> Vec<i32> {
        let target = Target::new(Find::Region(Rect::new(0, 0, 1, 1)));
        let kept = keep(&relation(target), hits.to_vec(), others);
        kept.iter().map(|hit| hit.rect.left).collect()
    }

    #[test]
    fn sides_share_the_line_or_the_column() {
        let label = [hit(100, 100, 50)];
        let hits = [
            hit(10, 104, 40),
            hit(200, 95, 40),
            hit(300, 125, 40),
            hit(110, 140, 90),
            hit(90, 60, 20),
        ];
        assert_eq!(kept(Relation::RightOf, &hits, &label), [200]);
        assert_eq!(kept(Relation::LeftOf, &hits, &label), [10]);
        assert_eq!(kept(Relation::Below, &hits, &label), [110]);
        assert_eq!(kept(Relation::Above, &hits, &label), [90]);
    }

    #[test]
    fn near_is_one_for_each_other() {
        let hits = [hit(0, 0, 20), hit(100, 0, 20), hit(210, 0, 20)];
        assert_eq!(kept(Relation::Near, &hits, &[hit(60, 0, 20)]), [100]);
        assert_eq!(kept(Relation::Near, &hits, &[hit(30, 0, 20), hit(240, 0, 20)]), [0, 210]);
        assert_eq!(kept(Relation::Near, &hits, &hits[1..2]), [0]);
    }

    #[test]
    fn inside_is_where_the_middle_lies() {
        let hits = [hit(0, 0, 20), hit(95, 0, 20), hit(85, 0, 20)];
        assert_eq!(kept(Relation::Inside, &hits, &[hit(100, 0, 100)]), [95]);
        assert_eq!(kept(Relation::Inside, &hits, &[]), Vec::<i32>::new());
    }
}
