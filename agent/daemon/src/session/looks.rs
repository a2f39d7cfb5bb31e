//! Calls that look: waiting, finding, reading, pictures.

use karakuri_protocol::desktop::Until;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::script::{Call, CallError, ErrorKind, ExpectAnyParams, ScreenshotParams};
use karakuri_protocol::target::{Find, Target};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::Class;
use karakuri_workflow::grant::Approved;
use serde_json::{Value, json};

use super::calls::Doing;
use super::{Fault, Session, acts};

impl Session<'_> {
    /// Carries out a call that looks.
    pub(super) async fn look(
        &mut self,
        call: &Approved<Call>,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        match call.get() {
            Call::WaitFor(p) | Call::Expect(p) => {
                to_value(&self.locate(&p.target, p.timeout_ms, doing).await?)
            }
            Call::Find(p) => to_value(&self.locate(&p.target, Some(0), doing).await?),
            Call::WaitGone(p) => self.wait_gone(&p.target, p.timeout_ms, doing).await,
            Call::WaitStill(p) => {
                let timeout = p.timeout_ms.unwrap_or(self.wait_ms);
                if !self.desktop.still(p.still_ms, p.region, timeout).await? {
                    let message = format!("the screen went on changing for {timeout} ms");
                    return Err(Fault::Call(CallError::new(ErrorKind::Timeout, message)));
                }
                Ok(json!({ "ms": p.still_ms }))
            }
            Call::Exists(p) => Ok(json!(!self.hits(&p.target).await?.is_empty())),
            Call::FindAll(p) => to_value(&self.hits(&p.target).await?),
            Call::ExpectAny(p) => self.expect_any(p, doing).await,
            Call::ReadText(p) => {
                let script = p.script.unwrap_or(self.language);
                let lines = self.desktop.read(p.region, script).await?;
                let text: Vec<&str> = lines.iter().map(|line| line.text.danger_raw()).collect();
                Ok(json!({ "text": text.join("\n"), "lines": lines }))
            }
            Call::Screenshot(p) => self.screenshot(p, doing).await,
            Call::GetClipboard(_) => Ok(acts::shown(&self.desktop.clipboard().await?)),
            _ => Err(Fault::Call(CallError::new(ErrorKind::Unsupported, "not a look"))),
        }
    }

    async fn hits(
        &mut self,
        target: &Target,
    ) -> Result<Vec<karakuri_protocol::desktop::Hit>, Fault> {
        Ok(self.desktop.look(target, Until::Present, 0, self.language).await?.hits)
    }

    async fn wait_gone(
        &mut self,
        target: &Target,
        timeout_ms: Option<u32>,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let timeout = timeout_ms.unwrap_or(self.wait_ms);
        let looked = self.desktop.look(target, Until::Gone, timeout, self.language).await?;
        if looked.hits.is_empty() {
            return Ok(json!({ "ms": looked.ms }));
        }
        doing.moment.hit = looked.hits.first().cloned();
        if let Some(picture) = looked.picture {
            self.keep_picture(picture, doing)?;
        }
        let message = format!("{} is still on the screen after {timeout} ms", self::target(target));
        Err(Fault::Call(CallError::new(ErrorKind::Timeout, message)))
    }

    /// Looks for all at once, so that the answer does not depend on which was asked first.
    async fn expect_any(
        &mut self,
        params: &ExpectAnyParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let timeout = params.timeout_ms.unwrap_or(self.wait_ms);
        let any = Target::new(Find::AnyOf(params.targets.values().cloned().collect()));
        let looked = self.desktop.look(&any, Until::Present, timeout, self.language).await?;
        if let Some(picture) = looked.picture {
            self.keep_picture(picture, doing)?;
        }
        for (name, target) in &params.targets {
            if let Some(hit) = self.hits(target).await?.into_iter().next() {
                doing.moment.hit = Some(hit);
                return Ok(json!(name));
            }
        }
        let names: Vec<&str> = params.targets.keys().map(String::as_str).collect();
        let message = format!("none of {} appeared within {timeout} ms", names.join(", "));
        let mut error = CallError::new(ErrorKind::NotFound, message);
        error.data.nearest = looked.nearest;
        Err(Fault::Call(error))
    }

    async fn screenshot(
        &mut self,
        params: &ScreenshotParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let webp = self.desktop.picture(params.region).await?;
        let sealed =
            self.record.seal(Class::Evidence, "screenshot", "image/webp", webp.as_slice())?;
        let artifact = sealed.artifact().id.clone();
        let picture = self.record.timeline.borrow_mut().picture(artifact.clone(), webp);
        doing.moment.picture = Some(picture);
        Ok(json!({ "artifact": artifact }))
    }
}

fn to_value(result: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(result)
        .map_err(|e| Fault::Run(crate::end::End::internal("answering the script", e)))
}

/// The targets of a call in words.
pub(super) fn targets(call: &Call) -> Untrusted {
    let words = match call {
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
    };
    Untrusted::new(words)
}

/// A target in words, escaped.
pub(super) fn target(target: &Target) -> String {
    match &target.find {
        Find::Text(p) => format!("text {:?}", p.value.escaped(80)),
        Find::Image(p) => format!("image {:?}", p.name.escaped(80)),
        Find::Role(p) => format!("role {:?}", Untrusted::new(p.role.as_str()).escaped(40)),
        Find::Point(p) => format!("point {},{}", p.x, p.y),
        Find::Region(r) => rect(*r),
        Find::Named(name) => format!("alias {:?}", Untrusted::new(name.as_str()).escaped(40)),
        Find::AnyOf(list) => list.iter().map(self::target).collect::<Vec<_>>().join(" or "),
        Find::AllOf(list) => list.iter().map(self::target).collect::<Vec<_>>().join(" and "),
        Find::Not(other) => format!("not {}", self::target(other)),
    }
}

/// A rectangle in words.
pub(super) fn rect(r: Rect) -> String {
    format!("region {},{} {}×{}", r.left, r.top, r.width, r.height)
}
