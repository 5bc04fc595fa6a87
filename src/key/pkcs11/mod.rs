//! Tokens and HSMs through PKCS#11.
//!
//! ```no_run
//! # fn f(pin: kyso::secret::Pin) -> Result<(), kyso::Error> {
//! use kyso::key::pkcs11::Module;
//!
//! let module = Module::load("/usr/lib/softhsm/libsofthsm2.so")?;
//! for token in module.tokens()? {
//!     println!("{token}: {:?}", token.pin_tries());
//! }
//! let key = module.login("office token", pin)?.signing_key("signing")?;
//! # Ok(())
//! # }
//! ```

mod binary;
mod label;
mod life;
mod login;
mod mechanism;
mod module;
mod objects;
mod provision;
mod session;
mod signing;
mod single;
mod token;
mod trace;
mod uri;
mod worker;

pub use label::Label;
pub use login::{Login, PinRequest};
pub use module::{Module, TokenSlot};
pub use provision::{GeneratedKey, ImportedCertificate, NewKey};
pub use session::{ObjectKind, TokenObject, TokenSession};
pub use signing::TokenKey;
pub use token::{KeySelector, Token, TokenSelector};
pub use uri::TokenUri;
pub use worker::Cancellation;
