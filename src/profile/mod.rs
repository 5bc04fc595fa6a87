//! National and sector rules as data.

pub mod treasury;
pub mod vietnam;
