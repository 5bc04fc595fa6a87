//! Validation: the procedures of EN 319 102-1, ending in a report.
