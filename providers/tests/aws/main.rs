//! The adapter against an EC2 API that nobody here wrote: moto, with a proxy before it that
//! breaks calls. `tests/run` starts moto and sets `SUBAKO_MOTO` to its URL; without it these
//! tests are skipped (and fail where `CI` is set).

mod conformance;
mod counts;
mod credentials;
mod faults;
mod findings;
mod lifecycle;
#[allow(dead_code, reason = "the binary's tests use the rest")]
mod proxy;
mod reading;
mod real;
#[allow(dead_code, unused_imports, reason = "the binary's tests use the rest")]
mod strict;
mod support;
