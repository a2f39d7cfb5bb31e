//! What a run may do: manifest ∩ policy. Decided once, then asked for every call.
//!
//! [`Approved`] is made here and nowhere else, so that a call that was not asked about cannot be
//! carried out by code that takes an `Approved<Call>`.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_protocol::desktop::Script;
use karakuri_protocol::egress::Destination;
use karakuri_protocol::job::Driver;
use karakuri_protocol::script::{Call, CallError, ErrorKind};
use karakuri_protocol::target::Target;
use karakuri_protocol::untrusted::Untrusted;
use serde::Serialize;

use crate::disclosure::{Shows, shows};
use crate::limits::{DEFAULTS, Limits};
use crate::manifest::{FilesAccess, Manifest, Output};
use crate::needs::{Needs, Permission, Reach, looks, needs, targets_mut};
use crate::policy::{Policy, Watching};
use crate::position::nearest;
pub use crate::resolve::ResolveError;
use crate::resolve::Resolver;

mod values;

/// The version that a manifest's `agent` range is compared with.
pub const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What one run may do. Its serialised form is what is recorded when the run is decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grant {
    workflow: String,
    version: semver::Version,
    policy: String,
    driver: Driver,
    apps: BTreeSet<String>,
    nested_sandbox: BTreeSet<String>,
    screen: bool,
    input: bool,
    clipboard: bool,
    disclose_screen: bool,
    files: FilesAccess,
    network: BTreeSet<Destination>,
    limits: Limits,
    language: Script,
    recording: bool,
    watching: Watching,
    inputs: BTreeSet<String>,
    outputs: BTreeMap<String, Output>,
    targets: BTreeMap<String, Target>,
}

/// Why a run is refused before it starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The manifest's `agent` range leaves this version out.
    #[error(
        "agent = {range:?}: the workflow does not work with this version of Karakuri, {AGENT_VERSION}"
    )]
    Agent {
        /// The manifest's range.
        range: String,
    },
    /// An app the policy does not list.
    #[error("rule policy.apps: policy {policy:?} does not permit {app:?}")]
    App {
        /// The policy.
        policy: String,
        /// The app.
        app: String,
    },
    /// An app that the policy does not permit a sandbox of its own.
    #[error(
        "rule policy.nested_sandbox: policy {policy:?} does not permit {app:?} a sandbox of its own"
    )]
    NestedSandbox {
        /// The policy.
        policy: String,
        /// The app.
        app: String,
    },
    /// The policy does not permit the clipboard.
    #[error("rule policy.clipboard: policy {policy:?} does not permit the clipboard")]
    Clipboard {
        /// The policy.
        policy: String,
    },
    /// The policy does not permit what is on the screen to be handed to a client.
    #[error(
        "rule policy.disclose_screen: policy {policy:?} does not permit the screen to be handed to a \
         client"
    )]
    DiscloseScreen {
        /// The policy.
        policy: String,
    },
    /// The policy permits less of `/files`.
    #[error("rule policy.files: policy {policy:?} does not permit {asked:?} access to /files")]
    Files {
        /// The policy.
        policy: String,
        /// What the manifest asks for.
        asked: FilesAccess,
    },
    /// A destination the policy does not list.
    #[error("rule policy.network: policy {policy:?} does not permit connections to {destination}")]
    Network {
        /// The policy.
        policy: String,
        /// Where to.
        destination: String,
    },
    /// A limit above the policy's ceiling.
    #[error(
        "rule policy.ceilings.{key}: the workflow asks for {asked}, policy {policy:?} permits {ceiling}"
    )]
    Ceiling {
        /// The policy.
        policy: String,
        /// The limit.
        key: &'static str,
        /// What the manifest asks for.
        asked: u32,
        /// What the policy permits.
        ceiling: u32,
    },
    /// The manifest asks for secrets.
    #[error("rule secrets: this version has no secret store; leave permissions.secrets empty")]
    Secrets,
    /// A target of `[targets]` that cannot be resolved.
    #[error("rule targets.{name}: {source}")]
    Target {
        /// The name.
        name: String,
        /// Why.
        source: ResolveError,
    },
}

impl Refusal {
    /// The key of the manifest that asks for what is refused.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Agent { .. } => "agent",
            Self::App { .. } => "apps",
            Self::NestedSandbox { .. } => "nested_sandbox",
            Self::Clipboard { .. } => "clipboard",
            Self::DiscloseScreen { .. } => "disclose_screen",
            Self::Files { .. } => "files",
            Self::Network { .. } => "network",
            Self::Ceiling { key, .. } => key,
            Self::Secrets => "secrets",
            Self::Target { name, .. } => name,
        }
    }
}

/// A thing that the grant allows. It can be passed on, but made only by [`Grant::allows`]:
///
/// ```
/// use karakuri_workflow::grant::Approved;
/// fn passed_on(approved: Approved<u8>, _: u8) -> Approved<u8> {
///     approved
/// }
/// ```
/// ```compile_fail,E0423
/// use karakuri_workflow::grant::Approved;
/// fn forged(_: Approved<u8>, call: u8) -> Approved<u8> {
///     Approved(call)
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    /// The thing.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The thing, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// Why a call is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method}: {message}")]
pub struct Denied {
    /// The method.
    pub method: &'static str,
    /// `Denied` where a permission is missing; `Unsupported`, `InvalidParams`, `NotApproved`.
    pub kind: ErrorKind,
    /// The permission that would allow it.
    pub permission: Option<Permission>,
    /// What is missing, and where to write it.
    pub message: String,
}

impl From<Denied> for CallError {
    fn from(denied: Denied) -> Self {
        Self::new(denied.kind, denied.to_string())
    }
}

impl Grant {
    /// What `manifest` gets under `policy`. A limit the manifest does not name has its default, or
    /// the policy's ceiling where that is lower.
    ///
    /// # Errors
    /// The first rule that refuses.
    pub fn decide(manifest: &Manifest, policy: &Policy) -> Result<Self, Refusal> {
        check_agent(manifest)?;
        check_permissions(manifest, policy)?;
        check_targets(manifest)?;
        let asked = &manifest.permissions;
        Ok(Self {
            workflow: manifest.name.clone(),
            version: manifest.version.clone(),
            policy: policy.name.clone(),
            driver: Driver::Bundle,
            apps: asked.apps.clone(),
            nested_sandbox: asked.nested_sandbox.clone(),
            screen: asked.screen,
            input: asked.input,
            clipboard: asked.clipboard,
            disclose_screen: asked.disclose_screen,
            files: asked.files,
            network: asked.network.clone(),
            limits: decide_limits(manifest, policy)?,
            language: manifest.language,
            recording: policy.recording.decide(manifest.recording),
            watching: policy.watching,
            inputs: manifest.inputs.keys().cloned().collect(),
            outputs: manifest.outputs.clone(),
            targets: manifest.targets.clone(),
        })
    }

    /// The same for a run that `driver` drives.
    #[must_use]
    pub fn driven_by(self, driver: Driver) -> Self {
        Self { driver, ..self }
    }

    /// Who is the script.
    #[must_use]
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// Whether the script is a client that may be handed what is on the screen.
    #[must_use]
    pub fn discloses_screen(&self) -> bool {
        self.driver == Driver::Client && self.disclose_screen
    }

    /// Whether the script is a client that may not.
    #[must_use]
    pub fn withholds_screen(&self) -> bool {
        self.driver == Driver::Client && !self.disclose_screen
    }

    /// The resources of the run.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the script itself may do in `/files`.
    #[must_use]
    pub fn files(&self) -> FilesAccess {
        self.files
    }

    /// Where the applications may connect to.
    #[must_use]
    pub fn network(&self) -> &BTreeSet<Destination> {
        &self.network
    }

    /// The programs in `/usr/bin` that may be launched.
    #[must_use]
    pub fn apps(&self) -> &BTreeSet<String> {
        &self.apps
    }

    /// Those of them that bring a sandbox of their own.
    #[must_use]
    pub fn nested_sandbox(&self) -> &BTreeSet<String> {
        &self.nested_sandbox
    }

    /// How the screen is read when a call does not say.
    #[must_use]
    pub fn language(&self) -> Script {
        self.language
    }

    /// Whether the screen is recorded.
    #[must_use]
    pub fn recording(&self) -> bool {
        self.recording
    }

    /// What the person who asks for the run may do in its window.
    #[must_use]
    pub fn watching(&self) -> Watching {
        self.watching
    }

    /// The declared outputs; a value is checked by [`Grant::allows`].
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, Output> {
        &self.outputs
    }

    /// Whether `call` may be carried out. In the approved call the names of `[targets]` are
    /// replaced by what they stand for.
    ///
    /// # Errors
    /// What is missing, and which permission would allow it.
    pub fn allows(&self, call: &Call) -> Result<Approved<Call>, Denied> {
        let row = needs(call);
        if row.reach == Reach::NotOffered {
            return Err(row.deny(ErrorKind::Unsupported, "is not offered in this version"));
        }
        for permission in row.permissions {
            self.check(&row, *permission)?;
        }
        let mut call = call.clone();
        for target in targets_mut(&mut call) {
            *target = self.resolve(target).map_err(|e| row.deny_target(&e))?;
            if looks(target) {
                self.check(&row, Permission::Screen)?;
            }
        }
        if self.withholds_screen() && shows(&call) == Shows::Content {
            self.check(&row, Permission::DiscloseScreen)?;
        }
        values::check(self, &row, &call)?;
        Ok(Approved(call))
    }

    /// `target` with the names of `[targets]` replaced by what they stand for.
    ///
    /// # Errors
    /// An unknown name, or names that lead to each other.
    pub fn resolve(&self, target: &Target) -> Result<Target, ResolveError> {
        Resolver::new(&self.targets).resolve(target, 0)
    }

    fn check(&self, row: &Needs, permission: Permission) -> Result<(), Denied> {
        let granted = match permission {
            Permission::Screen => self.screen,
            Permission::Input => self.input,
            Permission::Clipboard => self.clipboard,
            Permission::Apps => !self.apps.is_empty(),
            Permission::DiscloseScreen => self.disclose_screen,
        };
        if granted {
            return Ok(());
        }
        let message = format!("needs {} in workflow.toml", permission.key());
        Err(Denied { permission: Some(permission), ..row.deny(ErrorKind::Denied, message) })
    }
}

impl Needs {
    fn deny(&self, kind: ErrorKind, message: impl Into<String>) -> Denied {
        Denied { method: self.method, kind, permission: None, message: message.into() }
    }

    fn deny_target(&self, error: &ResolveError) -> Denied {
        self.deny(ErrorKind::InvalidParams, error.to_string())
    }

    /// For a name that the manifest does not declare in `table`.
    fn deny_name<'a>(
        &self,
        table: &str,
        name: &str,
        known: impl Iterator<Item = &'a String>,
    ) -> Denied {
        let shown = Untrusted::new(name).escaped(64);
        let meant = nearest(name, known.map(String::as_str))
            .map_or(String::new(), |n| format!("; did you mean {n:?}?"));
        let message = format!("{table} in workflow.toml does not list {shown:?}{meant}");
        self.deny(ErrorKind::Denied, message)
    }
}

fn check_agent(manifest: &Manifest) -> Result<(), Refusal> {
    let range = manifest.agent.to_string();
    match semver::Version::parse(AGENT_VERSION) {
        Ok(version) if manifest.agent.matches(&version) => Ok(()),
        _ => Err(Refusal::Agent { range }),
    }
}

fn check_permissions(manifest: &Manifest, policy: &Policy) -> Result<(), Refusal> {
    let asked = &manifest.permissions;
    let name = || policy.name.clone();
    if let Some(app) = policy.apps.refused(&asked.apps) {
        return Err(Refusal::App { policy: name(), app: app.clone() });
    }
    if let Some(app) = policy.nested_sandbox.refused(&asked.nested_sandbox) {
        return Err(Refusal::NestedSandbox { policy: name(), app: app.clone() });
    }
    if asked.clipboard && !policy.clipboard {
        return Err(Refusal::Clipboard { policy: name() });
    }
    if asked.disclose_screen && !policy.disclose_screen {
        return Err(Refusal::DiscloseScreen { policy: name() });
    }
    if asked.files > policy.files {
        return Err(Refusal::Files { policy: name(), asked: asked.files });
    }
    if let Some(destination) = policy.network.refused(&asked.network) {
        return Err(Refusal::Network { policy: name(), destination: destination.to_string() });
    }
    if !asked.secrets.is_empty() {
        return Err(Refusal::Secrets);
    }
    Ok(())
}

/// A defined target that cannot be resolved is refused now and not in the middle of the run.
fn check_targets(manifest: &Manifest) -> Result<(), Refusal> {
    for (name, target) in &manifest.targets {
        Resolver::new(&manifest.targets)
            .resolve(target, 0)
            .map_err(|source| Refusal::Target { name: name.clone(), source })?;
    }
    Ok(())
}

fn decide_limits(manifest: &Manifest, policy: &Policy) -> Result<Limits, Refusal> {
    manifest.limits.clone().try_map(|key, asked| {
        let ceiling = policy.ceilings.get(key).copied().unwrap_or_default();
        match asked {
            None => Ok(DEFAULTS.get(key).copied().unwrap_or_default().min(ceiling)),
            Some(asked) if asked <= ceiling => Ok(asked),
            Some(asked) => {
                Err(Refusal::Ceiling { policy: policy.name.clone(), key, asked, ceiling })
            }
        }
    })
}

#[cfg(test)]
mod tests;
