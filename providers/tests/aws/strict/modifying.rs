//! A volume has its new size some time after it was asked for, and takes no other change meanwhile.
//!
//! Source: EBS user guide, "Monitor the progress of Amazon EBS volume modifications" (`modifying`, then
//! `optimizing`, in which the new size is in effect); EC2 API reference, ModifyVolume
//! (`IncorrectModificationState`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Answer, Behaviour, Call, Node};

/// The sizes that were seen, and since when a volume is being modified, from which size.
pub struct Modifying {
    takes: Duration,
    sizes: BTreeMap<String, String>,
    since: BTreeMap<String, (Instant, String)>,
}

impl Modifying {
    pub fn new(takes: Duration) -> Self {
        Self {
            takes,
            sizes: BTreeMap::new(),
            since: BTreeMap::new(),
        }
    }

    /// The size that a volume has until its modification is in effect.
    fn before(&self, volume: &str) -> Option<&str> {
        let (since, size) = self.since.get(volume)?;
        (since.elapsed() < self.takes).then_some(size)
    }
}

impl Behaviour for Modifying {
    fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        let volume = call
            .get("VolumeId")
            .filter(|_| call.action == "ModifyVolume" && !call.is_dry())?;
        self.before(volume)?;
        let message = format!("{volume} is being modified");
        Answer::refusal(400, "IncorrectModificationState", message)
    }

    fn answer(&mut self, call: &Call, answer: &mut Node) {
        if call.action == "ModifyVolume" {
            let volume = call.get("VolumeId").unwrap_or_default().to_owned();
            if let Some(size) = self.sizes.get(&volume) {
                self.since.insert(volume, (Instant::now(), size.clone()));
            }
        }
        if call.action == "DescribeVolumes" {
            for volume in answer.list_mut("volumeSet").into_iter().flatten() {
                let id = volume.text(&["volumeId"]).to_owned();
                if let Some(size) = self.before(&id).map(str::to_owned) {
                    volume.set("size", &size);
                }
                self.sizes.insert(id, volume.text(&["size"]).to_owned());
            }
        }
    }
}
