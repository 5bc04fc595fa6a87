//! Time-stamps (RFC 3161, RFC 5816): request, response, token.
//!
//! Reading judges nothing: whether the authority is to be trusted, and whether
//! its certificate may make time-stamps, is for `validate`.

mod request;
mod response;
mod token;

pub use request::TimeStampRequest;
pub use response::TimeStampResponse;
pub use token::Accuracy;
pub use token::TimeStampToken;
