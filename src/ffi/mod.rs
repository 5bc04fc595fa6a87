//! The C ABI over the public API.
