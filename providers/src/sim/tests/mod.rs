//! The model as a whole: what a cluster on it does when things happen to it.

mod clocks;
mod failover;
mod faulty;
mod large;
mod order;
mod outside;
mod persistence;
mod replay;
mod rollouts;
mod scenario;
mod strict;
