//! CAdES baseline signatures: CMS with the attributes of ETSI EN 319 122-1.

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::cms::SignedData;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Misuse;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::sign::awaiting::AwaitingSigner;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;
use crate::sign::prepared::sealed::Target;
use crate::sign::signer::Choice;
use crate::sign::signer::Signer;
use crate::sign::state::StateFormat;
use crate::sign::timestamping::TimestampSettings;
use crate::sign::timestamping::Timestamping;
use crate::time::Time;

/// What a CMS signature is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Content<'c> {
    /// The octets.
    Octets(&'c [u8]),
    /// Their digest, where they were read as a stream; such a signature is detached.
    Digest(Digest),
}

/// A CAdES signature to be made.
///
/// Level B-B: content-type, message-digest, signing-certificate-v2 and
/// signing-time as signed attributes (EN 319 122-1 §6.3); the signer's
/// certificate and its chain are embedded.
#[derive(Clone, Debug)]
pub struct CadesRequest<'c> {
    content: Content<'c>,
    claimed: Time,
    detached: bool,
    choice: Choice,
}

/// A finished CMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCms {
    octets: Vec<u8>,
}

impl<'c> CadesRequest<'c> {
    /// A signature over `content`, which the CMS will hold itself; `claimed` is the claimed signing time.
    #[must_use]
    pub fn new(content: &'c [u8], claimed: Time) -> Self {
        Self::with(Content::Octets(content), claimed)
    }

    /// A detached signature over content of which only the digest is at hand.
    ///
    /// The digest's algorithm is that of the signature.
    #[must_use]
    pub fn from_digest(digest: Digest, claimed: Time) -> Self {
        Self::with(Content::Digest(digest), claimed)
    }

    fn with(content: Content<'c>, claimed: Time) -> Self {
        let (detached, digest) = match content {
            Content::Octets(_) => (false, None),
            Content::Digest(digest) => (true, Some(digest.algorithm())),
        };
        Self { content, claimed, detached, choice: Choice { digest, ..Choice::default() } }
    }

    /// Leaves the content out of the CMS.
    #[must_use]
    pub const fn detached(mut self) -> Self {
        self.detached = true;
        self
    }

    /// Another digest than the one that fits the key.
    #[must_use]
    pub const fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.choice.digest = Some(algorithm);
        self
    }

    /// RSASSA-PSS instead of RSASSA-PKCS1-v1_5.
    #[must_use]
    pub const fn pss(mut self) -> Self {
        self.choice.pss = true;
        self
    }

    /// Another signature algorithm than the key's own, with all its parameters.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.choice.algorithm = Some(algorithm);
        self
    }

    /// Who digests, and verifies the signature value.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.choice.backend = backend;
        self
    }

    /// Prepares the signature for a signer whose key is elsewhere.
    ///
    /// # Errors
    /// [`Error::Refused`] where certificate or algorithm forbid it; [`Error::Misuse`] for contradictory choices.
    pub fn prepare(&self, identity: &SignerIdentity) -> Result<Prepared<Content<'c>>, Error> {
        self.prepare_with(identity, None)
    }

    /// Prepares the content before it is known who signs.
    ///
    /// The digest is SHA-256, or the one that was [chosen](Self::digest): it has to go with the signer's key.
    ///
    /// # Errors
    /// [`Error::Misuse`] for contradictory choices.
    pub fn prepare_content(&self) -> Result<AwaitingSigner<Content<'c>>, Error> {
        if self.choice.algorithm.is_some() {
            return Err(Misuse::new("a whole algorithm was chosen for a signer who is not known yet").into());
        }
        let algorithm = self.choice.digest.unwrap_or(DigestAlgorithm::Sha256);
        let digest = self.content.digest(&self.detached, algorithm, self.choice.backend)?;
        let choice = Choice { digest: Some(algorithm), ..self.choice };
        Ok(AwaitingSigner::new(self.content, self.detached, digest, self.claimed, true, choice))
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

    /// Signs and gets a time-stamp on the signature value (level B-T).
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_timestamped(
        &self,
        key: &dyn SigningKey,
        settings: TimestampSettings,
    ) -> Result<Timestamping<'static, Content<'c>>, Error> {
        let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()))?;
        let value = prepared.sign(key)?;
        prepared.complete_timestamped(&value, settings)
    }

    fn prepare_with(
        &self,
        identity: &SignerIdentity,
        preferred: Option<SignatureAlgorithm>,
    ) -> Result<Prepared<Content<'c>>, Error> {
        let mut signer = Signer::new(identity, preferred, self.choice, self.claimed)?;
        signer.signing_time = Some(self.claimed);
        let digest = self.content.digest(&self.detached, signer.digest_algorithm(), signer.backend)?;
        Ok(Prepared::new(self.content, self.detached, signer, digest))
    }
}

impl From<&SignedData> for SignedCms {
    fn from(cms: &SignedData) -> Self {
        Self { octets: cms.der().to_vec() }
    }
}

impl SignedCms {
    /// The DER of the ContentInfo.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The DER of the ContentInfo.
    #[must_use]
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }
}

impl Document for Content<'_> {}

impl Target for Content<'_> {
    /// Whether the content is left out.
    type Plan = bool;
    type Signed = SignedCms;

    const FORMAT: StateFormat = StateFormat::Cades;

    fn digest(&self, _: &bool, algorithm: DigestAlgorithm, backend: Backend) -> Result<Digest, Error> {
        match self {
            Self::Octets(octets) => Ok(backend.digest(algorithm, octets)),
            Self::Digest(digest) if digest.algorithm() == algorithm => Ok(*digest),
            Self::Digest(digest) => Err(Misuse::new(format!(
                "the content was digested with {}, the signature needs {}",
                digest.algorithm().name(),
                algorithm.name()
            ))
            .into()),
        }
    }

    fn content(&self, detached: &bool) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) if !detached => Some(octets),
            _ => None,
        }
    }

    fn room(_: &bool) -> Option<usize> {
        None
    }

    fn write_plan(detached: &bool) -> Vec<u8> {
        encode::boolean(*detached)
    }

    fn read_plan(&self, der: &[u8]) -> Result<bool, Error> {
        let mut reader = Reader::new(der, Format::State);
        let detached = match reader.expect(0x01, "detached")?.content {
            [0] => false,
            [0xFF] => true,
            _ => return Err(reader.fault("detached", "a DER BOOLEAN")),
        };
        reader.end("plan")?;
        if !detached && matches!(self, Self::Digest(_)) {
            return Err(Misuse::new("the content itself is needed: the CMS is to hold it").into());
        }
        Ok(detached)
    }

    fn finish(self, _: bool, octets: Vec<u8>) -> Result<SignedCms, Error> {
        Ok(SignedCms { octets })
    }
}
