//! Reads what blobs say of a run: its plan, and what its tasks generated.

use crate::dispatcher::Fatal;
use engine::machine::Machine;
use engine::rows::{ArtifactRef, Reused, RunHead, Snapshot};
use model::digest::Digest;
use model::ids::RunId;
use model::limits::PLAN_BYTES;
use model::plan::{Fragment, PLAN_VERSION, Plan};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use store::{BlobError, BlobStore, Store, StoreError};

/// The plan of a run as it was created.
///
/// # Errors
/// When its blob is gone, or was written by a program whose plans this one does not know.
pub fn plan(blobs: &dyn BlobStore, head: &RunHead) -> Result<Plan, Fatal> {
    let plan: Plan = json(blobs, head.id, &head.plan)?;
    if plan.version != PLAN_VERSION {
        let why = format!(
            "its plan has version {}, this program knows {PLAN_VERSION}",
            plan.version
        );
        return Err(damaged(head.id, why));
    }
    Ok(plan)
}

/// What the tasks of a run generated, in order.
///
/// # Errors
/// As [`plan`].
pub fn fragments(blobs: &dyn BlobStore, snapshot: &Snapshot) -> Result<Vec<Fragment>, Fatal> {
    let fragments = snapshot.fragments.iter();
    fragments
        .map(|fragment| json(blobs, snapshot.head.id, &fragment.digest))
        .collect()
}

/// The machine of a run.
///
/// # Errors
/// When there is no such run, its blobs are gone, or its rows do not fit each other.
pub fn machine(store: &dyn Store, blobs: &dyn BlobStore, run: RunId) -> Result<Machine, Fatal> {
    let Some(snapshot) = store.run_load(run)? else {
        return Err(StoreError::NoRun(run).into());
    };
    let plan = plan(blobs, &snapshot.head)?;
    let fragments = fragments(blobs, &snapshot)?;
    Machine::rebuild(plan, fragments, snapshot).map_err(|source| Fatal::Corrupt { run, source })
}

/// The first artifact of results that are to be taken over whose files are gone, with the key of its task.
///
/// # Errors
/// When the blobs cannot be looked at.
pub fn missing_artifact<'r>(
    blobs: &dyn BlobStore,
    reused: &'r BTreeMap<String, Reused>,
) -> Result<Option<(&'r str, &'r ArtifactRef)>, BlobError> {
    for (key, result) in reused {
        for artifact in &result.artifacts {
            if blobs.size_bytes(&artifact.digest)?.is_none() {
                return Ok(Some((key, artifact)));
            }
        }
    }
    Ok(None)
}

fn json<T: DeserializeOwned>(
    blobs: &dyn BlobStore,
    run: RunId,
    digest: &Digest,
) -> Result<T, Fatal> {
    let bytes = blobs.read(digest, PLAN_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(run, error.to_string()))
}

pub(crate) fn damaged(run: RunId, why: String) -> Fatal {
    Fatal::Damaged { run, why }
}
