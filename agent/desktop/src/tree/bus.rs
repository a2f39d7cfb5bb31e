//! The connection to the bus on which applications offer their trees.

use std::time::{Duration, Instant};

use karakuri_protocol::desktop::Control;
use karakuri_protocol::geometry::Rect;
use zbus::block_on;
use zbus::connection::{Builder, Connection};

use super::walk;

/// The longest wait for one answer of an application.
const ANSWER: Duration = Duration::from_millis(300);
/// The longest time for all of them.
const ALL: Duration = Duration::from_secs(1);

/// The bus that the environment names, in the words of the D-Bus specification.
#[must_use]
pub fn address() -> Option<String> {
    std::env::var("AT_SPI_BUS_ADDRESS").ok()
}

/// The accessibility trees of the display's applications, if there is a bus.
#[derive(Debug, Default)]
pub struct Tree {
    bus: Option<Connection>,
}

impl Tree {
    /// The elements that show on a screen of this size, in no order; none where no application
    /// answers. Connects anew after a failure: the bus is as mortal as any program of the display.
    pub fn elements(&mut self, screen: Rect) -> Vec<Control> {
        match block_on(self.ask(screen)) {
            Ok(elements) => elements,
            Err(error) => {
                tracing::debug!(%error, "no accessibility tree");
                self.bus = None;
                Vec::new()
            }
        }
    }

    async fn ask(&mut self, screen: Rect) -> zbus::Result<Vec<Control>> {
        let bus = match self.bus.take() {
            Some(bus) => bus,
            None => connect().await?,
        };
        let elements = walk::walk(&bus, screen, Instant::now() + ALL).await?;
        self.bus = Some(bus);
        Ok(elements)
    }
}

/// To the bus of the environment, else to the one that the session's bus knows of.
async fn connect() -> zbus::Result<Connection> {
    let builder = match address() {
        Some(address) => Builder::address(address.as_str())?,
        None => {
            let session = Builder::session()?.method_timeout(ANSWER).build().await?;
            let asked = session
                .call_method(
                    Some("org.a11y.Bus"),
                    "/org/a11y/bus",
                    Some("org.a11y.Bus"),
                    "GetAddress",
                    &(),
                )
                .await?;
            Builder::address(asked.body().deserialize::<&str>()?)?
        }
    };
    builder.method_timeout(ANSWER).build().await
}
