//! `[sim]`.

use crate::manifest::decode::{Int, Natural, keywords, plain_schema, section};
use crate::manifest::formats::PlainText;
use crate::manifest::model::SimTime;
use crate::manifest::span::At;

section! {
    /// How the simulator behaves when the manifest is rehearsed with --sim. The real world
    /// takes no notice of it. Every program runs for ever there, unless its image's name contains
    /// "does-not-exist", "crash", "crash-until-SERVICE", "unhealthy", "one-shot" or "slow-pull",
    /// or its command is one that ends: true, false, sleep N, or sh -c with these and exit N.
    pub struct Sim = "[sim]" {
        /// Decides every id, duration and address: the same seed, the same run. Default: 0.
        optional seed: Natural,
        /// How time runs: "instant", "fast" (the default: the example cluster is up in a few
        /// seconds) or "real" (as long as EC2 would take).
        optional time: SimTime,
        /// Calls that fail, as a list of tables.
        optional faults: Vec<At<Fault>>,
    }
    elsewhere {
        "fault" => "did you mean `faults`?",
        "speed" => "did you mean `time`?",
    }
}

section! {
    /// One fault: which call, and how it fails.
    pub struct Fault = "a fault" {
        /// The call, for example "run_instance"; "*" is any call that changes something.
        required call: PlainText,
        /// The first call of that name to fail, counted from 1. Default: 1.
        optional nth: Int<1, { u32::MAX as u64 }>,
        /// How many calls in a row fail. Default: 1.
        optional times: Int<1, { u32::MAX as u64 }>,
        /// The code that the call fails with, for example "InsufficientInstanceCapacity"; it
        /// changes nothing.
        optional error: PlainText,
        /// The call times out, "before-effect" (it changed nothing) or "after-effect" (it did
        /// its work, but nobody heard).
        optional timeout: Timeout,
    }
}

/// When a call times out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// It changed nothing.
    BeforeEffect,
    /// It did its work.
    AfterEffect,
}

keywords!(Timeout, "\"before-effect\" or \"after-effect\"", {
    "before-effect" => Timeout::BeforeEffect,
    "after-effect" => Timeout::AfterEffect,
});
keywords!(SimTime, "\"instant\", \"fast\" or \"real\"", {
    "instant" => SimTime::Instant,
    "fast" => SimTime::Fast,
    "real" => SimTime::Real,
});
plain_schema! {
    Timeout => "Timeout" { "enum": ["before-effect", "after-effect"] },
    SimTime => "SimTime" { "enum": ["instant", "fast", "real"] },
}
