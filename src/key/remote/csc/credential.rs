//! A credential: a key that a service holds, with its certificate.

use super::CscService;
use super::CscVersion;
use super::message;
use super::message::View;
use super::signing::CscSigner;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::PssParameters;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::Format;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::error::SecretError;
use crate::key::SignerIdentity;
use crate::secret::Pin;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;

/// Certificates that a chain may have.
const MOST_CERTIFICATES: usize = 16;
const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";

/// A key that a service holds, with its certificate and what it takes to use it.
#[derive(Clone, Debug)]
pub struct CscCredential {
    service: CscService,
    id: String,
    identity: SignerIdentity,
    description: Option<String>,
    algorithms: Vec<String>,
    key_status: Option<String>,
    certificate_status: Option<String>,
    mode: Option<String>,
    scal2: bool,
    multisign: usize,
    pin: Demand,
    otp: Demand,
    /// How version 2 names them in `authData`.
    pin_id: String,
    otp_id: String,
    otp_sent: bool,
}

/// Whether a credential asks for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the specification has these three
pub enum Demand {
    /// It does.
    Demanded,
    /// It may be given.
    Optional,
    /// It does not.
    NotUsed,
}

/// What permits the use of a credential, for one batch.
#[derive(Debug, Default)]
pub struct Authorisation {
    pub(super) pin: Option<Pin>,
    pub(super) otp: Option<Pin>,
    pub(super) sad: Option<Pin>,
    pub(super) by_token: bool,
}

impl Authorisation {
    /// Nothing but the service's own ways, such as a confirmation on a phone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The PIN of the credential. It is sent once.
    #[must_use]
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pin = Some(pin);
        self
    }

    /// A one-time password. It is sent once.
    #[must_use]
    pub fn otp(mut self, otp: Pin) -> Self {
        self.otp = Some(otp);
        self
    }

    /// Signature activation data that the host got itself, such as by OAuth 2.0
    /// with the scope `credential`; nothing is authorised then but signed at once.
    #[must_use]
    pub fn activated(mut self, sad: Pin) -> Self {
        self.sad = Some(sad);
        self
    }

    /// The access token itself permits the signatures (version 2, scope `credential`).
    #[must_use]
    pub const fn by_token(mut self) -> Self {
        self.by_token = true;
        self
    }
}

impl CscCredential {
    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Certificate and chain, for preparing signatures.
    #[must_use]
    pub const fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    /// The same, its chain completed as by [`SignerIdentity::completed`]: services may answer with the
    /// signer's certificate alone.
    #[must_use]
    pub fn completed(mut self, anchors: &TrustAnchors, others: &[Certificate], at: Time) -> Self {
        self.identity = self.identity.completed(anchors, others, at);
        self
    }

    /// What the service says it is.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Signatures that one authorisation permits.
    #[must_use]
    pub const fn multisign(&self) -> usize {
        self.multisign
    }

    /// Whether each authorisation is bound to the digests (sole control assurance level 2).
    #[must_use]
    pub const fn is_bound_to_digests(&self) -> bool {
        self.scal2
    }

    /// Whether a PIN is asked for.
    #[must_use]
    pub const fn pin(&self) -> Demand {
        self.pin
    }

    /// Whether a one-time password is asked for.
    #[must_use]
    pub const fn otp(&self) -> Demand {
        self.otp
    }

    /// Whether the one-time password has to be sent for ([`CscService::send_otp`]).
    #[must_use]
    pub const fn otp_is_sent(&self) -> bool {
        self.otp_sent
    }

    /// The algorithm that the key uses by default: the usual one for its kind, if the service makes it.
    #[must_use]
    pub fn default_algorithm(&self) -> SignatureAlgorithm {
        let key = self.identity.certificate().public_key();
        let digests = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
        let usual = SignatureAlgorithm::default_for(key);
        let others = digests.into_iter().flat_map(|digest| match key.key_type() {
            KeyType::Ec(_) => vec![SignatureAlgorithm::Ecdsa(digest)],
            _ => vec![SignatureAlgorithm::RsaPkcs1v15(digest), SignatureAlgorithm::RsaPss(PssParameters::new(digest))],
        });
        let mut all = usual.into_iter().chain(others);
        all.find(|algorithm| self.name_of(algorithm).is_ok())
            .or(usual)
            .unwrap_or(SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256))
    }

    /// Ready to sign one batch.
    #[must_use]
    pub fn signer(&self, authorisation: Authorisation) -> CscSigner {
        CscSigner::new(self.clone(), authorisation)
    }

    pub(super) const fn service(&self) -> &CscService {
        &self.service
    }

    pub(super) fn pin_id(&self) -> &str {
        &self.pin_id
    }

    pub(super) fn otp_id(&self) -> &str {
        &self.otp_id
    }

    /// Refuses what the service would refuse, before a PIN is on its way.
    pub(super) fn check(&self, count: usize, authorisation: &Authorisation) -> Result<(), Error> {
        let refused = |reason, detail: String| Err(Error::from(Refused::new(reason, detail)));
        let id = &self.id;
        if let Some(status) = self.key_status.as_deref().filter(|status| *status != "enabled") {
            return refused(RefusalReason::CertificateUsage, format!("the key of the credential {id} is {status}"));
        }
        match self.certificate_status.as_deref() {
            None | Some("valid") => {}
            Some("expired") => {
                return refused(RefusalReason::CertificateTime, format!("the certificate of {id} is expired"));
            }
            Some(status) => {
                return refused(RefusalReason::CertificateRevoked, format!("the certificate of {id} is {status}"));
            }
        }
        if count == 0 || count > self.multisign {
            let message = format!(
                "{count} signatures were asked for; one authorisation of the credential {id} permits 1 to {}",
                self.multisign
            );
            return Err(Misuse::new(message).into());
        }
        if authorisation.sad.is_some() || authorisation.by_token {
            return Ok(());
        }
        if self.mode.as_deref().is_some_and(|mode| mode.starts_with("oauth2")) {
            let message = format!(
                "the credential {id} is authorised by OAuth 2.0 alone: let its user do that, and hand over the signature activation data"
            );
            return Err(Misuse::new(message).into());
        }
        let missing = |what: &str| SecretError::Missing { what: format!("{what} of the credential {id}").into() };
        if self.pin == Demand::Demanded && authorisation.pin.is_none() {
            return Err(missing("the PIN").into());
        }
        if self.otp == Demand::Demanded && authorisation.otp.is_none() {
            return Err(missing("a one-time password").into());
        }
        Ok(())
    }

    /// How the service names an algorithm, with its parameters in DER.
    pub(super) fn name_of(&self, algorithm: &SignatureAlgorithm) -> Result<(String, Option<Vec<u8>>), Error> {
        let der = algorithm.to_der();
        let mut reader = Reader::new(&der, Format::Asn1).expect(0x30, "AlgorithmIdentifier")?.reader(Format::Asn1);
        let whole = reader.expect(0x06, "algorithm")?.oid(Format::Asn1, "algorithm")?.to_string();
        let parameters = match algorithm {
            SignatureAlgorithm::RsaPss(_) => Some(reader.any("parameters")?.raw.to_vec()),
            _ => None,
        };
        let listed = |oid: &str| self.algorithms.iter().any(|known| known == oid);
        let of_key = match algorithm {
            SignatureAlgorithm::RsaPkcs1v15(_) => Some(RSA),
            SignatureAlgorithm::Ecdsa(_) => Some(EC),
            _ => None,
        };
        if algorithm.digest().is_some() {
            if self.algorithms.is_empty() || listed(&whole) {
                return Ok((whole, parameters));
            }
            if let Some(key) = of_key.filter(|oid| listed(oid)) {
                return Ok((key.to_owned(), None));
            }
        }
        let message = format!(
            "the credential {} does not make {}; its service lists {}",
            self.id,
            algorithm.name(),
            self.algorithms.join(", ")
        );
        Err(Misuse::new(message).into())
    }
}

/// Reads the answer of `credentials/info`.
pub(super) fn read(service: &CscService, id: &str, answer: View<'_>) -> Result<CscCredential, Error> {
    let url = service.url("credentials/info");
    let fault = |detail: String| Error::from(FetchError::new(url.as_str(), detail));
    let certificate = answer.object("cert");
    let texts = certificate.as_ref().and_then(|cert| cert.texts("certificates")).unwrap_or_default();
    if texts.len() > MOST_CERTIFICATES {
        return Err(fault(format!("{} certificates; at most {MOST_CERTIFICATES} make a chain", texts.len())));
    }
    let mut chain = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let certificate = message::base64(text).and_then(|der| Certificate::from_der(&der).ok());
        let number = index + 1;
        chain.push(certificate.ok_or_else(|| fault(format!("certificate {number} is no certificate in base64")))?);
    }
    if chain.is_empty() {
        return Err(fault(format!("the credential {id} has no certificate")));
    }
    let identity = SignerIdentity::new(chain.remove(0), chain);
    let key = answer.object("key");
    let algorithms = key.as_ref().and_then(|key| key.texts("algo")).unwrap_or_default();
    let algorithms = algorithms.into_iter().filter(|oid| Oid::parse(oid).is_some()).map(str::to_owned).collect();
    let mut credential = CscCredential {
        service: service.clone(),
        id: id.to_owned(),
        identity,
        description: answer.text("description").map(str::to_owned),
        algorithms,
        key_status: key.as_ref().and_then(|key| key.text("status")).map(str::to_owned),
        certificate_status: certificate.as_ref().and_then(|cert| cert.text("status")).map(str::to_owned),
        mode: answer.text("authMode").map(str::to_owned),
        scal2: answer.number("SCAL") == Some(2),
        multisign: answer.number("multisign").unwrap_or(1).max(1),
        pin: demand(answer.object("PIN")),
        otp: demand(answer.object("OTP")),
        pin_id: "PIN".to_owned(),
        otp_id: "OTP".to_owned(),
        otp_sent: answer.object("OTP").is_some_and(|otp| otp.text("type") == Some("online")),
    };
    if let (CscVersion::V2, Some(auth)) = (service.version, answer.object("auth")) {
        credential.mode = auth.text("mode").map(str::to_owned);
        for object in auth.objects("objects") {
            let Some(id) = object.text("id") else { continue };
            // What is generated is a one-time password; so is what is named like one.
            if object.text("generator").is_some() || id.to_ascii_uppercase().contains("OTP") {
                credential.otp = Demand::Demanded;
                id.clone_into(&mut credential.otp_id);
            } else if object.text("type").is_none_or(|kind| kind == "Password") {
                credential.pin = Demand::Demanded;
                id.clone_into(&mut credential.pin_id);
            }
        }
    }
    Ok(credential)
}

fn demand(object: Option<View<'_>>) -> Demand {
    match object.and_then(|object| object.scalar("presence")).as_deref() {
        Some("true") => Demand::Demanded,
        Some("optional") => Demand::Optional,
        _ => Demand::NotUsed,
    }
}
