//! Authorise once, sign a batch, check what comes back.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::CscCredential;
use super::CscService;
use super::CscVersion;
use super::credential::Authorisation;
use super::message;
use super::message::Answer;
use super::message::Members;
use super::message::Said;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::FetchFault;
use crate::error::Misuse;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::key::SignatureValue;
use crate::key::SignerIdentity;
use crate::key::ToBeSigned;
use crate::key::remote::RemoteSigner;
use crate::key::remote::checked;
use crate::secret::Pin;
use crate::time::Time;

/// A credential with what permits its use, for one batch.
#[derive(Debug)]
pub struct CscSigner {
    credential: CscCredential,
    authorisation: Authorisation,
}

/// A batch on its way through a service; a [`Job`] whose output are the signature values.
///
/// The service is asked to authorise all digests together, then to sign them.
/// Nothing is asked twice: neither a PIN nor a one-time password is sent again,
/// whatever fails.
pub struct CscSigning {
    credential: CscCredential,
    messages: Vec<ToBeSigned>,
    plan: Plan,
    step: Step,
    /// `None` once it has ended.
    request: Option<Request>,
    end: Option<Time>,
    outcome: Option<Result<Vec<SignatureValue>, Error>>,
}

/// What is to be signed, as the service is told.
struct Plan {
    hashes: Vec<String>,
    digest_oid: String,
    algorithm: String,
    parameters: Option<String>,
}

enum Step {
    Authorise,
    /// The user has to confirm (version 2).
    Confirm {
        handle: String,
    },
    Sign,
    /// The signatures are being made (version 2).
    Poll {
        id: String,
    },
}

impl CscSigner {
    pub(super) const fn new(credential: CscCredential, authorisation: Authorisation) -> Self {
        Self { credential, authorisation }
    }
}

impl RemoteSigner for CscSigner {
    type Signing = CscSigning;

    fn identity(&self) -> &SignerIdentity {
        self.credential.identity()
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.credential.default_algorithm()
    }

    fn sign(self, messages: Vec<ToBeSigned>) -> Result<CscSigning, Error> {
        let Self { credential, authorisation } = self;
        credential.check(messages.len(), &authorisation)?;
        let plan = Plan::new(&credential, &messages)?;
        let service = credential.service().clone();
        if service.asynchronous && service.polling.is_none() {
            return Err(Misuse::new("asynchronous answers were asked for without saying how to wait for them").into());
        }
        let end = service.polling.as_ref().map(|polling| polling.now().saturating_add(polling.within));
        let (step, request) = match &authorisation.sad {
            Some(sad) => (Step::Sign, plan.sign(&credential, Some(text(sad)?))),
            None if authorisation.by_token => (Step::Sign, plan.sign(&credential, None)),
            None => (Step::Authorise, plan.authorise(&credential, &authorisation)?),
        };
        let mut signing = CscSigning { credential, messages, plan, step, request: None, end, outcome: None };
        signing.ask(request, Duration::ZERO)?;
        Ok(signing)
    }
}

impl Plan {
    fn new(credential: &CscCredential, messages: &[ToBeSigned]) -> Result<Self, Error> {
        let Some(algorithm) = messages.first().map(ToBeSigned::algorithm) else {
            return Err(Misuse::new("there is nothing to sign").into());
        };
        if messages.iter().any(|message| message.algorithm() != algorithm) {
            let message = "the signatures of one batch need one algorithm: a service is told it once";
            return Err(Misuse::new(message).into());
        }
        let (name, parameters) = credential.name_of(algorithm)?;
        // An algorithm without a digest has no name there.
        let Some(digest) = algorithm.digest() else {
            return Err(Misuse::new(format!("{} signs no digests", algorithm.name())).into());
        };
        let url_safe = credential.service().dialect.url_safe_base64;
        let encode = |octets: &[u8]| match url_safe {
            true => base64_simd::URL_SAFE.encode_to_string(octets),
            false => base64_simd::STANDARD.encode_to_string(octets),
        };
        Ok(Self {
            hashes: messages.iter().map(|message| encode(digest.digest(message.octets()).octets())).collect(),
            digest_oid: digest.oid().to_string(),
            algorithm: name,
            parameters: parameters.map(|der| base64_simd::STANDARD.encode_to_string(der)),
        })
    }

    /// `credentials/authorize`, bound to all digests.
    fn authorise(&self, credential: &CscCredential, authorisation: &Authorisation) -> Result<Request, Error> {
        let service = credential.service();
        let members = service.members().set("credentialID", credential.id()).set("numSignatures", self.hashes.len());
        let pin = authorisation.pin.as_ref().map(text).transpose()?;
        let otp = authorisation.otp.as_ref().map(text).transpose()?;
        let members = match service.version {
            CscVersion::V1 => members.set("hash", self.hashes.as_slice()).set_some("PIN", pin).set_some("OTP", otp),
            CscVersion::V2 => {
                let data = [(credential.pin_id(), pin), (credential.otp_id(), otp)];
                let data: Vec<_> = data
                    .into_iter()
                    .filter_map(|(id, value)| Some(Members::object(&service.dialect, &[("id", id), ("value", value?)])))
                    .collect();
                members
                    .set("hashes", self.hashes.as_slice())
                    .set("hashAlgorithmOID", self.digest_oid.as_str())
                    .set_some("authData", (!data.is_empty()).then_some(data))
            }
        };
        Ok(service.request("credentials/authorize", members))
    }

    /// `signatures/signHash`.
    fn sign(&self, credential: &CscCredential, sad: Option<&str>) -> Request {
        let service = credential.service();
        let members = service
            .members()
            .set("credentialID", credential.id())
            .set_some("SAD", sad)
            .set("signAlgo", self.algorithm.as_str())
            .set_some("signAlgoParams", self.parameters.as_deref());
        let members = match service.version {
            CscVersion::V1 => members.set("hash", self.hashes.as_slice()).set("hashAlgo", self.digest_oid.as_str()),
            CscVersion::V2 => members
                .set("hashes", self.hashes.as_slice())
                .set("hashAlgorithmOID", self.digest_oid.as_str())
                .set_some("operationMode", service.asynchronous.then_some("A")),
        };
        service.request("signatures/signHash", members)
    }
}

/// What the service is to get is text.
fn text(secret: &Pin) -> Result<&str, Error> {
    let text = std::str::from_utf8(secret.expose_octets());
    text.map_err(|_| Misuse::new("a PIN or password for a signing service has to be UTF-8").into())
}

impl CscSigning {
    /// Puts a request, while there is time.
    fn ask(&mut self, request: Request, wait: Duration) -> Result<(), Error> {
        let service = self.credential.service();
        let (Some(polling), Some(end)) = (&service.polling, self.end) else {
            self.request = Some(request.wait(wait));
            return Ok(());
        };
        let left = seconds_until(end, polling.now()).checked_sub(wait).filter(|left| !left.is_zero());
        let Some(left) = left else {
            let detail = format!("the service did not finish within {} s", polling.within.as_secs());
            return Err(FetchError::new(request.url.as_str(), detail).because(FetchFault::TooSlow).into());
        };
        self.request = Some(request.wait(wait).timeout(Some(left)));
        Ok(())
    }

    /// Asks for what was not ready, after a while.
    fn ask_later(&mut self, url: &str) -> Result<(), Error> {
        let service = self.service();
        let request = match &self.step {
            Step::Confirm { handle } => {
                service.request("credentials/authorizeCheck", service.members().set("handle", handle.as_str()))
            }
            Step::Poll { id } => {
                service.request("signatures/signPolling", service.members().set("requestID", id.as_str()))
            }
            Step::Authorise | Step::Sign => {
                let detail = "the service is not ready, and says not under which number to ask again";
                return Err(FetchError::new(url, detail).into());
            }
        };
        let Some(polling) = &service.polling else {
            let detail = "the service answers later: say how to wait for it (CscService::polling)";
            return Err(Misuse::new(detail).into());
        };
        let every = polling.every;
        self.ask(request, every)
    }

    fn service(&self) -> CscService {
        self.credential.service().clone()
    }

    fn take(&mut self, url: &str, response: Result<Response, Error>) -> Result<Option<Vec<SignatureValue>>, Error> {
        let waits = matches!(self.step, Step::Confirm { .. } | Step::Poll { .. });
        // One poll that is lost is not the answer; what may have done something is not asked again.
        let lost = |error: &FetchError| error.fault() == FetchFault::TooSlow;
        let said = match response {
            Err(Error::Fetch(error)) if waits && lost(&error) => Said::Pending,
            response => message::read(&self.credential.service().dialect, url, response)?,
        };
        match said {
            Said::Pending => self.ask_later(url).map(|()| None),
            Said::Ready(answer) => self.proceed(url, &answer),
        }
    }

    fn proceed(&mut self, url: &str, answer: &Answer) -> Result<Option<Vec<SignatureValue>>, Error> {
        let service = self.service();
        let members = answer.members(&service.dialect);
        match &self.step {
            Step::Authorise | Step::Confirm { .. } => {
                if let Some(sad) = members.text("SAD").filter(|sad| !sad.is_empty()) {
                    let sad = Zeroizing::new(sad.to_owned());
                    let request = self.plan.sign(&self.credential, Some(&sad));
                    self.step = Step::Sign;
                    return self.ask(request, Duration::ZERO).map(|()| None);
                }
                match (&self.step, members.scalar("handle")) {
                    (Step::Authorise, Some(handle)) => {
                        self.step = Step::Confirm { handle };
                        self.ask_later(url).map(|()| None)
                    }
                    (Step::Confirm { .. }, _) => self.ask_later(url).map(|()| None),
                    _ => Err(FetchError::new(url, "the answer has neither SAD nor handle").into()),
                }
            }
            Step::Sign | Step::Poll { .. } => {
                if let Some(texts) = members.texts("signatures") {
                    return self.check(url, &texts).map(Some);
                }
                match (&self.step, members.scalar("responseID")) {
                    (Step::Sign, Some(id)) => {
                        self.step = Step::Poll { id };
                        self.ask_later(url).map(|()| None)
                    }
                    (Step::Poll { .. }, _) => self.ask_later(url).map(|()| None),
                    _ => Err(FetchError::new(url, "the answer has neither signatures nor responseID").into()),
                }
            }
        }
    }

    fn check(&self, url: &str, texts: &[&str]) -> Result<Vec<SignatureValue>, Error> {
        let mut values = Vec::new();
        // A list that is too long is reported as such, and not decoded.
        for (index, text) in texts.iter().enumerate().take(self.messages.len()) {
            let fault = || FetchError::new(url, format!("signature value {} is no base64", index + 1));
            values.push(message::base64(text).ok_or_else(fault)?);
        }
        values.resize(texts.len(), Vec::new());
        checked(self.credential.identity(), &self.messages, values)
    }
}

fn seconds_until(end: Time, now: Time) -> Duration {
    Duration::from_secs(u64::try_from(end.unix().saturating_sub(now.unix())).unwrap_or(0))
}

impl Job for CscSigning {
    type Output = Vec<SignatureValue>;

    fn requests(&self) -> Vec<Request> {
        self.request.iter().cloned().collect()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if self.request.take_if(|own| own.asks_as(request)).is_none() {
            return;
        }
        match self.take(&request.url, response) {
            Ok(None) => {}
            Ok(Some(values)) => self.outcome = Some(Ok(values)),
            Err(error) => self.outcome = Some(Err(error)),
        }
    }

    fn finish(self) -> Result<Vec<SignatureValue>, Error> {
        let url = self.credential.service().url("signatures/signHash");
        self.outcome.unwrap_or_else(|| Err(FetchError::new(url, "the service was not asked").into()))
    }
}

impl fmt::Debug for CscSigning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CscSigning")
            .field("credential", &self.credential.id())
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}
