//! Who does the arithmetic.

use std::sync::OnceLock;

use clap::ValueEnum;

use kyso::crypto::Backend;

/// The implementations to choose from.
#[derive(Clone, Copy, Debug, Default, ValueEnum, PartialEq, Eq)]
pub(crate) enum BackendName {
    /// aws-lc-rs, and RustCrypto for what it lacks.
    #[default]
    AwsLcRs,
    /// RustCrypto alone.
    RustCrypto,
}

/// The choice, made once for the process.
static CHOSEN: OnceLock<BackendName> = OnceLock::new();

/// Takes the choice of this process.
pub(crate) fn choose(name: BackendName) {
    let _ = CHOSEN.set(name);
}

/// The backend of this process.
pub(crate) fn backend() -> Backend {
    match CHOSEN.get().copied().unwrap_or_default() {
        BackendName::AwsLcRs => Backend::aws_lc_rs(),
        BackendName::RustCrypto => Backend::rust_crypto(),
    }
}
