//! What applications say is on the screen and what their looks tell, made one.

use karakuri_protocol::desktop::{Control, Line};
use karakuri_protocol::role::Role;
use karakuri_protocol::untrusted::Untrusted;

/// `told` by applications, with the labels that stand beside them, and what is only `seen`, in
/// reading order. `lines` are what was read there.
#[must_use]
pub fn merge(told: Vec<Control>, seen: Vec<Control>, lines: &[Line]) -> Vec<Control> {
    let is_told = |one: &Control| told.iter().any(|it| it.role.is_control() && same_place(one, it));
    let unseen: Vec<Control> = seen.iter().filter(|one| !is_told(one)).cloned().collect();
    let mut all: Vec<Control> =
        told.into_iter().map(|one| completed(one, &seen, lines)).chain(unseen).collect();
    all.sort_by_key(|control| (control.rect.center().y, control.rect.left));
    all
}

/// A field has no name of its own in many programs, and its text is not asked for: it may be a
/// password, of which the screen shows dots.
fn completed(told: Control, seen: &[Control], lines: &[Line]) -> Control {
    let looks = seen.iter().find(|other| same_place(&told, other) && other.role == told.role);
    let text = || {
        let within = lines.iter().filter(|line| told.rect.contains(line.rect.center()));
        let texts: Vec<&str> = within.map(|line| line.text.danger_raw()).collect();
        (!texts.is_empty()).then(|| Untrusted::new(texts.join("\n")))
    };
    Control {
        name: told.name.clone().or_else(|| looks.and_then(|looks| looks.name.clone())),
        text: if told.role == Role::Field { text() } else { None },
        ..told
    }
}

fn same_place(one: &Control, other: &Control) -> bool {
    one.rect.contains(other.rect.center()) && other.rect.contains(one.rect.center())
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Via;
    use karakuri_protocol::geometry::Rect;

    fn control(role: Role, left: i32, name: Option<&str>, via: Via) -> Control {
        let rect = Rect::new(left, 10, 80, 20);
        Control { rect, role, name: name.map(Untrusted::new), checked: None, text: None, via }
    }

    #[test]
    fn what_is_told_and_what_is_seen_complete_each_other() {
        let told = vec![
            control(Role::Field, 100, None, Via::Role),
            control(Role::Button, 0, Some("Save"), Via::Role),
        ];
        let seen = vec![
            control(Role::Field, 103, Some("Name:"), Via::Image),
            control(Role::Button, 2, Some("Sove"), Via::Image),
            control(Role::Button, 300, Some("Print"), Via::Image),
        ];
        let rect = Rect::new(105, 14, 30, 12);
        let lines = [Line { rect, text: "Ada".into(), confidence: 1.0, words: Vec::new() }];
        let all = merge(told, seen, &lines);
        let shown: Vec<_> = all
            .iter()
            .map(|c| (c.role, c.name.as_ref().map(|name| name.danger_raw()), c.via))
            .collect();
        assert_eq!(
            shown,
            [
                (Role::Button, Some("Save"), Via::Role),
                (Role::Field, Some("Name:"), Via::Role),
                (Role::Button, Some("Print"), Via::Image),
            ]
        );
        assert_eq!(all[1].text, Some("Ada".into()));
    }
}
