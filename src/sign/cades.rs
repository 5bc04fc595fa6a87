//! CAdES baseline signatures: CMS with the attributes of ETSI EN 319 122-1.

use std::fmt;
use std::io::Write;

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::cms::SignedData;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::Misuse;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::limits::Limits;
use crate::sign::awaiting::AwaitingSigner;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;
use crate::sign::prepared::sealed::Target;
use crate::sign::signer::Choice;
use crate::sign::signer::Signer;
use crate::sign::signer::algorithm_choices;
use crate::sign::state::StateFormat;
use crate::sign::timestamping::TimestampSettings;
use crate::sign::timestamping::Timestamping;
use crate::source::Source;
use crate::time::Time;

/// What a CMS signature is over.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Content<'c> {
    /// The octets.
    Octets(&'c [u8]),
    /// Octets that are read in place and never held as a whole: a file. Where the CMS is to hold them,
    /// [`SignedCms::write_to`] puts them in.
    Source(&'c dyn Source),
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
    lacks_content: bool,
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

    /// A signature over content that is read in place, which the CMS will hold
    /// once it is [written](SignedCms::write_to); memory does not grow with it.
    #[must_use]
    pub fn from_source(content: &'c dyn Source, claimed: Time) -> Self {
        Self::with(Content::Source(content), claimed)
    }

    fn with(content: Content<'c>, claimed: Time) -> Self {
        let (detached, digest) = match content {
            Content::Octets(_) | Content::Source(_) => (false, None),
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

    algorithm_choices!();

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
        Self { octets: cms.der().to_vec(), lacks_content: false }
    }
}

impl SignedCms {
    /// Whether its content is still to be put inside: it was read in place, and
    /// the signature is not to be detached. [`write_to`](Self::write_to) does so.
    #[must_use]
    pub const fn lacks_content(&self) -> bool {
        self.lacks_content
    }

    /// Writes the CMS in DER, with `content` inside where it [lacks](Self::lacks_content)
    /// it, while that is read.
    ///
    /// `content` is what was signed, which is not verified once more.
    ///
    /// # Errors
    /// What reading and writing give.
    pub fn write_to(&self, content: &dyn Source, out: &mut dyn Write) -> Result<(), Error> {
        if self.lacks_content {
            return SignedData::from_octets(&self.octets, &Limits::default())?.write_attached(content, out);
        }
        Ok(out.write_all(&self.octets).map_err(|error| IoError::new("write", "the signature", error))?)
    }

    /// The DER of the ContentInfo; without its content where it [lacks](Self::lacks_content) it.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// As [`octets`](Self::octets).
    #[must_use]
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => write!(f, "Octets({} octets)", octets.len()),
            Self::Source(source) => write!(f, "Source({} octets)", source.len()),
            Self::Digest(digest) => f.debug_tuple("Digest").field(digest).finish(),
        }
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
            Self::Source(source) => backend.digest_source(algorithm, *source),
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

    fn finish(self, detached: bool, octets: Vec<u8>) -> Result<SignedCms, Error> {
        Ok(SignedCms { octets, lacks_content: !detached && matches!(self, Self::Source(_)) })
    }
}
