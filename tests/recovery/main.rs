//! Random DAGs of toy kinds, random failures, random cuts: the engine alone, on a toy world
//! that refuses every call made in the wrong order.

mod cases;
mod harness;
mod toy;
