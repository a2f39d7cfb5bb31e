//! What changed on the screen since it was last asked, through XDamage.
//!
//! The server collects the damaged region and sends one event when it becomes non-empty; an
//! unchanged screen costs nothing. Damage is where something was drawn, not where pixels differ:
//! compare frames to know. The pointer is not part of it, nor of any capture.

use std::rc::Rc;

use karakuri_protocol::geometry::Rect;
use x11rb::connection::Connection;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};

use super::display::Display;
use super::error::X11Error;

/// A damage object on the root window and everything in it.
#[derive(Debug)]
pub(super) struct Damage {
    display: Rc<Display>,
    damage: damage::Damage,
    region: xfixes::Region,
    /// The server reported damage that was not taken yet.
    pending: bool,
    /// Damage taken from the server before anybody asked for it.
    kept: Vec<Rect>,
}

impl Damage {
    /// Starts watching; the whole screen counts as changed at first.
    pub(super) fn watch(display: &Rc<Display>) -> Result<Self, X11Error> {
        let connection = &display.connection;
        let (damage, region) = (connection.generate_id()?, connection.generate_id()?);
        connection.damage_create(damage, display.root, ReportLevel::NON_EMPTY)?.check()?;
        connection.xfixes_create_region(region, &[])?.check()?;
        Ok(Self { display: Rc::clone(display), damage, region, pending: true, kept: Vec::new() })
    }

    /// A damage event arrived, of this object if `of` is its id.
    pub(super) fn notified(&mut self, of: damage::Damage) {
        self.pending |= of == self.damage;
    }

    /// All that was known is void: the screen is another.
    pub(super) fn expect_all(&mut self) {
        self.pending = true;
    }

    /// Whether something was drawn since the last [`Damage::take`].
    pub(super) fn is_pending(&self) -> bool {
        self.pending || !self.kept.is_empty()
    }

    /// Whether something was drawn since the last [`Damage::keep`] or [`Damage::take`].
    pub(super) fn is_pending_anew(&self) -> bool {
        self.pending
    }

    /// Where something was drawn since the last call, cut at the edges of the screen.
    pub(super) fn take(&mut self) -> Result<Vec<Rect>, X11Error> {
        self.keep()?;
        Ok(std::mem::take(&mut self.kept))
    }

    /// What [`Damage::keep`] fetched and [`Damage::take`] has not given yet.
    pub(super) fn kept(&self) -> &[Rect] {
        &self.kept
    }

    /// Fetches the damage for a later [`Damage::take`], so that the server reports what comes next.
    pub(super) fn keep(&mut self) -> Result<(), X11Error> {
        if !self.pending {
            return Ok(());
        }
        let connection = &self.display.connection;
        connection.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let region = connection.xfixes_fetch_region(self.region)?.reply()?;
        self.pending = false;
        let screen = self.display.screen();
        self.kept.extend(region.rectangles.iter().filter_map(|r| {
            let (left, top) = (i32::from(r.x), i32::from(r.y));
            screen.intersection(&Rect::new(left, top, u32::from(r.width), u32::from(r.height)))
        }));
        Ok(())
    }
}
