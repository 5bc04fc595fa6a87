//! Many prepared signatures, one authorisation of a remote signer.

use std::fmt;

use crate::error::Error;
use crate::error::Misuse;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::key::SignatureValue;
use crate::key::remote::RemoteSigner;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;

/// Prepared signatures on their way through a remote signer; a [`Job`] whose
/// output are the signed documents, in the order of the prepared ones.
///
/// All or none: a value that does not verify over its own document under the
/// certificate ends the batch before anything is embedded. For time-stamps on
/// the signatures take the values alone ([`RemoteSigner::sign`]) and hand each to
/// [`Prepared::complete_timestamped`].
pub struct RemoteBatch<D: Document, J> {
    prepared: Vec<Prepared<D>>,
    signing: J,
}

impl<D: Document, J: Job<Output = Vec<SignatureValue>>> RemoteBatch<D, J> {
    /// Asks `signer` for all of them at once.
    ///
    /// # Errors
    /// [`Error::Misuse`] where one was prepared for another certificate; what [`RemoteSigner::sign`] says.
    pub fn new(prepared: Vec<Prepared<D>>, signer: impl RemoteSigner<Signing = J>) -> Result<Self, Error> {
        let certificate = signer.identity().certificate();
        if let Some(other) = prepared.iter().position(|p| p.certificate() != certificate) {
            let message = format!("document {} was prepared for another certificate than the signer's", other + 1);
            return Err(Misuse::new(message).into());
        }
        let signing = signer.sign(prepared.iter().map(|p| p.to_be_signed().clone()).collect())?;
        Ok(Self { prepared, signing })
    }
}

impl<D: Document, J: Job<Output = Vec<SignatureValue>>> Job for RemoteBatch<D, J> {
    type Output = Vec<D::Signed>;

    fn requests(&self) -> Vec<Request> {
        self.signing.requests()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        self.signing.answer(request, response);
    }

    fn finish(self) -> Result<Vec<D::Signed>, Error> {
        let values = self.signing.finish()?;
        if values.len() != self.prepared.len() {
            let message = format!("{} signature values for {} documents", values.len(), self.prepared.len());
            return Err(Misuse::new(message).into());
        }
        self.prepared.into_iter().zip(&values).map(|(prepared, value)| prepared.complete(value)).collect()
    }
}

impl<D: Document, J> fmt::Debug for RemoteBatch<D, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteBatch").field("documents", &self.prepared.len()).finish_non_exhaustive()
    }
}
