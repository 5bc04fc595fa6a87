//! Counter-signatures and parallel signatures: further signers of a CMS that is there.

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::limits::Limits;
use crate::sign::cades::SignedCms;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;
use crate::sign::prepared::sealed::Target;
use crate::sign::signer::Choice;
use crate::sign::signer::Signer;
use crate::sign::signer::algorithm_choices;
use crate::sign::state::StateFormat;
use crate::sign::timestamping::TimestampSettings;
use crate::sign::timestamping::Timestamping;
use crate::time::Time;

/// A counter-signature to be made: over the signature value of a signer of a
/// CMS (RFC 5652 §11.4), as an unsigned attribute of his.
///
/// It says that this signature was seen, and nothing of the content beyond that.
#[derive(Clone, Debug)]
pub struct CounterSignatureRequest<'s> {
    signed: &'s SignedData,
    index: usize,
    claimed: Time,
    choice: Choice,
}

impl<'s> CounterSignatureRequest<'s> {
    /// A counter-signature on the signer `index` of `signed`; `claimed` is the claimed signing time.
    #[must_use]
    pub fn new(signed: &'s SignedData, index: usize, claimed: Time) -> Self {
        Self { signed, index, claimed, choice: Choice::default() }
    }

    algorithm_choices!();

    /// Prepares it for a signer whose key is elsewhere.
    ///
    /// # Errors
    /// [`Error::Refused`] where certificate or algorithm forbid it; [`Error::Misuse`] where there is no such signer.
    pub fn prepare(&self, identity: &SignerIdentity) -> Result<Prepared<&'s SignedData>, Error> {
        self.prepare_with(identity, None)
    }

    /// Signs.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and what the key reports.
    pub fn sign(&self, key: &dyn SigningKey) -> Result<SignedCms, Error> {
        let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()))?;
        let value = prepared.sign(key)?;
        prepared.complete(&value)
    }

    /// Signs and gets a time-stamp on the value of the counter-signature.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_timestamped(
        &self,
        key: &dyn SigningKey,
        settings: TimestampSettings,
    ) -> Result<Timestamping<'static, &'s SignedData>, Error> {
        let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()))?;
        let value = prepared.sign(key)?;
        prepared.complete_timestamped(&value, settings)
    }

    fn prepare_with(
        &self,
        identity: &SignerIdentity,
        preferred: Option<SignatureAlgorithm>,
    ) -> Result<Prepared<&'s SignedData>, Error> {
        let mut signer = Signer::new(identity, preferred, self.choice, self.claimed)?;
        signer.signing_time = Some(self.claimed);
        let digest = self.signed.digest(&self.index, signer.digest_algorithm(), signer.backend)?;
        Ok(Prepared::new(self.signed, self.index, signer, digest))
    }
}

fn signer(signed: &SignedData, index: usize) -> Result<&SignerInfo, Error> {
    let count = signed.signers().len();
    signed.signers().get(index).ok_or_else(|| Misuse::new(format!("signer {index} of {count}")).into())
}

impl Document for &SignedData {}

impl Target for &SignedData {
    /// Which signer it is on.
    type Plan = usize;
    type Signed = SignedCms;

    const FORMAT: StateFormat = StateFormat::CounterSignature;

    fn digest(&self, index: &usize, algorithm: DigestAlgorithm, backend: Backend) -> Result<Digest, Error> {
        Ok(backend.digest(algorithm, signer(self, *index)?.signature()))
    }

    fn content(&self, _: &usize) -> Option<&[u8]> {
        None
    }

    fn room(_: &usize) -> Option<usize> {
        None
    }

    fn write_plan(index: &usize) -> Vec<u8> {
        encode::integer(*index as u64)
    }

    fn read_plan(&self, der: &[u8]) -> Result<usize, Error> {
        let mut reader = Reader::new(der, Format::State);
        let index = reader.expect(0x02, "signer")?.small(Format::State, "signer")?;
        reader.end("plan")?;
        usize::try_from(index).map_err(|_| reader.fault("signer", "a small number"))
    }

    fn finish(self, index: usize, cms: Vec<u8>) -> Result<SignedCms, Error> {
        let own = SignedData::from_octets(&cms, &Limits::default())?;
        let counter = signer(&own, 0)?;
        let signed = self.with_counter_signature(index, counter)?;
        Ok(SignedCms::from(&signed.with_validation_data(own.certificates(), &[], &[])?))
    }
}

/// Puts the signers of `new` beside those of `existing`: parallel signatures over one content.
///
/// `new` is made by a [`CadesRequest`](super::cades::CadesRequest) over the same content, detached
/// or not, in one phase or two, at any level; `existing` keeps its form and its signers their octets.
///
/// # Errors
/// [`Error::Refused`] where the two are not over one content, as far as their digests tell.
pub fn parallel(existing: &SignedData, new: &SignedCms, limits: &Limits) -> Result<SignedCms, Error> {
    let new = SignedData::from_octets(new.octets(), limits)?;
    let other = |what: &'static str| Error::from(Refused::new(RefusalReason::StateMismatch, what));
    if existing.content_type() != new.content_type() {
        return Err(other("the new signature is over content of another type"));
    }
    if let (Some(old), Some(new)) = (existing.content(), new.content())
        && old != new
    {
        return Err(other("the new signature is over other content"));
    }
    for added in new.signers() {
        let algorithm = added.digest_algorithm()?;
        let stated = added.message_digest()?;
        let differs = match existing.content() {
            Some(content) => stated.is_some_and(|stated| stated != algorithm.digest(content).octets()),
            None => existing.signers().iter().any(|old| {
                let same = old.digest_algorithm().is_ok_and(|old| old == algorithm);
                let old = old.message_digest().ok().flatten();
                same && old.is_some_and(|old| stated.is_some_and(|stated| stated != old))
            }),
        };
        if differs {
            return Err(other("the new signature is over other content"));
        }
    }
    let joined = existing.with_signers_of(&new)?;
    let joined = joined.with_validation_data(new.certificates(), new.crls(), new.ocsp_responses())?;
    Ok(SignedCms::from(&joined))
}
