//! Steps that wait for each other.

use subako_state::Address;

use super::step::Action;
use crate::kind::Claim;

/// Steps that wait for each other: each circle apart.
#[derive(Debug)]
pub(super) struct Circular(pub Vec<Circle>);

/// Steps each of which waits for all the others.
#[derive(Debug)]
pub(super) struct Circle {
    /// The steps.
    pub steps: Vec<(Action, Address)>,
    /// What they take from each other.
    pub claims: Vec<Taken>,
}

/// What one resource takes from another.
#[derive(Debug)]
pub(super) struct Taken {
    /// Who releases it.
    pub from: Address,
    /// Who takes it.
    pub to: Address,
    /// What is taken.
    pub claim: Claim,
}
