//! Augmentation: a signature is raised to a higher baseline level from where it
//! stands (EN 319 142-1 §6, EN 319 122-1 §6), and its archive time-stamp renewed.
//!
//! | level | what is added to a PDF | what is added to a CMS |
//! |---|---|---|
//! | B-T | a document time-stamp, where no time-stamp is there | `signature-time-stamp` |
//! | B-LT | `/DSS`: certificates, CRLs, OCSP responses | the same in `certificates` and `crls` |
//! | B-LTA | a document time-stamp over it | `archive-time-stamp-v3` over it |
//!
//! Nothing that is there is changed or taken away. A signature that has B-LTA
//! gets what has to be known of the newest time-stamp, and a further one: that
//! is how it is renewed, before the certificate of the last authority ends or
//! its algorithms do.
//!
//! Evidence is collected on every chain: of the signers, of the authorities (that
//! of the archive time-stamp included, which is asked twice where it was not
//! known before), of those who sign CRLs and responses. One thing is asked for
//! once and written once. A level that cannot be reached is an error, and
//! nothing is handed out.
//!
//! ```no_run
//! # use kyso::{Error, Time, fetch::{self, Fetch}, level::BaselineLevel, trust::TrustAnchors};
//! # fn f(signed: Vec<u8>, anchors: &TrustAnchors, now: Time, nonce: [u8; 16], network: &dyn Fetch) -> Result<Vec<u8>, Error> {
//! use kyso::sign::augment::Augmentation;
//! use kyso::sign::augment::PdfSignatures;
//! use kyso::sign::timestamping::TimestampSettings;
//!
//! let tsa = TimestampSettings::new("http://tsa.example.vn/", nonce);
//! let job = Augmentation::new(PdfSignatures::new(&signed), BaselineLevel::Lta, anchors, now)?;
//! fetch::run(job.timestamps(tsa).start()?, network)?.document.to_octets()
//! # }
//! ```

mod cms;
mod pdf;

pub use cms::CmsSignatures;
pub use pdf::AugmentedPdf;
pub use pdf::PdfSignatures;

use std::fmt;

use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::evidence::Collection;
use crate::evidence::Subject;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::level::BaselineLevel;
use crate::revocation::Evidence;
use crate::revocation::RevocationRules;
use crate::sign::timestamping::Question;
use crate::sign::timestamping::TimestampSettings;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
use crate::trust::TrustAnchors;

/// What is raised: the signatures of a PDF ([`PdfSignatures`]) or of a CMS ([`CmsSignatures`]).
///
/// Implemented by this crate alone.
pub trait Signatures: sealed::Carrier {}

pub(super) mod sealed {
    use super::Stamp;
    use crate::crypto::Backend;
    use crate::crypto::Digest;
    use crate::crypto::DigestAlgorithm;
    use crate::error::Error;
    use crate::evidence::Subject;
    use crate::revocation::Evidence;
    use crate::time::Time;
    use crate::timestamp::TimeStampToken;

    /// What a format adds to the procedure.
    pub trait Carrier: Sized {
        /// What comes out.
        type Augmented;

        /// Refuses signatures that do not verify: they are not worth the effort.
        fn verify(&self, backend: Backend) -> Result<(), Error>;

        /// The first time-stamp that level B-T lacks.
        fn unstamped(&self) -> Result<Option<Stamp>, Error>;

        /// The archive time-stamps that level B-LTA needs.
        fn archive_stamps(&self) -> Result<Vec<Stamp>, Error>;

        /// Whose path and status have to be shown; what no later time-stamp covers, at `now`.
        fn subjects(&self, now: Time) -> Result<Vec<Subject>, Error>;

        /// All evidence that is there already.
        fn carried(&self) -> Result<Evidence, Error>;

        /// Writes what is needed on each of the subjects and not there already.
        fn store(&mut self, needed: &[Evidence]) -> Result<(), Error>;

        /// Prepares a time-stamp, with this room for the token; tells the digest to be stamped.
        fn begin(
            &mut self,
            stamp: Stamp,
            algorithm: DigestAlgorithm,
            room: usize,
            backend: Backend,
        ) -> Result<Digest, Error>;

        /// The octets by which the token exceeds its room.
        fn lacking(&self, token: &TimeStampToken) -> usize;

        /// Puts the token in its place.
        fn put(&mut self, token: &TimeStampToken) -> Result<(), Error>;

        fn finish(self) -> Result<Self::Augmented, Error>;
    }
}

/// A time-stamp to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Over the whole document.
    Document,
    /// Over the signature value of a signer.
    Signature(usize),
    /// Over a signer with all that belongs to it.
    Archive(usize),
}

/// Octets kept for a token with its certificates; authorities send 3 to 8 thousand.
const ROOM: usize = 12 << 10;
/// Room beyond what the first token would have needed: the second one may be longer.
const SLACK: usize = 512;

/// An augmentation to be made: what is raised, to which level, and with what.
#[derive(Debug)]
pub struct Augmentation<S: Signatures> {
    signatures: S,
    level: BaselineLevel,
    now: Time,
    anchors: TrustAnchors,
    rules: RevocationRules,
    evidence: Evidence,
    settings: Option<TimestampSettings>,
    backend: Backend,
}

/// An augmentation under way; a [`Job`].
pub struct Augmenting<S: Signatures> {
    wanted: Augmentation<S>,
    step: Step,
    /// Time-stamps asked for so far.
    number: u64,
    findings: Vec<Finding>,
}

/// What a [`Augmenting`] ends with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Augmented<D> {
    /// The document with its signatures at their new level.
    pub document: D,
    /// All evidence, given and fetched.
    pub evidence: Evidence,
    /// What did not keep the level from being reached: services that failed, later revocations.
    pub findings: Vec<Finding>,
}

/// What is waited for.
enum Step {
    Stamp {
        question: Box<Question>,
        next: Next,
        retried: bool,
        known: bool,
        stamp: Stamp,
    },
    Collect {
        collection: Box<Collection>,
        next: Next,
    },
    /// Nothing more.
    Done,
    Failed(Error),
}

/// What comes after a step.
enum Next {
    /// Further time-stamps of level B-T, or the collection.
    Raise,
    /// These archive time-stamps, the last one first.
    Archive(Vec<Stamp>),
    /// This archive time-stamp once more, now that its authority is known, and then the others.
    Again(Stamp, Vec<Stamp>),
    Finish,
}

impl<S: Signatures> Augmentation<S> {
    /// Raises `signatures` to `level` at the time `now`, with paths to `anchors`.
    ///
    /// Without anchors the paths end in whatever self-signed certificate comes
    /// along: whether it is trusted is for whoever validates.
    ///
    /// # Errors
    /// [`Error::Misuse`] for level B-B, which a signature has from the start.
    pub fn new(signatures: S, level: BaselineLevel, anchors: &TrustAnchors, now: Time) -> Result<Self, Error> {
        if level == BaselineLevel::B {
            return Err(Misuse::new("a signature has level B-B from the start").into());
        }
        Ok(Self {
            signatures,
            level,
            now,
            anchors: anchors.clone(),
            rules: RevocationRules::default(),
            evidence: Evidence::new(),
            settings: None,
            backend: Backend::default(),
        })
    }

    /// Which authorities to ask for time-stamps. Needed for B-LTA, and wherever no time-stamp is there yet.
    #[must_use]
    pub fn timestamps(mut self, settings: TimestampSettings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// What counts as evidence of a status.
    #[must_use]
    pub fn rules(mut self, rules: &RevocationRules) -> Self {
        self.rules = rules.clone();
        self
    }

    /// Offers evidence; what it shows is not asked for.
    #[must_use]
    pub fn evidence(mut self, evidence: &Evidence) -> Self {
        self.evidence.add_all(evidence);
        self
    }

    /// Asks nobody for evidence: what is at hand must do. Time-stamps are asked for all the same.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.rules.schemes.clear();
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Begins.
    ///
    /// # Errors
    /// [`Error::Refused`] where a signature does not verify or the document
    /// forbids an update; [`Error::Misuse`] where an authority is needed and
    /// none was named; what reading the document gives.
    pub fn start(self) -> Result<Augmenting<S>, Error> {
        self.signatures.verify(self.backend)?;
        let mut augmenting = Augmenting { wanted: self, step: Step::Done, number: 0, findings: Vec::new() };
        augmenting.step = augmenting.raise()?;
        augmenting.settle();
        Ok(augmenting)
    }
}

impl<S: Signatures> Augmenting<S> {
    /// The next step on the way to B-T, or the collection.
    fn raise(&mut self) -> Result<Step, Error> {
        if let Some(stamp) = self.wanted.signatures.unstamped()? {
            return self.stamp(stamp, Next::Raise, true);
        }
        if self.wanted.level < BaselineLevel::Lt {
            return Ok(Step::Done);
        }
        let archive = match self.wanted.level {
            BaselineLevel::Lta => Next::Archive(self.wanted.signatures.archive_stamps()?.into_iter().rev().collect()),
            _ => Next::Finish,
        };
        self.collect(self.wanted.signatures.subjects(self.wanted.now)?, archive)
    }

    fn collect(&self, subjects: Vec<Subject>, next: Next) -> Result<Step, Error> {
        let collection = Collection::new(subjects, &self.wanted.anchors, &self.wanted.rules)?
            .evidence(&self.wanted.signatures.carried()?)
            .evidence(&self.wanted.evidence)
            .backend(self.wanted.backend);
        Ok(Step::Collect { collection: Box::new(collection), next })
    }

    /// Asks for a time-stamp; `known` says that nothing about its authority has to be looked up.
    fn stamp(&mut self, stamp: Stamp, next: Next, known: bool) -> Result<Step, Error> {
        let Some(settings) = &self.wanted.settings else {
            let message = format!("level {} needs a time-stamp, and no authority was named", self.wanted.level.name());
            return Err(Misuse::new(message).into());
        };
        let settings = settings.numbered(self.number);
        self.number += 1;
        let digest = self.wanted.signatures.begin(stamp, settings.digest_algorithm(), ROOM, self.wanted.backend)?;
        let question = Box::new(Question::of_digest(settings, digest, self.wanted.backend)?);
        Ok(Step::Stamp { question, next, retried: false, known, stamp })
    }

    /// Goes on as far as nothing has to be asked.
    fn settle(&mut self) {
        loop {
            let waits = match &self.step {
                Step::Stamp { question, .. } => !question.is_answered(),
                Step::Collect { collection, .. } => !collection.requests().is_empty(),
                Step::Done | Step::Failed(_) => true,
            };
            if waits {
                return;
            }
            self.advance();
        }
    }

    /// Ends the step at hand, whatever it still waits for, and begins the next.
    fn advance(&mut self) {
        let step = std::mem::replace(&mut self.step, Step::Done);
        self.step = self.end(step).unwrap_or_else(Step::Failed);
    }

    fn end(&mut self, step: Step) -> Result<Step, Error> {
        let next = match step {
            Step::Stamp { mut question, next, retried, known, stamp } => {
                if let Some(token) = question.answered() {
                    match next {
                        Next::Archive(others) if !known => match self.unknown_authority(token)? {
                            Some(subject) => return self.collect(vec![subject], Next::Again(stamp, others)),
                            None => {
                                let next = Next::Archive(others);
                                return Ok(Step::Stamp { question, next, retried, known: true, stamp });
                            }
                        },
                        _ => {}
                    }
                    let lacking = self.wanted.signatures.lacking(token);
                    if lacking > 0 && !retried {
                        let room = token.der().len().saturating_add(SLACK);
                        let digest = self.wanted.signatures.begin(
                            stamp,
                            token.imprint().algorithm(),
                            room,
                            self.wanted.backend,
                        )?;
                        question.ask_again_over(digest);
                        return Ok(Step::Stamp { question, next, retried: true, known, stamp });
                    }
                    if lacking > 0 {
                        let length = token.der().len();
                        let message = format!(
                            "the time-stamp token of {length} octets is too long by {lacking} for its room, and the one before it was shorter"
                        );
                        return Err(Misuse::new(message).into());
                    }
                }
                self.wanted.signatures.put(&question.finish()?)?;
                next
            }
            Step::Collect { collection, next } => {
                let collected = collection.finish()?;
                self.wanted.evidence.add_all(&collected.evidence);
                for finding in collected.findings {
                    if !self.findings.contains(&finding) {
                        self.findings.push(finding);
                    }
                }
                self.wanted.signatures.store(&collected.needed)?;
                next
            }
            other @ (Step::Done | Step::Failed(_)) => return Ok(other),
        };
        match next {
            Next::Raise => self.raise(),
            Next::Archive(mut stamps) => match stamps.pop() {
                Some(stamp) => self.stamp(stamp, Next::Archive(stamps), false),
                None => Ok(Step::Done),
            },
            Next::Again(stamp, stamps) => self.stamp(stamp, Next::Archive(stamps), true),
            Next::Finish => Ok(Step::Done),
        }
    }

    /// The authority of an archive time-stamp, where what is stored does not show its status.
    ///
    /// Which authority answers is known only by its answer. What shows its
    /// status has to be under the time-stamp, as all other evidence is: so it is
    /// stored, and the time-stamp asked for once more.
    fn unknown_authority(&self, token: &TimeStampToken) -> Result<Option<Subject>, Error> {
        let Some(subject) = authority(token, self.wanted.now) else { return Ok(None) };
        let stored = Collection::new([subject.clone()], &self.wanted.anchors, &self.wanted.rules)?
            .evidence(&self.wanted.signatures.carried()?)
            .backend(self.wanted.backend);
        // What is missing does not hold up the level: whoever validates can ask for it, too.
        Ok(stored.finish().is_err().then(|| subject.optional()))
    }
}

impl<S: Signatures> Job for Augmenting<S> {
    type Output = Augmented<S::Augmented>;

    fn requests(&self) -> Vec<Request> {
        match &self.step {
            Step::Stamp { question, .. } => question.requests(),
            Step::Collect { collection, .. } => collection.requests(),
            Step::Done | Step::Failed(_) => Vec::new(),
        }
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        match &mut self.step {
            Step::Stamp { question, .. } => question.answer(request, response),
            Step::Collect { collection, .. } => collection.answer(request, response),
            Step::Done | Step::Failed(_) => return,
        }
        self.settle();
    }

    fn finish(mut self) -> Result<Self::Output, Error> {
        while !matches!(self.step, Step::Done | Step::Failed(_)) {
            self.advance();
        }
        if let Step::Failed(error) = self.step {
            return Err(error);
        }
        Ok(Augmented {
            document: self.wanted.signatures.finish()?,
            evidence: self.wanted.evidence,
            findings: self.findings,
        })
    }
}

impl<S: Signatures> fmt::Debug for Augmenting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Augmenting")
            .field("level", &self.wanted.level)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The certificate of a token's authority, with its time.
fn authority(token: &TimeStampToken, at: Time) -> Option<Subject> {
    let signer = token.signer()?;
    let bound = signer.signing_certificate().ok().flatten();
    let all = token.signed_data().certificates();
    let named = bound.and_then(|ids| ids.first().and_then(|id| all.iter().find(|c| id.names(c))));
    let certificate = named.or_else(|| all.iter().find(|c| signer.id().names(c)))?;
    // Its own time comes later where the clock of whoever asks is slow.
    Some(Subject::authority(certificate.clone(), at.max(token.time())))
}

/// The digest of a stored attribute, so that a signature can be verified whose content is elsewhere.
fn stated_digest(octets: Option<&[u8]>, algorithm: DigestAlgorithm) -> Option<Digest> {
    Digest::from_octets(algorithm, octets?)
}
