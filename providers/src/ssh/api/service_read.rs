//! The Engine API's JSON → `Service`: the spec by the table of its keys, and what is around it.

use serde_json::Value;
use subako_world::service::Ids;
use subako_world::{Result, Service, ServiceSpec, UpdateStatus};

use super::read::{text, unexpected, word};

/// What the engine's update status says, if it has one.
fn has_update(service: &Value) -> bool {
    !text(service, "/UpdateStatus/State").is_empty()
}

/// Reads a service. `None` for those that no manifest can describe: jobs, and plugins run as
/// services.
pub(super) fn read_service(doing: &str, service: &Value, ids: &Ids) -> Result<Option<Service>> {
    let spec = service.get("Spec").unwrap_or(&Value::Null);
    let Some(spec) = ServiceSpec::from_engine(spec, ids).map_err(|wanted| unexpected(doing, &wanted))? else {
        return Ok(None);
    };
    let id = text(service, "/ID");
    if id.is_empty() || spec.name.is_empty() {
        return Err(unexpected(doing, "a service with an ID and a name"));
    }
    let update = if has_update(service) {
        Some(UpdateStatus {
            state: word(doing, service, "/UpdateStatus/State")?,
            message: text(service, "/UpdateStatus/Message").to_owned(),
        })
    } else {
        None
    };
    Ok(Some(Service {
        id: id.to_owned(),
        spec,
        update,
    }))
}
