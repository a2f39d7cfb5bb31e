//! Finding by what a thing is for, and its name.

use karakuri_protocol::desktop::{Control, Hit};
use karakuri_protocol::target::{RolePattern, TextPattern};

use super::error::LocateError;
use super::find::Found;
use super::nearest;
use super::pattern::Pattern;

/// The elements of that role and name; when there is none, those of that role.
pub(crate) fn find(pattern: &RolePattern, elements: &[Control]) -> Result<Found, LocateError> {
    let name = pattern
        .name
        .clone()
        .map(|value| Pattern::new(&TextPattern { value, mode: pattern.mode, distance: None }));
    let name = name.transpose()?;
    let is_named = |element: &Control| match &name {
        Some(pattern) => element.name.as_ref().is_some_and(|name| pattern.is_name(name)),
        None => true,
    };
    let of_role = || elements.iter().filter(|element| element.role == pattern.role);
    let hits: Vec<Hit> = of_role().filter(|element| is_named(element)).map(hit).collect();
    let nearest = if hits.is_empty() {
        of_role().take(nearest::SHOWN).map(hit).collect()
    } else {
        Vec::new()
    };
    Ok(Found { hits, nearest, which: None })
}

fn hit(element: &Control) -> Hit {
    Hit {
        rect: element.rect,
        at: element.rect.center(),
        text: element.name.clone(),
        confidence: 1.0,
        via: element.via,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Via;
    use karakuri_protocol::geometry::Rect;
    use karakuri_protocol::role::Role;
    use karakuri_protocol::target::TextMatch;
    use karakuri_protocol::untrusted::Untrusted;

    fn found(role: Role, name: Option<&str>, mode: TextMatch) -> (Vec<i32>, Vec<i32>) {
        let element = |role, name: Option<&str>, left| Control {
            rect: Rect::new(left, 0, 10, 10),
            role,
            name: name.map(Untrusted::new),
            checked: None,
            text: None,
            via: Via::Role,
        };
        let elements = [
            element(Role::Button, Some("Save"), 0),
            element(Role::Button, Some("Save As\u{2026}"), 20),
            element(Role::Field, None, 40),
            element(Role::Window, Some("a.txt - Editor"), 60),
        ];
        let pattern = RolePattern { role, name: name.map(Untrusted::new), mode };
        let found = find(&pattern, &elements).unwrap();
        let lefts = |hits: &[Hit]| hits.iter().map(|hit| hit.rect.left).collect();
        (lefts(&found.hits), lefts(&found.nearest))
    }

    #[test]
    fn role_and_whole_name_decide() {
        assert_eq!(found(Role::Button, Some("Save"), TextMatch::Exact), (vec![0], vec![]));
        assert_eq!(found(Role::Button, Some("Save"), TextMatch::Contains), (vec![0, 20], vec![]));
        assert_eq!(found(Role::Window, Some("Editor$"), TextMatch::Regex), (vec![60], vec![]));
        assert_eq!(found(Role::Button, Some("Sawe"), TextMatch::Fuzzy), (vec![0], vec![]));
        assert_eq!(found(Role::Field, None, TextMatch::Exact), (vec![40], vec![]));
    }

    #[test]
    fn what_is_not_there_shows_what_has_the_role() {
        assert_eq!(found(Role::Button, Some("Print"), TextMatch::Exact), (vec![], vec![0, 20]));
        assert_eq!(found(Role::Field, Some("Name"), TextMatch::Exact), (vec![], vec![40]));
        assert_eq!(found(Role::Slider, None, TextMatch::Exact), (vec![], vec![]));
    }
}
