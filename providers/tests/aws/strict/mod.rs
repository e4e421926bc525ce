//! A strict EC2: what the real one does and the API behind the proxy does not. One behaviour a
//! file, each with its source; any of them can be on without the others.

mod auto_tags;
mod call;
mod clock;
mod credits;
mod deprecated;
mod described;
mod elastic;
mod encrypted;
mod free_plan;
mod internet;
mod kms;
mod late_address;
mod leaving;
mod modifying;
mod newborn;
mod offerings;
mod opt_in;
mod pages;
mod protect;
mod retype;
mod subnets;
mod taken;
mod throttle;
mod tokens;
mod xml;
mod zone_out;

use std::time::Duration;

pub use auto_tags::{AutoTags, KEY as AUTO_TAG};
pub use call::{Answer, Call};
pub use clock::ClockOff;
pub use credits::Credits;
pub use deprecated::Deprecated;
pub use described::Described;
pub use elastic::Elastic;
pub use encrypted::Encrypted;
pub use free_plan::{ELIGIBLE, FreePlan};
pub use internet::Internet;
pub use kms::Kms;
pub use late_address::LateAddress;
pub use leaving::Leaving;
pub use modifying::Modifying;
pub use newborn::Newborn;
pub use offerings::Offerings;
pub use opt_in::RegionOff;
pub use pages::Pages;
pub use protect::Protects;
pub use retype::Retype;
pub use subnets::OddSubnets;
pub use taken::Taken;
pub use throttle::Throttle;
pub use tokens::Tokens;
pub use xml::Node;
pub use zone_out::ZoneOut;

/// What takes some seconds in EC2.
const SOME_SECONDS: Duration = Duration::from_secs(5);

/// Something that EC2 does.
pub trait Behaviour: Send {
    /// Before the call reaches the API: it may be changed, or answered.
    fn ask(&mut self, _: &mut Call) -> Option<Answer> {
        None
    }

    /// What the API answered to a call that it did not refuse.
    fn answer(&mut self, _: &Call, _: &mut Node) {}

    /// By how many seconds its clock is ahead of this machine's.
    fn ahead(&self) -> i64 {
        0
    }

    /// What others call right after it.
    fn then(&mut self, _: &Call, _: &Node) -> Vec<Call> {
        Vec::new()
    }
}

/// Behaviours, outermost first.
#[derive(Default)]
pub struct Strict(Vec<Box<dyn Behaviour>>);

impl Strict {
    /// One behaviour alone.
    pub fn only(behaviour: impl Behaviour + 'static) -> Self {
        Self::default().with(behaviour)
    }

    /// One more, nearer to the API than those before it.
    #[must_use]
    pub fn with(mut self, behaviour: impl Behaviour + 'static) -> Self {
        self.0.push(Box::new(behaviour));
        self
    }

    /// Whether nothing is added to what the API does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that a cluster can come up in at once. What takes some seconds in EC2 takes `lag`.
    pub fn all(lag: Duration) -> Self {
        Self::only(Throttle::faster(SOME_SECONDS.div_duration_f64(lag)))
            .with(Pages(2))
            .with(FreePlan)
            .with(Newborn::new(lag))
            .with(Tokens::default())
            .with(Taken::default())
            .with(Retype::default())
            .with(Described::default())
            .with(Protects)
            .with(Credits)
            .with(Modifying::new(lag))
            .with(Deprecated::once_used())
            .with(Encrypted)
            .with(OddSubnets)
            .with(Offerings::only('a', &["t3.small"]))
            .with(Internet)
            .with(Elastic::default())
            .with(LateAddress::new(lag))
            .with(Leaving::new(lag))
            .with(AutoTags)
    }

    /// By how many seconds its clock is ahead of this machine's.
    pub fn ahead(&self) -> i64 {
        self.0.iter().map(|behaviour| behaviour.ahead()).sum()
    }

    /// Before a call reaches the API.
    pub fn ask(&mut self, call: &mut Call) -> Option<Answer> {
        self.0.iter_mut().find_map(|behaviour| behaviour.ask(call))
    }

    /// Once the API has answered; what comes back is what others call then.
    pub fn answer(&mut self, call: &Call, answer: &mut Node) -> Vec<Call> {
        let mut then = Vec::new();
        for behaviour in self.0.iter_mut().rev() {
            behaviour.answer(call, answer);
            then.extend(behaviour.then(call, answer));
        }
        then
    }
}
