//! A document that is prepared before it is known who signs it.

use std::fmt;

use crate::asn1::encode;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::key::SignerIdentity;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;
use crate::sign::signer::Choice;
use crate::sign::signer::Signer;
use crate::sign::state;
use crate::time::Time;

const MAGIC: &str = "kyso document that waits for its signer";

/// A document whose digest is made, and which lacks signer and value.
///
/// Signing services often name the certificate only when they are about to
/// sign. The signed attributes bind it (EN 319 122-1 §5.2.2), so it has to be
/// known before the value is made, but not before the document is read:
/// [`signer`](Self::signer) reads nothing.
///
/// What a person sees in the document is settled by then: an appearance cannot
/// show who signs.
pub struct AwaitingSigner<D: Document> {
    document: D,
    plan: D::Plan,
    digest: Digest,
    claimed: Time,
    /// Whether the CMS carries the claimed signing time.
    in_cms: bool,
    choice: Choice,
}

impl<D: Document> AwaitingSigner<D> {
    pub(super) const fn new(
        document: D,
        plan: D::Plan,
        digest: Digest,
        claimed: Time,
        in_cms: bool,
        choice: Choice,
    ) -> Self {
        Self { document, plan, digest, claimed, in_cms, choice }
    }

    /// The digest of the octets that the signature will cover.
    #[must_use]
    pub const fn document_digest(&self) -> &Digest {
        &self.digest
    }

    /// Names the signer.
    ///
    /// # Errors
    /// [`Error::Refused`] where certificate or algorithm forbid it;
    /// [`Error::Misuse`] where the certificates do not fit the room that was
    /// kept, or the key goes with another digest.
    pub fn signer(self, identity: &SignerIdentity) -> Result<Prepared<D>, Error> {
        let mut signer = Signer::new(identity, None, self.choice, self.claimed)?;
        signer.signing_time = self.in_cms.then_some(self.claimed);
        if signer.digest_algorithm() != self.digest.algorithm() {
            let (needed, made) = (signer.digest_algorithm().name(), self.digest.algorithm().name());
            return Err(
                Misuse::new(format!("the document was digested with {made}, the signature needs {needed}")).into()
            );
        }
        let needed = signer.cms_octets();
        if let Some(room) = D::room(&self.plan).filter(|room| *room < needed) {
            let message = format!("the signature needs {needed} octets where {room} were kept: keep more room");
            return Err(Misuse::new(message).into());
        }
        Ok(Prepared::new(self.document, self.plan, signer, self.digest))
    }

    /// The state to store until the signer is known. The document is not in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = encode::sequence(&[
            &encode::boolean(self.in_cms),
            &encode::boolean(self.choice.pss),
            &encode::oid(&self.digest.algorithm().oid()),
            &encode::octet_string(self.digest.octets()),
            &encode::generalized_time(self.claimed),
            &encode::tlv(0x30, &D::write_plan(&self.plan)),
        ]);
        state::seal(MAGIC, &body)
    }

    /// Takes up a stored state; `document` is digested anew.
    ///
    /// # Errors
    /// [`Error::Refused`] for another document than the one that was prepared;
    /// [`Error::Malformed`] for a state that was altered.
    pub fn resume(state: &[u8], document: D) -> Result<Self, Error> {
        let mut body = state::unseal(state, MAGIC, "a document that waits for its signer")?;
        let in_cms = body.expect(0x01, "signingTime")?.boolean(Format::State, "signingTime")?;
        let pss = body.expect(0x01, "pss")?.boolean(Format::State, "pss")?;
        let oid = body.expect(0x06, "algorithm")?.oid(Format::State, "algorithm")?;
        let algorithm = DigestAlgorithm::from_oid(&oid);
        let algorithm = algorithm.ok_or_else(|| body.fault("algorithm", "a digest algorithm that is known"))?;
        let stored = body.expect(0x04, "documentDigest")?.content;
        let claimed = body.expect(0x18, "claimed")?.time(Format::State, "claimed")?;
        let plan = document.read_plan(body.expect(0x30, "plan")?.content)?;
        body.end("body")?;
        let digest = document.digest(&plan, algorithm, Backend::default())?;
        if digest.octets() != stored {
            let detail = "the document is not the one that was prepared for this signature";
            return Err(Refused::new(RefusalReason::StateMismatch, detail).into());
        }
        let choice = Choice { digest: Some(algorithm), pss, ..Choice::default() };
        Ok(Self { document, plan, digest, claimed, in_cms, choice })
    }
}

impl<D: Document> fmt::Debug for AwaitingSigner<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwaitingSigner").field("digest", &self.digest).finish_non_exhaustive()
    }
}
