//! National and sector rules as data.
