//! Signing, in one phase or in two.
