//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.
