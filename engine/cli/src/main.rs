//! subako
fn main() {}
