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
//!
//! # How tokens are treated
//!
//! - A module is loaded once per process, and one that the host initialized is
//!   adopted. Its calls are made on a thread of its own, one after the other;
//!   side by side only by choice ([`Module::allow_parallel_calls`]). To go to that
//!   thread and back takes two switches of threads, which is nothing beside a card
//!   and much beside an HSM's curve: [`Module::with_calls_on_callers_thread`].
//! - A call that hangs is left after a time limit ([`Module::with_time_limit`]) or
//!   when it is called off ([`Module::with_cancellation`]).
//! - A PIN is tried once ([`Login`]). The flags are read before, and a final try is
//!   refused unless it is allowed.
//! - One login serves a batch. A token that was pulled is found again by serial
//!   number and label, waited for if wanted ([`Login::wait_for_token`]), and
//!   logged in to once more if somebody can be asked. When that fails too, the
//!   login is over, and nobody is asked for each further document.
//! - The caller's algorithm is what is signed with, by hash on token or over a
//!   digest, as the token can.
//! - With the feature `tracing`, calls are spans and events of the target
//!   `kyso::token`: operation, mechanism, duration, outcome.
//!
//! # A key and its certificate
//!
//! ```no_run
//! # fn f(pin: kyso::secret::Pin) -> Result<(), kyso::Error> {
//! use kyso::crypto::KeySpec;
//! use kyso::crypto::SignatureAlgorithm;
//! use kyso::error::Misuse;
//! use kyso::key::pkcs11::Module;
//! use kyso::key::pkcs11::NewKey;
//! use kyso::x509::Name;
//! use kyso::x509::UnsignedRequest;
//!
//! let session = Module::load("/usr/lib/libbit4xpki.so")?.login("office token", pin)?;
//! let key = session.generate_key(&NewKey::new(KeySpec::Rsa3072, "signing"))?;
//! let algorithm = SignatureAlgorithm::default_for(key.public_key()).ok_or(Misuse::new("no such key"))?;
//! let subject = Name::parse("CN=Nguyễn Văn A,O=Sở Tài chính,C=VN")?;
//! let request = UnsignedRequest::new(subject, key.public_key().clone(), algorithm);
//! println!("{}", session.sign_request("signing", &request)?.to_pem());
//! // When the CA has answered: session.import_certificate(&certificate, None)?
//! # Ok(()) }
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
