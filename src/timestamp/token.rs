//! `TimeStampToken` and `TSTInfo` (RFC 3161 §2.4.2).

use std::time::Duration;

use super::request::imprint;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::cms::CONTENT_TST_INFO;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::cms::Verification;
use crate::cms::VerificationFault;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::PublicKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::time::Time;
use crate::x509::Serial;

const FORMAT: Format = Format::TimeStamp;

/// How far the true time may lie from `genTime`, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuracy(Duration);

/// A time-stamp token: a SignedData over a TSTInfo, decoded once.
#[derive(Clone, Debug)]
pub struct TimeStampToken {
    signed: SignedData,
    policy: Oid,
    imprint: Digest,
    serial: Serial,
    time: Time,
    accuracy: Option<Accuracy>,
    ordering: bool,
    nonce: Option<Vec<u8>>,
    tsa: Option<Vec<u8>>,
}

impl Accuracy {
    /// As a duration; what is left out counts as zero.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl TimeStampToken {
    /// Reads a token; BER is taken, nothing may follow.
    ///
    /// # Errors
    /// Input that does not have its form, another content type than TSTInfo,
    /// not exactly one signer (§2.4.2), an unknown digest algorithm.
    pub fn from_octets(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::new(SignedData::from_octets(octets, limits)?)
    }

    /// As [`from_octets`](Self::from_octets), with zeros after it, as in the `/Contents` of a document time-stamp.
    ///
    /// # Errors
    /// As there.
    pub fn from_padded(octets: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::new(SignedData::from_padded(octets, limits)?)
    }

    /// A SignedData as a token.
    ///
    /// # Errors
    /// As [`from_octets`](Self::from_octets).
    pub fn new(signed: SignedData) -> Result<Self, Error> {
        if *signed.content_type() != CONTENT_TST_INFO {
            let found = signed.content_type().to_string();
            return Err(Malformed::new(FORMAT, "eContentType", "id-ct-TSTInfo").found(found).into());
        }
        if signed.signers().len() != 1 {
            let found = signed.signers().len();
            return Err(Malformed::new(FORMAT, "signerInfos", "one signer").found(found).into());
        }
        let content = signed
            .content()
            .ok_or_else(|| Error::from(Malformed::new(FORMAT, "eContent", "a TSTInfo").found("no content")))?;
        let mut outer = Reader::new(content, FORMAT);
        let mut parts = outer.expect(0x30, "TSTInfo")?.reader(FORMAT);
        outer.end("TSTInfo")?;
        let version = parts.expect(0x02, "version")?;
        if version.small(FORMAT, "version")? != 1 {
            return Err(version.fault(FORMAT, "version", "1").into());
        }
        let policy = parts.expect(0x06, "policy")?.oid(FORMAT, "policy")?;
        let imprint = imprint(&parts.expect(0x30, "messageImprint")?)?;
        let serial = Serial::from_content(parts.expect(0x02, "serialNumber")?.integer(FORMAT, "serialNumber")?);
        let time = parts.expect(0x18, "genTime")?.time(FORMAT, "genTime")?;
        let accuracy = match parts.optional(0x30, "accuracy")? {
            None => None,
            Some(accuracy) => {
                let mut fields = accuracy.reader(FORMAT);
                let mut field = |tag: u8| -> Result<u64, Error> {
                    match fields.optional(tag, "accuracy")? {
                        Some(value) => Ok(u64::from(value.small(FORMAT, "accuracy")?)),
                        None => Ok(0),
                    }
                };
                let (seconds, millis, micros) = (field(0x02)?, field(0x80)?, field(0x81)?);
                fields.end("accuracy")?;
                let fraction = Duration::from_millis(millis).saturating_add(Duration::from_micros(micros));
                Some(Accuracy(Duration::from_secs(seconds).saturating_add(fraction)))
            }
        };
        let ordering = match parts.optional(0x01, "ordering")? {
            Some(flag) => flag.boolean(FORMAT, "ordering")?,
            None => false,
        };
        let nonce = match parts.optional(0x02, "nonce")? {
            Some(nonce) => Some(nonce.integer(FORMAT, "nonce")?.to_vec()),
            None => None,
        };
        let tsa = parts.optional(0xA0, "tsa")?.map(|name| name.content.to_vec());
        parts.optional(0xA1, "extensions")?;
        parts.end("TSTInfo")?;
        Ok(Self { policy, imprint, serial, time, accuracy, ordering, nonce, tsa, signed })
    }

    /// The SignedData around it.
    #[must_use]
    pub const fn signed_data(&self) -> &SignedData {
        &self.signed
    }

    /// Its one signer.
    #[must_use]
    pub fn signer(&self) -> Option<&SignerInfo> {
        self.signed.signers().first()
    }

    /// The token in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.signed.der()
    }

    /// `policy`.
    #[must_use]
    pub const fn policy(&self) -> &Oid {
        &self.policy
    }

    /// `messageImprint`: the digest that was time-stamped.
    #[must_use]
    pub const fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// `serialNumber`.
    #[must_use]
    pub const fn serial(&self) -> &Serial {
        &self.serial
    }

    /// `genTime`, as the authority states it.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.time
    }

    /// `accuracy`.
    #[must_use]
    pub const fn accuracy(&self) -> Option<Accuracy> {
        self.accuracy
    }

    /// `ordering`: any two tokens of this authority can be ordered by their times.
    #[must_use]
    pub const fn ordering(&self) -> bool {
        self.ordering
    }

    /// The content octets of the nonce INTEGER.
    #[must_use]
    pub fn nonce_content(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// `tsa`: a GeneralName in DER, as the authority calls itself.
    #[must_use]
    pub fn tsa(&self) -> Option<&[u8]> {
        self.tsa.as_deref()
    }

    /// Verifies digest and signature value of the token itself. Whether its
    /// imprint is that of the data in question is compared apart.
    #[must_use]
    pub fn verify(&self, key: &PublicKey, backend: Backend) -> Verification {
        let fault = |message: String| Verification {
            fault: Some(VerificationFault::Unsupported(message)),
            deviations: Vec::new(),
        };
        let (Some(signer), Some(content)) = (self.signer(), self.signed.content()) else {
            return fault("no signer".to_owned());
        };
        match signer.digest_algorithm() {
            Ok(algorithm) => {
                let digest = algorithm.digest(content);
                signer.verify(key, self.signed.content_type(), &digest, Some(content), backend)
            }
            Err(e) => fault(e.to_string()),
        }
    }
}
