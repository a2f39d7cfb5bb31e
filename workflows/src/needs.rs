//! What each method needs, in one exhaustive match: a new method does not compile without a row.

use karakuri_protocol::script::Call;
use karakuri_protocol::target::{Find, Target};

/// A key of the manifest's `[permissions]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// `screen = true`.
    Screen,
    /// `input = true`.
    Input,
    /// `clipboard = true`.
    Clipboard,
    /// `apps = […]`, with the program in it.
    Apps,
    /// `disclose_screen = true`; asked for only where the script is an MCP client.
    DiscloseScreen,
}

impl Permission {
    /// How it is written in a manifest.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Screen => "permissions.screen = true",
            Self::Input => "permissions.input = true",
            Self::Clipboard => "permissions.clipboard = true",
            Self::Apps => "permissions.apps",
            Self::DiscloseScreen => "permissions.disclose_screen = true",
        }
    }
}

/// What a call does to the world outside the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Can change what an application does. Counts against the run's actions and its rate.
    Act,
    /// Looks at the screen or the clipboard.
    Look,
    /// Concerns the run's own record.
    Note,
    /// Is not offered in this version.
    NotOffered,
}

/// What a method is and needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// As it stands in a request.
    pub method: &'static str,
    /// What it does.
    pub reach: Reach,
    /// All of these, besides what its targets need.
    pub permissions: &'static [Permission],
}

/// What `call` is and needs, before its parameters are looked at.
#[must_use]
pub fn needs(call: &Call) -> Needs {
    use Permission::{Apps, Clipboard, Input, Screen};
    use Reach::{Act, Look, NotOffered, Note};
    let (method, reach, permissions): (_, _, &[Permission]) = match call {
        Call::Click(_) => ("click", Act, &[Input]),
        Call::DoubleClick(_) => ("double_click", Act, &[Input]),
        Call::TripleClick(_) => ("triple_click", Act, &[Input]),
        Call::RightClick(_) => ("right_click", Act, &[Input]),
        Call::MiddleClick(_) => ("middle_click", Act, &[Input]),
        Call::MouseDown(_) => ("mouse_down", Act, &[Input]),
        Call::MouseUp(_) => ("mouse_up", Act, &[Input]),
        Call::Hover(_) => ("hover", Act, &[Input]),
        Call::Drag(_) => ("drag", Act, &[Input]),
        Call::Scroll(_) => ("scroll", Act, &[Input]),
        Call::TypeText(_) => ("type_text", Act, &[Input]),
        Call::TypeSecret(_) => ("type_secret", NotOffered, &[Input]),
        Call::Press(_) => ("press", Act, &[Input]),
        Call::Hold(_) => ("hold", Act, &[Input]),
        Call::Paste(_) => ("paste", Act, &[Input, Clipboard]),
        Call::GetClipboard(_) => ("get_clipboard", Look, &[Clipboard]),
        Call::SetClipboard(_) => ("set_clipboard", Act, &[Clipboard]),
        Call::Launch(_) => ("launch", Act, &[Apps]),
        Call::Close(_) => ("close", Act, &[Input]),
        Call::Focus(_) => ("focus", Act, &[Input]),
        Call::WaitFor(_) => ("wait_for", Look, &[Screen]),
        Call::WaitGone(_) => ("wait_gone", Look, &[Screen]),
        Call::WaitStill(_) => ("wait_still", Look, &[Screen]),
        Call::Exists(_) => ("exists", Look, &[Screen]),
        Call::Expect(_) => ("expect", Look, &[Screen]),
        Call::ExpectAny(_) => ("expect_any", Look, &[Screen]),
        Call::SoftFail(_) => ("soft_fail", Note, &[]),
        Call::ReadText(_) => ("read_text", Look, &[Screen]),
        Call::ReadTable(_) => ("read_table", Look, &[Screen]),
        Call::Controls(_) => ("controls", Look, &[Screen]),
        Call::Find(_) => ("find", Look, &[Screen]),
        Call::FindAll(_) => ("find_all", Look, &[Screen]),
        Call::Pointer(_) => ("pointer", Look, &[Input]),
        Call::Screenshot(_) => ("screenshot", Look, &[Screen]),
        Call::Attach(_) => ("attach", Note, &[]),
        Call::Output(_) => ("output", Note, &[]),
        Call::Step(_) => ("step", Note, &[]),
        Call::Once(_) => ("once", Note, &[]),
        Call::Retry(_) => ("retry", Note, &[]),
        Call::Timeout(_) => ("timeout", Note, &[]),
        Call::Input(_) => ("input", Note, &[]),
        Call::Secret(_) => ("secret", NotOffered, &[]),
        Call::Log(_) => ("log", Note, &[]),
        Call::FailBusiness(_) => ("fail_business", Note, &[]),
        Call::FailApp(_) => ("fail_app", Note, &[]),
    };
    Needs { method, reach, permissions }
}

/// The targets of a call.
pub(crate) fn targets_mut(call: &mut Call) -> Vec<&mut Target> {
    match call {
        Call::Click(p)
        | Call::DoubleClick(p)
        | Call::TripleClick(p)
        | Call::RightClick(p)
        | Call::MiddleClick(p)
        | Call::MouseDown(p)
        | Call::MouseUp(p)
        | Call::Hover(p) => p.target.iter_mut().collect(),
        Call::Drag(p) => vec![&mut p.from, &mut p.to],
        Call::Scroll(p) => p.target.iter_mut().collect(),
        Call::WaitFor(p) | Call::WaitGone(p) | Call::Expect(p) => vec![&mut p.target],
        Call::Exists(p) | Call::Find(p) | Call::FindAll(p) => vec![&mut p.target],
        Call::ExpectAny(p) => p.targets.values_mut().collect(),
        Call::TypeText(_)
        | Call::TypeSecret(_)
        | Call::Press(_)
        | Call::Hold(_)
        | Call::Paste(_)
        | Call::GetClipboard(_)
        | Call::SetClipboard(_)
        | Call::Launch(_)
        | Call::Close(_)
        | Call::Focus(_)
        | Call::WaitStill(_)
        | Call::SoftFail(_)
        | Call::ReadText(_)
        | Call::ReadTable(_)
        | Call::Controls(_)
        | Call::Pointer(_)
        | Call::Screenshot(_)
        | Call::Attach(_)
        | Call::Output(_)
        | Call::Step(_)
        | Call::Once(_)
        | Call::Retry(_)
        | Call::Timeout(_)
        | Call::Input(_)
        | Call::Secret(_)
        | Call::Log(_)
        | Call::FailBusiness(_)
        | Call::FailApp(_) => Vec::new(),
    }
}

/// Whether finding `target` means looking at the screen: all but a pixel or a rectangle do.
pub(crate) fn looks(target: &Target) -> bool {
    !matches!(target.find, Find::Point(_) | Find::Region(_)) || !target.relations.is_empty()
}
