//! Whether a person has paused the run. Meanwhile no call of the script is carried out, and the time
//! does not count against the run.

use tokio::sync::watch;

/// Shared by whoever hears the person and whoever carries calls out.
#[derive(Debug)]
pub struct Pause(watch::Sender<bool>);

impl Default for Pause {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Pause {
    /// Pauses or resumes; false when it is so already.
    pub fn set(&self, paused: bool) -> bool {
        self.0.send_replace(paused) != paused
    }

    /// Returns when the run is not paused.
    pub async fn over(&self) {
        let mut paused = self.0.subscribe();
        // The sender lives as long as this value, so the wait ends with the pause alone.
        let _resumed = paused.wait_for(|paused| !paused).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_goes_on_when_the_pause_is_over() {
        let pause = Pause::default();
        assert!(pause.set(true) && !pause.set(true));
        let resumed = std::cell::Cell::new(false);
        let resume = async {
            tokio::task::yield_now().await;
            resumed.set(true);
            assert!(pause.set(false));
        };
        tokio::join!(resume, async {
            pause.over().await;
            assert!(resumed.get());
        });
    }
}
