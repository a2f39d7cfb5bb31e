//! What this process sees with: the reader and the bundle's pictures, as `open` brought them.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;

use karakuri_protocol::desktop::{Control, Line, Script};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::personal::Masking;
use karakuri_protocol::target::{self, Relation, Target};
use karakuri_sandbox::memfd::{read_sealed, sealed};

use super::dispatch::off_screen;
use super::error::ServeError;
use crate::frame::Frame;
use crate::locate::{self, Found, Images};
use crate::mask::{Find, Finds, Masked};
use crate::record::recorder::Recorder;
use crate::structure::{controls, merge};
use crate::tree::Tree;
use crate::vision::{Models, Reader};

/// The largest file of a picture in a bundle, in bytes.
const MAX_PICTURE: usize = 32 * 1024 * 1024;
/// More threads than this make reading a screen no faster.
const MAX_THREADS: usize = 4;

/// The reader, if models were handed over, the pictures, and what applications say themselves.
#[derive(Debug)]
pub(super) struct Eyes {
    reader: Option<Reader>,
    images: Images,
    tree: Tree,
    /// Is told what was read: only that is recorded in the clear.
    recorder: Option<Rc<RefCell<Recorder>>>,
    mask: Option<Mask>,
    shown: Option<Shown>,
}

/// The last picture that left this process.
#[derive(Debug)]
struct Shown {
    frame: Arc<Frame>,
    rect: Rect,
    files: Vec<OwnedFd>,
}

impl Shown {
    /// Its memfds once more; whoever reads them begins at their start.
    fn again(&self) -> Result<Vec<OwnedFd>, ServeError> {
        let files = self.files.iter().map(OwnedFd::try_clone).collect::<Result<_, _>>();
        files.map_err(|e| ServeError::Memfd(e.into()))
    }
}

/// What is masked in what leaves this process.
#[derive(Debug)]
pub(super) struct Mask {
    finds: Finds,
    script: Script,
}

impl Mask {
    /// Prepares the detectors.
    pub(super) fn new(masking: Masking) -> Result<Self, ServeError> {
        let finds = Finds::new(&masking.settings)
            .map_err(|e| ServeError::Request(format!("what is to be masked: {e}")))?;
        Ok(Self { finds, script: masking.script })
    }
}

impl Eyes {
    /// Checks and loads what came with `open`: first the memfds of `assets`, then of `images`.
    pub(super) fn open(
        assets: Vec<String>,
        images: Vec<String>,
        fds: Vec<OwnedFd>,
        recorder: Option<Rc<RefCell<Recorder>>>,
        mask: Option<Mask>,
    ) -> Result<Self, ServeError> {
        if fds.len() != assets.len() + images.len() {
            return Err(ServeError::Request(format!(
                "{} files are named but {} came",
                assets.len() + images.len(),
                fds.len()
            )));
        }
        let mut fds = fds.into_iter();
        let reader = if assets.is_empty() {
            None
        } else {
            let models = Models::check(assets.into_iter().zip(fds.by_ref()))?;
            let threads = available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
            Some(Reader::new(models, threads)?)
        };
        let mut loaded = Images::default();
        for (name, fd) in images.into_iter().zip(fds) {
            loaded.add(&name, &read_sealed(fd, MAX_PICTURE)?)?;
        }
        Ok(Self { reader, images: loaded, tree: Tree::default(), recorder, mask, shown: None })
    }

    /// The lines in `region` of `frame`.
    pub(super) fn read(
        &mut self,
        frame: &Arc<Frame>,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Line>, ServeError> {
        let reader = self.reader.as_mut().ok_or(ServeError::NoModels)?;
        let lines = reader.read(frame, region, script)?;
        if let Some(recorder) = self.recorder.clone() {
            let personal = match &mut self.mask {
                Some(mask) if region == frame.bounds() && script == mask.script => {
                    mask.finds.on_screen(&lines)
                }
                _ => self.personal(frame)?,
            };
            let places: Vec<Rect> = personal.into_iter().map(|find| find.rect).collect();
            recorder.borrow_mut().read(frame, region, &places);
        }
        Ok(lines)
    }

    /// What is personal on `frame`; nothing where nothing is to be masked. Always of all of it, as the label
    /// of a value may be anywhere: what did not change is not read again.
    fn personal(&mut self, frame: &Arc<Frame>) -> Result<Vec<Find>, ServeError> {
        let Some(mask) = &mut self.mask else { return Ok(Vec::new()) };
        let reader = self.reader.as_mut().ok_or(ServeError::NoModels)?;
        let lines = reader.read(frame, frame.bounds(), mask.script)?;
        Ok(mask.finds.on_screen(&lines))
    }

    /// The part `rect` of `frame` as it may leave this process: lossless WebP in a sealed memfd, and one
    /// with what was masked if anything was. Calls follow each other on a screen that stays as it is, so
    /// the last picture is kept.
    pub(super) fn shown(
        &mut self,
        frame: &Arc<Frame>,
        rect: Rect,
    ) -> Result<Vec<OwnedFd>, ServeError> {
        let is_last = |last: &&Shown| Arc::ptr_eq(&last.frame, frame) && last.rect == rect;
        if let Some(last) = self.shown.as_ref().filter(is_last) {
            return last.again();
        }
        let masked = self.masked(frame, rect)?;
        let mut files = vec![sealed("karakuri-picture", &masked.picture.encode_webp()?)?];
        if !masked.fields.is_empty() {
            let fields = serde_json::to_vec(&masked.fields)
                .map_err(|e| ServeError::Request(format!("what was masked: {e}")))?;
            files.push(sealed("karakuri-personal", &fields)?);
        }
        self.shown.insert(Shown { frame: Arc::clone(frame), rect, files }).again()
    }

    /// The part `rect` of `frame` with what is personal covered. What cannot be read cannot be recognised
    /// either; an act that was done is not to fail by that.
    fn masked(&mut self, frame: &Arc<Frame>, rect: Rect) -> Result<Masked, ServeError> {
        let masked = match self.personal(frame) {
            Ok(personal) => Masked::of(frame, rect, &personal)?,
            Err(error) => {
                tracing::warn!(%error, "a picture could not be read, so it shows nothing");
                Masked::unread(frame, rect)
            }
        };
        masked.ok_or_else(|| off_screen(rect))
    }

    /// The controls in `region` of `frame`: what the applications say is there, and what is seen.
    pub(super) fn controls(
        &mut self,
        frame: &Arc<Frame>,
        region: Rect,
        script: Script,
    ) -> Result<Vec<Control>, ServeError> {
        let lines = self.read(frame, region, script)?;
        let mut told = self.tree.elements(frame.bounds());
        told.retain(|one| one.role.is_control() && region.contains(one.rect.center()));
        Ok(merge::merge(told, controls::find(frame, region, &lines), &lines))
    }

    /// Looks for `target` in `frame`, on which `windows` are, reading no more of it than the target
    /// needs.
    pub(super) fn find(
        &mut self,
        frame: &Arc<Frame>,
        windows: Vec<Control>,
        target: &Target,
        script: Script,
    ) -> Result<Found, ServeError> {
        let lines = if locate::reads_text(target) {
            self.read(frame, readable(target).unwrap_or(frame.bounds()), script)?
        } else {
            Vec::new()
        };
        let named = locate::names_role(target);
        let mut elements = windows;
        if named {
            elements.extend(self.tree.elements(frame.bounds()));
            elements.sort_by_key(|one| (one.rect.center().y, one.rect.left));
        }
        let found = self.locate(frame, &lines, &elements, target)?;
        let is_told = !found.hits.is_empty() && matches!(target.find, target::Find::Role(_));
        if !named || is_told || self.reader.is_none() {
            return Ok(found);
        }
        // What no application says may be there all the same.
        let lines = self.read(frame, frame.bounds(), script)?;
        let seen = controls::find(frame, frame.bounds(), &lines);
        self.locate(frame, &lines, &merge::merge(elements, seen, &lines), target)
    }

    fn locate(
        &self,
        frame: &Frame,
        lines: &[Line],
        elements: &[Control],
        target: &Target,
    ) -> Result<Found, ServeError> {
        let screen = locate::Screen { frame, lines, images: &self.images, elements };
        Ok(locate::find(target, &screen)?)
    }
}

/// The region that is enough to read: that of `inside`, if no other part of the target reads.
fn readable(target: &Target) -> Option<Rect> {
    let regions = target.relations.iter().filter_map(|relation| match relation {
        Relation::Inside(Target { find: target::Find::Region(region), .. }) => Some(*region),
        _ => None,
    });
    let only = target.relations.iter().all(|relation| !locate::reads_text(relation.other()));
    let region = regions.reduce(|a, b| a.intersection(&b).unwrap_or(a))?;
    only.then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(relations: Vec<Relation>) -> Target {
        let mut target = Target::parse("text:a").unwrap();
        target.relations = relations;
        target
    }

    #[test]
    fn only_the_region_is_read_when_nothing_else_needs_reading() {
        let region = Rect::new(1, 2, 3, 4);
        let inside = Relation::Inside(Target::new(target::Find::Region(region)));
        assert_eq!(readable(&text(vec![inside.clone()])), Some(region));
        assert_eq!(readable(&text(vec![])), None);
        let beside = Relation::RightOf(Target::parse("text:b").unwrap());
        assert_eq!(readable(&text(vec![inside, beside])), None);
    }
}
