//! The `kyso` command: a thin face over the public API.

fn main() {}
