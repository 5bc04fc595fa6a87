//! Files: safe output, and sources that are read in place.
