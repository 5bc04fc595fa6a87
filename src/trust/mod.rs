//! Trust anchors in named sets.
