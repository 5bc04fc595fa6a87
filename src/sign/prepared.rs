//! The core of signing: prepared in one phase, completed in the other.

use std::fmt;

use crate::asn1::Oid;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::error::Error;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::key::SignatureValue;
use crate::key::SigningKey;
use crate::key::ToBeSigned;
use crate::sign::signer::Signer;
use crate::sign::state;
use crate::sign::state::StateFormat;
use crate::sign::timestamping::Again;
use crate::sign::timestamping::TimestampSettings;
use crate::sign::timestamping::Timestamping;
use crate::x509::Certificate;

/// A signature that lacks nothing but its value.
///
/// Between the phases it can be stored: [`to_bytes`](Self::to_bytes) and
/// [`resume`](Self::resume). It holds no secret.
pub struct Prepared<D: Document> {
    document: D,
    plan: D::Plan,
    signer: Signer,
    digest: Digest,
    to_be_signed: ToBeSigned,
}

/// What is signed: a PDF (`&Pdf`), which ends as a [`SignedPdf`](crate::sign::pades::SignedPdf), or
/// [`Content`](crate::sign::cades::Content), or the signature of another (`&SignedData`), which end as a
/// [`SignedCms`](crate::sign::cades::SignedCms).
///
/// Implemented by this crate alone.
pub trait Document: sealed::Target {}

pub(super) mod sealed {
    use crate::crypto::Backend;
    use crate::crypto::Digest;
    use crate::crypto::DigestAlgorithm;
    use crate::error::Error;
    use crate::sign::state::StateFormat;

    /// What a format adds to the core.
    pub trait Target: Sized {
        /// What was decided when the signature was prepared.
        type Plan;

        /// What comes out.
        type Signed;

        const FORMAT: StateFormat;

        /// Digests what is covered: all of the document, read anew.
        fn digest(&self, plan: &Self::Plan, algorithm: DigestAlgorithm, backend: Backend) -> Result<Digest, Error>;

        /// Content that the CMS is to hold itself.
        fn content(&self, plan: &Self::Plan) -> Option<&[u8]>;

        /// Octets that the CMS may have, where they are limited.
        fn room(plan: &Self::Plan) -> Option<usize>;

        /// DER, for the state.
        fn write_plan(plan: &Self::Plan) -> Vec<u8>;

        /// From what [`write_plan`](Self::write_plan) wrote.
        fn read_plan(&self, der: &[u8]) -> Result<Self::Plan, Error>;

        /// Puts the CMS in its place.
        fn finish(self, plan: Self::Plan, cms: Vec<u8>) -> Result<Self::Signed, Error>;
    }
}

impl<D: Document> Prepared<D> {
    pub(super) fn new(document: D, plan: D::Plan, mut signer: Signer, digest: Digest) -> Self {
        signer.counter = D::FORMAT == StateFormat::CounterSignature;
        let to_be_signed = ToBeSigned::new(signer.algorithm, signer.signed_attributes(&digest));
        Self { document, plan, signer, digest, to_be_signed }
    }

    /// What the key has to sign, and how: the DER signed attributes.
    #[must_use]
    pub const fn to_be_signed(&self) -> &ToBeSigned {
        &self.to_be_signed
    }

    /// The signer's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        self.signer.certificate()
    }

    /// The digest of the octets that the signature covers.
    #[must_use]
    pub const fn document_digest(&self) -> &Digest {
        &self.digest
    }

    /// Verifies the signature value with another backend than the default one.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.signer.backend = backend;
        self
    }

    /// The state to store between the phases; small, but for the appearance of a visible signature.
    ///
    /// The document is not in it and must be at hand again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        state::write(D::FORMAT, &self.signer, &self.digest, self.to_be_signed.octets(), &D::write_plan(&self.plan))
    }

    /// Takes up a stored state.
    ///
    /// Nothing in it is trusted: `document` is digested anew, the octets to be
    /// signed are made anew, and the signature value must verify over them.
    ///
    /// # Errors
    /// [`Error::Refused`] for another document than the one that was prepared;
    /// [`Error::Malformed`] for a state that was altered.
    pub fn resume(state: &[u8], document: D) -> Result<Self, Error> {
        let stored = state::read(state, D::FORMAT)?;
        let plan = document.read_plan(stored.plan)?;
        let digest = document.digest(&plan, stored.signer.digest_algorithm(), Backend::default())?;
        let mismatch = |detail: &'static str| Error::from(Refused::new(RefusalReason::StateMismatch, detail));
        if digest != stored.digest {
            return Err(mismatch("the document is not the one that was prepared for this signature"));
        }
        let prepared = Self::new(document, plan, stored.signer.clone(), digest);
        if !stored.fits(prepared.to_be_signed.octets()) {
            return Err(mismatch("the state was altered, or another version of this crate prepared it"));
        }
        Ok(prepared)
    }

    /// Puts the signature value in its place.
    ///
    /// # Errors
    /// [`Error::Refused`] where the value does not verify under the certificate
    /// over the octets to be signed; nothing is handed out then.
    pub fn complete(self, value: &SignatureValue) -> Result<D::Signed, Error> {
        self.verify(value)?;
        self.embed(value, &[])
    }

    /// As [`complete`](Self::complete), and gets a time-stamp on the signature
    /// value before the document is finished (level B-T).
    ///
    /// # Errors
    /// As [`complete`](Self::complete); [`Error::Misuse`] for a short nonce.
    pub fn complete_timestamped(
        self,
        value: &SignatureValue,
        settings: TimestampSettings,
    ) -> Result<Timestamping<'static, D>, Error> {
        self.timestamped(value, settings, None)
    }

    /// Signs once more with more room where `again` is given and the token needs it.
    pub(super) fn timestamped<'k>(
        self,
        value: &SignatureValue,
        settings: TimestampSettings,
        again: Option<Again<'k, D>>,
    ) -> Result<Timestamping<'k, D>, Error> {
        self.verify(value)?;
        Timestamping::new(self, value.clone(), settings, again)
    }

    pub(super) fn sign(&self, key: &dyn SigningKey) -> Result<SignatureValue, Error> {
        key.sign(&self.to_be_signed)
    }

    pub(super) const fn verifies_with(&self) -> Backend {
        self.signer.backend
    }

    /// By how many octets the CMS with these unsigned attributes exceeds its room.
    pub(super) fn lacking(&self, value: &SignatureValue, unsigned: &[(Oid, Vec<u8>)]) -> Option<usize> {
        let room = D::room(&self.plan)?;
        self.cms(value, unsigned).len().checked_sub(room).filter(|lacking| *lacking > 0)
    }

    fn cms(&self, value: &SignatureValue, unsigned: &[(Oid, Vec<u8>)]) -> Vec<u8> {
        let content = self.document.content(&self.plan);
        self.signer.assemble(self.to_be_signed.octets(), value.octets(), content, unsigned)
    }

    fn verify(&self, value: &SignatureValue) -> Result<(), Error> {
        self.signer.verify(self.to_be_signed.octets(), value)
    }

    pub(super) fn embed(self, value: &SignatureValue, unsigned: &[(Oid, Vec<u8>)]) -> Result<D::Signed, Error> {
        let cms = self.cms(value, unsigned);
        self.document.finish(self.plan, cms)
    }
}

impl<D: Document> fmt::Debug for Prepared<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("format", &D::FORMAT)
            .field("digest", &self.digest)
            .field("algorithm", &self.signer.algorithm)
            .finish_non_exhaustive()
    }
}
