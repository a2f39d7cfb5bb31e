//! Through the trees, level by level, many elements at once.

use std::time::Instant;

use futures_util::future::{join, join_all, join3};
use karakuri_protocol::desktop::{Control, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;
use serde::de::DeserializeOwned;
use zbus::Connection;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Type};

use super::role::{State, States, is_two_state, role};

/// The most elements of an application that are looked at.
const MAX_NODES: usize = 4096;
/// An element with more children than this keeps them to itself: the sheet of a spreadsheet has one
/// for every cell there could be.
const MAX_CHILDREN: i32 = 512;
/// Elements that are asked at a time: their answers, which the bus limits to a megabyte each
/// (session/bus.conf), are all in memory before any is cut.
const AT_A_TIME: usize = 64;
/// The longest name that is taken, in characters.
const MAX_NAME: usize = 1000;
/// `ATSPI_COORD_TYPE_SCREEN`.
const ON_SCREEN: u32 = 0;

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const COMPONENT: &str = "org.a11y.atspi.Component";

/// An element: the application's name on the bus, and the object.
type Node = (String, OwnedObjectPath);

/// What all applications show. Those that do not answer are left out.
pub(super) async fn walk(
    bus: &Connection,
    screen: Rect,
    deadline: Instant,
) -> zbus::Result<Vec<Control>> {
    let root = ("org.a11y.atspi.Registry".to_owned(), path("/org/a11y/atspi/accessible/root")?);
    let applications: Vec<Node> = ask(bus, &root, ACCESSIBLE, "GetChildren", &()).await?;
    let trees = applications.into_iter().map(|node| application(bus, node, screen, deadline));
    Ok(join_all(trees).await.concat())
}

async fn application(
    bus: &Connection,
    root: Node,
    screen: Rect,
    deadline: Instant,
) -> Vec<Control> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut level = children(bus, &root).await;
    while !level.is_empty() {
        seen += level.len();
        let mut next = Vec::new();
        for nodes in level.chunks(AT_A_TIME) {
            if Instant::now() >= deadline {
                return found;
            }
            let visits = join_all(nodes.iter().map(|node| visit(bus, node, screen)));
            for (element, below) in visits.await {
                found.extend(element);
                let room = MAX_NODES.saturating_sub(seen + next.len());
                next.extend(below.into_iter().take(room));
            }
        }
        level = next;
    }
    found
}

/// The element, if scripts name such and it can be seen, and what lies below it.
async fn visit(bus: &Connection, node: &Node, screen: Rect) -> (Option<Control>, Vec<Node>) {
    let (states, number) = join(
        ask::<Vec<u32>>(bus, node, ACCESSIBLE, "GetState", &()),
        ask::<u32>(bus, node, ACCESSIBLE, "GetRole", &()),
    )
    .await;
    let (Ok(states), Ok(number)) = (states, number) else { return (None, Vec::new()) };
    let states = States::new(&states);
    // What does not show has nothing below that does.
    if !states.has(State::Showing) {
        return (None, Vec::new());
    }
    match role(number, states) {
        None => (None, children(bus, node).await),
        Some(role) => {
            let place = &(ON_SCREEN,);
            let (rect, name, below) = join3(
                ask::<(i32, i32, i32, i32)>(bus, node, COMPONENT, "GetExtents", place),
                property::<String>(bus, node, "Name"),
                children(bus, node),
            )
            .await;
            let rect = rect.ok().and_then(|extents| visible(extents, screen));
            let rect = if is_two_state(role) { rect.map(mark) } else { rect };
            let element = |rect| Control {
                rect,
                role,
                name: name.filter(|name| !name.is_empty()).map(|name| shortened(&name)),
                checked: is_two_state(role).then(|| states.has(State::Checked)),
                text: None,
                via: Via::Role,
            };
            (rect.map(element), below)
        }
    }
}

async fn children(bus: &Connection, node: &Node) -> Vec<Node> {
    match property::<i32>(bus, node, "ChildCount").await {
        Some(1..=MAX_CHILDREN) => {
            ask(bus, node, ACCESSIBLE, "GetChildren", &()).await.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

async fn property<T: TryFrom<OwnedValue>>(bus: &Connection, node: &Node, name: &str) -> Option<T> {
    let interface = "org.freedesktop.DBus.Properties";
    let value = ask::<OwnedValue>(bus, node, interface, "Get", &(ACCESSIBLE, name)).await;
    value.ok().and_then(|value| T::try_from(value).ok())
}

async fn ask<T: DeserializeOwned + Type>(
    bus: &Connection,
    (application, object): &Node,
    interface: &str,
    method: &str,
    arguments: &(impl serde::Serialize + zbus::zvariant::DynamicType + Sync),
) -> zbus::Result<T> {
    let application = Some(application.as_str());
    let answer = bus.call_method(application, object, Some(interface), method, arguments).await?;
    answer.body().deserialize()
}

fn path(text: &str) -> zbus::Result<OwnedObjectPath> {
    Ok(OwnedObjectPath::try_from(text)?)
}

/// The part of an element's box that is on the screen.
fn visible((left, top, width, height): (i32, i32, i32, i32), screen: Rect) -> Option<Rect> {
    let size = |side: i32| u32::try_from(side).ok().filter(|side| *side > 0);
    Rect::new(left, top, size(width)?, size(height)?).intersection(&screen)
}

/// The box or the circle at the left end of a check box or radio button: Qt takes clicks there and on
/// its text, but not on the room behind, which is part of the element.
fn mark(rect: Rect) -> Rect {
    Rect::new(rect.left, rect.top, rect.width.min(rect.height), rect.height)
}

fn shortened(name: &str) -> Untrusted {
    Untrusted::new(name.chars().take(MAX_NAME).collect::<String>())
}
