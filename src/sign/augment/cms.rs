//! The signers of a CMS on their way to a higher level: unsigned attributes, and the sets of the SignedData.

use std::fmt;

use super::Signatures;
use super::Stamp;
use super::authority;
use super::sealed::Carrier;
use super::stated_digest;
use crate::cms::ARCHIVE_TIME_STAMP_V3;
use crate::cms::HashIndex;
use crate::cms::SIGNATURE_TIME_STAMP;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::evidence::Subject;
use crate::limits::Limits;
use crate::revocation::Evidence;
use crate::sign::cades::SignedCms;
use crate::sign::signer::verification_fault;
use crate::source::Source;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;

/// The signers of a CMS signature, all of them.
pub struct CmsSignatures<'a> {
    cms: SignedData,
    content: Option<&'a dyn Source>,
    /// The signer and the index of an archive time-stamp that waits for its token.
    waiting: Option<(Stamp, Option<HashIndex>)>,
}

impl<'a> CmsSignatures<'a> {
    /// The signers of `cms`, in DER or BER.
    ///
    /// # Errors
    /// Malformed CMS; [`Error::Misuse`] where it has no signer.
    pub fn new(cms: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::of(SignedData::from_octets(cms, limits)?)
    }

    /// As [`new`](Self::new), of what was read already.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it has no signer.
    pub fn of(cms: SignedData) -> Result<Self, Error> {
        if cms.signers().is_empty() {
            return Err(Misuse::new("the CMS holds no signature").into());
        }
        Ok(Self { cms, content: None, waiting: None })
    }

    /// What a detached signature is over: needed for level B-LTA, whose time-stamp covers it.
    #[must_use]
    pub fn content(mut self, content: &'a dyn Source) -> Self {
        self.content = Some(content);
        self
    }

    fn signer(&self, index: usize) -> Result<&SignerInfo, Error> {
        let count = self.cms.signers().len();
        self.cms.signers().get(index).ok_or_else(|| Misuse::new(format!("signer {index} of {count}")).into())
    }

    /// The digest of the content, wherever that is.
    fn content_digest(&self, algorithm: DigestAlgorithm, backend: Backend) -> Result<Option<Digest>, Error> {
        if let Some(content) = self.cms.content() {
            return Ok(Some(backend.digest(algorithm, content)));
        }
        self.content.map(|content| backend.digest_source(algorithm, content)).transpose()
    }
}

/// The certificate of a signer, by what the signature binds, else by what it names.
pub(super) fn certificate<'c>(signer: &SignerInfo, all: &'c [Certificate]) -> Option<&'c Certificate> {
    let bound = signer.signing_certificate().ok().flatten();
    let named = bound.and_then(|ids| ids.first().and_then(|id| all.iter().find(|c| id.names(c))));
    named.or_else(|| all.iter().find(|c| signer.id().names(c)))
}

/// The signature time-stamps that are over the signature value.
pub(super) fn stamps(signer: &SignerInfo) -> impl Iterator<Item = TimeStampToken> {
    let tokens = signer.signature_time_stamps();
    let tokens = tokens.filter_map(|octets| TimeStampToken::from_octets(octets, &Limits::default()).ok());
    tokens.filter(|token| token.imprint().algorithm().digest(signer.signature()) == *token.imprint())
}

impl Signatures for CmsSignatures<'_> {}

impl Carrier for CmsSignatures<'_> {
    type Augmented = SignedCms;

    fn verify(&self, backend: Backend) -> Result<(), Error> {
        let mut digests: Vec<Digest> = Vec::new();
        for (index, signer) in self.cms.signers().iter().enumerate() {
            let Some(certificate) = certificate(signer, self.cms.certificates()) else {
                let field = format!("signer {}", index + 1);
                return Err(Malformed::new(Format::Cms, field, "the signer's certificate in the CMS").into());
            };
            let algorithm = signer.digest_algorithm()?;
            let known = digests.iter().find(|digest| digest.algorithm() == algorithm).copied();
            let digest = match known {
                Some(digest) => Some(digest),
                None => self.content_digest(algorithm, backend)?,
            };
            digests.extend(digest.filter(|_| known.is_none()));
            // Without the content, the signature value is verified over the digest that the signer stated.
            let digest = digest.or_else(|| stated_digest(signer.message_digest().ok().flatten(), algorithm));
            let Some(digest) = digest else {
                return Err(Misuse::new("the content is needed: the signature is over it alone").into());
            };
            let key = certificate.public_key();
            let verified = signer.verify(key, self.cms.content_type(), &digest, self.cms.content(), backend);
            if let Some(fault) = &verified.fault {
                let detail = format!(
                    "signer {} does not verify, so no level can be reached: {}",
                    index + 1,
                    verification_fault(fault)
                );
                return Err(Refused::new(RefusalReason::SignatureValue, detail).into());
            }
        }
        Ok(())
    }

    fn unstamped(&self) -> Result<Option<Stamp>, Error> {
        let bare = self.cms.signers().iter().position(|signer| stamps(signer).next().is_none());
        Ok(bare.map(Stamp::Signature))
    }

    fn archive_stamps(&self) -> Result<Vec<Stamp>, Error> {
        if self.cms.content().is_none() && self.content.is_none() {
            return Err(Misuse::new(
                "the content of the detached signature is needed: the archive time-stamp covers it",
            )
            .into());
        }
        Ok((0..self.cms.signers().len()).map(Stamp::Archive).collect())
    }

    fn subjects(&self, now: Time) -> Result<Vec<Subject>, Error> {
        let mut subjects = Vec::new();
        for (index, signer) in self.cms.signers().iter().enumerate() {
            let tokens = signer.archive_time_stamps();
            let mut tokens: Vec<TimeStampToken> =
                tokens.filter_map(|octets| TimeStampToken::from_octets(octets, &Limits::default()).ok()).collect();
            tokens.sort_by_key(|token| std::cmp::Reverse(token.time()));
            let mut at = now;
            let mut since = None;
            for token in &tokens {
                subjects.extend(authority(token, at));
                at = token.time();
                since = Some(at);
            }
            for token in stamps(signer) {
                subjects.extend(authority(&token, at));
                since = since.into_iter().chain([token.time()]).min();
            }
            let Some(own) = certificate(signer, self.cms.certificates()) else {
                let field = format!("signer {}", index + 1);
                return Err(Malformed::new(Format::Cms, field, "the signer's certificate in the CMS").into());
            };
            subjects.push(Subject::signer(own.clone(), at).existed(since));
            // Anybody can add one: what nobody knows of its signer must not hold up the others.
            for counter in signer.counter_signatures().unwrap_or_default() {
                let own = certificate(&counter, self.cms.certificates());
                subjects.extend(own.map(|own| Subject::signer(own.clone(), at).optional()));
                subjects.extend(stamps(&counter).filter_map(|token| authority(&token, at)).map(Subject::optional));
            }
        }
        Ok(subjects)
    }

    fn carried(&self) -> Result<Evidence, Error> {
        let mut evidence = Evidence::new();
        evidence.add_signed_data(&self.cms);
        Ok(evidence)
    }

    fn store(&mut self, needed: &[Evidence]) -> Result<(), Error> {
        let mut all = Evidence::new();
        needed.iter().for_each(|needed| all.add_all(needed));
        self.cms = self.cms.with_validation_data(all.certificates(), all.crls(), all.ocsp_responses())?;
        Ok(())
    }

    fn begin(&mut self, stamp: Stamp, algorithm: DigestAlgorithm, _: usize, backend: Backend) -> Result<Digest, Error> {
        let (digest, index) = match stamp {
            Stamp::Archive(signer) => {
                let signer = self.signer(signer)?;
                let content = self.content_digest(algorithm, backend)?;
                let content = content.ok_or_else(|| Misuse::new("the content of the detached signature is needed"))?;
                let index = HashIndex::over(&self.cms, signer, algorithm)?;
                (index.imprint(&self.cms, signer, &content)?, Some(index))
            }
            Stamp::Signature(signer) => (algorithm.digest(self.signer(signer)?.signature()), None),
            Stamp::Document => return Err(Misuse::new("a document time-stamp is for PDF documents").into()),
        };
        self.waiting = Some((stamp, index));
        Ok(digest)
    }

    fn lacking(&self, _: &TimeStampToken) -> usize {
        0
    }

    fn put(&mut self, token: &TimeStampToken) -> Result<(), Error> {
        self.cms = match self.waiting.take() {
            Some((Stamp::Signature(signer), _)) => {
                self.cms.with_unsigned_attribute(signer, &SIGNATURE_TIME_STAMP, token.der())?
            }
            Some((Stamp::Archive(signer), Some(index))) => {
                let token = index.put_into(token.signed_data())?;
                self.cms.with_unsigned_attribute(signer, &ARCHIVE_TIME_STAMP_V3, token.der())?
            }
            _ => return Err(Misuse::new("no time-stamp was prepared").into()),
        };
        Ok(())
    }

    fn finish(self) -> Result<SignedCms, Error> {
        Ok(SignedCms::from(&self.cms))
    }
}

impl fmt::Debug for CmsSignatures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmsSignatures").field("signers", &self.cms.signers().len()).finish_non_exhaustive()
    }
}
