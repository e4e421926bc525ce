//! Hosts that Subako cannot log in to, because there is no usable key.

use std::sync::Arc;

use super::failure::{Failure, Result};
use super::host::{Host, HostTarget, Hosts};
use super::progress::Progress;
use async_trait::async_trait;

/// Every login fails for the same reason. What needs none goes on: planning a new cluster, and
/// the instances alone.
pub struct NoHosts(pub Failure);

#[async_trait]
impl Hosts for NoHosts {
    async fn connect(&self, _target: &HostTarget, _progress: &Progress) -> Result<Arc<dyn Host>> {
        Err(self.0.clone())
    }

    async fn reach(&self, _target: &HostTarget) -> Result<Arc<dyn Host>> {
        Err(self.0.clone())
    }
}
