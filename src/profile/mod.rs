//! National and sector rules as data.

pub mod vietnam;
