//! ZIP, as far as envelopes need it: archives with exactly one entry.
//!
//! A general reader would have to choose between the local headers and the
//! central directory where the two disagree, and two receivers would see two
//! files. Here both are read and must agree octet for octet.

mod write;
mod zip;

pub(crate) use write::LARGEST;
pub(crate) use write::each_window;
pub(crate) use write::write_single;
pub(crate) use zip::Directory;
pub(crate) use zip::Extraction;
pub(crate) use zip::LOCAL_HEADER;
pub(crate) use zip::has_end_record;
