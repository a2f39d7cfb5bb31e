//! Space that is taken from the disk beforehand, so that a full one does not keep the spool from
//! journalling, which is what lets it delete.

use std::path::Path;

use crate::disk::Disk;
use crate::error::SpoolError;
use crate::journal::clear;

pub(crate) const RESERVE: &str = "reserve";
pub(crate) const UNFINISHED: &str = "reserve.tmp";

/// The file that holds the space.
#[derive(Debug)]
pub(crate) struct Reserve {
    size: u64,
    held: bool,
}

impl Reserve {
    /// The reserve as it is found: `length` bytes, if there is one.
    pub(crate) fn found(size: u64, length: Option<u64>) -> Self {
        Self { size, held: size == 0 || length == Some(size) }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// Gives the space free; false when that was done already, or there never was any.
    pub(crate) fn release(&mut self, disk: &dyn Disk, root: &Path) -> Result<bool, SpoolError> {
        if !self.held || self.size == 0 {
            return Ok(false);
        }
        self.held = false;
        clear(disk, &root.join(RESERVE))?;
        Ok(true)
    }

    /// Takes the space again. The name is given when the space is there, so that a crash between
    /// leaves none that holds nothing.
    pub(crate) fn hold(&mut self, disk: &dyn Disk, root: &Path) -> Result<(), SpoolError> {
        if self.held {
            return Ok(());
        }
        let (unfinished, path) = (root.join(UNFINISHED), root.join(RESERVE));
        clear(disk, &path)?;
        clear(disk, &unfinished)?;
        let made = disk.create(&unfinished).and_then(|mut output| {
            output.allocate(self.size)?;
            output.sync_data()?;
            disk.rename(&unfinished, &path)
        });
        if let Err(error) = made {
            clear(disk, &unfinished)?;
            return Err(SpoolError::at("take space for", &path)(error));
        }
        self.held = true;
        disk.sync_dir(root).map_err(SpoolError::at("sync", root))
    }
}
