//! Certificates of nodes: good for 90 days, renewed after 50 to 80 % of that while the node is there
//! (swarmkit, `ca`: `DefaultNodeCertExpiration`, and `calculateRandomExpiry`).

use super::swarm::NodeFacts;
use crate::sim::names::{Ms, span};

const DAY: Ms = 24 * 3_600_000;
/// How long a certificate is good.
const GOOD_FOR: Ms = 90 * DAY;
/// After how long it is renewed, at the least and at the most.
const RENEWED_AFTER: (Ms, Ms) = (45 * DAY, 72 * DAY);

impl NodeFacts {
    /// When the certificate was issued that a node has at `t`, if it was there all the time since it
    /// got the last one that is known.
    fn issued_by(&self, seed: u64, t: Ms) -> Ms {
        let mut issued = self.certified;
        loop {
            let renewal = &["renewal", &self.addr, &issued.to_string()];
            let next = issued + span(seed, RENEWED_AFTER.0, RENEWED_AFTER.1, renewal);
            if next > t {
                return issued;
            }
            issued = next;
        }
    }

    /// Its machine, lost since `lost_at`, comes up at `at`: with a certificate that has run out its
    /// node does not come back, and with one that is due it gets another.
    pub(super) fn comes_back(&mut self, seed: u64, lost_at: Ms, at: Ms) {
        let issued = self.issued_by(seed, lost_at.max(self.certified));
        if at > issued + GOOD_FOR {
            self.expired = true;
        } else {
            self.certified = issued;
            self.certified = self.issued_by(seed, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::model::staged_swarm::lost_node_at;

    /// Whatever the node: it is let in after 18 days, never after 90, and neither is certain between.
    #[test]
    fn a_node_is_sure_to_come_back_within_eighteen_days_and_never_after_ninety() {
        let mut back = [0_u32; 3];
        for number in 0..200_u64 {
            let away = [18 * DAY, 50 * DAY, 90 * DAY + 1];
            for (count, away) in back.iter_mut().zip(away) {
                let mut node = lost_node_at(&format!("10.0.{number}.1"));
                let lost_at = number * 7 * DAY;
                node.comes_back(3, lost_at, lost_at + away);
                *count += u32::from(!node.expired);
            }
        }
        assert_eq!((back[0], back[2]), (200, 0));
        assert!((1..200).contains(&back[1]), "{back:?}");
    }
}
