//! A call in a few words: what the report and the progress line show.

use karakuri_protocol::geometry::Rect;
use karakuri_protocol::script::Call;
use karakuri_protocol::target::{Find, Target};
use karakuri_protocol::untrusted::Untrusted;

/// What a call is about.
#[must_use]
pub fn summary(call: &Call) -> Untrusted {
    match call {
        Call::TypeText(p) | Call::SetClipboard(p) => p.text.clone(),
        Call::Paste(p) => p.text.clone().unwrap_or_default(),
        Call::Press(p) => p.keys.clone().into(),
        Call::Hold(p) => format!("{} for {} ms", p.keys, p.ms).into(),
        Call::Launch(p) => p.app.clone().into(),
        Call::Close(p) | Call::Focus(p) => format!("window {}", p.window).into(),
        Call::WaitStill(p) => format!("{} ms", p.still_ms).into(),
        Call::SoftFail(p) => p.reason.clone(),
        Call::Screenshot(p) => p.name.clone(),
        Call::Attach(p) => p.path.clone(),
        Call::Output(p) => p.key.clone().into(),
        Call::Step(p) | Call::Once(p) | Call::Input(p) => p.name.clone().into(),
        Call::TypeSecret(p) | Call::Secret(p) => p.name.clone().into(),
        Call::Retry(p) => p.reason.clone(),
        Call::Timeout(p) => format!("{} ms", p.ms).into(),
        Call::Log(p) => p.message.clone(),
        Call::FailBusiness(p) | Call::FailApp(p) => p.code.clone(),
        Call::ReadText(p) => place(p.region),
        Call::ReadTable(p) | Call::Controls(p) => place(p.region),
        Call::GetClipboard(_) | Call::Pointer(_) => Untrusted::default(),
        _ => Untrusted::new(targets(call)),
    }
}

fn targets(call: &Call) -> String {
    match call {
        Call::Click(p)
        | Call::DoubleClick(p)
        | Call::TripleClick(p)
        | Call::RightClick(p)
        | Call::MiddleClick(p)
        | Call::MouseDown(p)
        | Call::MouseUp(p)
        | Call::Hover(p) => p.target.as_ref().map(target).unwrap_or_default(),
        Call::Drag(p) => format!("{} to {}", target(&p.from), target(&p.to)),
        Call::Scroll(p) => format!("{:?} {}", p.direction, p.ticks).to_lowercase(),
        Call::WaitFor(p) | Call::WaitGone(p) | Call::Expect(p) => target(&p.target),
        Call::Exists(p) | Call::Find(p) | Call::FindAll(p) => target(&p.target),
        Call::ExpectAny(p) => p.targets.keys().cloned().collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

/// A target in words, escaped.
#[must_use]
pub fn target(target: &Target) -> String {
    match &target.find {
        Find::Text(p) => format!("text {:?}", p.value.escaped(80)),
        Find::Image(p) => format!("image {:?}", p.name.escaped(80)),
        Find::Role(p) => match &p.name {
            Some(name) => format!("{} {:?}", p.role, name.escaped(80)),
            None => p.role.to_string(),
        },
        Find::Point(p) => format!("point {},{}", p.x, p.y),
        Find::Region(r) => rect(*r),
        Find::Named(name) => format!("alias {:?}", Untrusted::new(name.as_str()).escaped(40)),
        Find::AnyOf(list) => list.iter().map(self::target).collect::<Vec<_>>().join(" or "),
        Find::AllOf(list) => list.iter().map(self::target).collect::<Vec<_>>().join(" and "),
        Find::Not(other) => format!("not {}", self::target(other)),
    }
}

fn place(region: Option<Rect>) -> Untrusted {
    region.map_or("screen".into(), |region| rect(region).into())
}

/// Where it was read, for an error.
pub(crate) fn within(region: Option<Rect>) -> String {
    region.map_or("on the screen".to_owned(), |region| format!("in {}", rect(region)))
}

fn rect(r: Rect) -> String {
    format!("region {},{} {}×{}", r.left, r.top, r.width, r.height)
}
