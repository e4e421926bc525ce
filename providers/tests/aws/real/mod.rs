//! The adapter against an EC2 that is as strict as the real one: a test for each thing that the
//! real one does and an API that only looks like it does not.

mod images;
mod launch;
mod network;
mod refusals;
mod tags;
