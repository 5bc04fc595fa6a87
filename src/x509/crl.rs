//! Certificate revocation lists (RFC 5280 §5).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use super::certificate::Serial;
use super::certificate::Signed;
use super::certificate::range;
use super::extension;
use super::extension::DistributionPoint;
use super::extension::Extension;
use super::extension::GeneralName;
use super::extension::IssuingDistributionPoint;
use super::extension::RevocationReason;
use super::memo::SignatureMemo;
use super::name::Name;
use super::oids;
use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::pem;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::time::Time;

const FORMAT: Format = Format::Crl;

/// A CRL: its octets, decoded once; entries are read on demand. Cloning shares it.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    tbs: Range<usize>,
    tbs_signature_algorithm: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    extensions: Vec<Extension>,
    /// Content of `revokedCertificates`.
    entries: Range<usize>,
    count: usize,
    index: OnceLock<Result<Index, Malformed>>,
    sha256: OnceLock<Digest>,
    memo: SignatureMemo,
}

/// Entries by serial number.
struct Index {
    /// Sorted by key, then by place.
    slots: Vec<Slot>,
    /// Each `certificateIssuer` as it took effect, in the order of the entries.
    issuers: Vec<Vec<Name>>,
    unknown_critical: Option<Oid>,
}

struct Slot {
    /// The last eight octets of the serial number.
    key: u64,
    /// Where the entry begins within the entries.
    at: usize,
    /// Number of issuers in force so far; 0: the CRL's own.
    issuer: usize,
}

/// One entry of a CRL.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevokedEntry {
    /// The certificate's serial number.
    pub serial: Serial,
    /// `revocationDate`.
    pub revocation_time: Time,
    /// `reasonCode`, where present.
    pub reason: Option<RevocationReason>,
    /// `invalidityDate`, where present.
    pub invalidity_time: Option<Time>,
    /// The certificate issuer in force at this entry of an indirect CRL
    /// (carried forward from earlier entries); `None`: the CRL's own issuer.
    pub certificate_issuer: Option<Name>,
    /// An entry extension that is critical and unknown.
    pub unknown_critical: bool,
}

impl Crl {
    /// Reads one CRL; BER is taken and kept as its DER form.
    ///
    /// # Errors
    /// Input that does not have the form of a CRL, or has something after it.
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let (der, rest) = asn1::to_der(input, &Limits::default())?;
        if !rest.is_empty() {
            return Err(Malformed::new(FORMAT, "CertificateList", "nothing after it").at(der.len() as u64).into());
        }
        Self::decode(der.into_owned())
    }

    /// PEM (`X509 CRL`, the first block of it) or DER.
    ///
    /// # Errors
    /// Content that is neither.
    pub fn from_file(octets: &[u8]) -> Result<Self, Error> {
        if !pem::is_pem(octets) {
            return Self::from_der(octets);
        }
        for block in pem::blocks(octets) {
            let block = block?;
            if matches!(block.label, b"X509 CRL" | b"CRL") {
                return Self::from_der(&block.decode()?);
            }
        }
        Err(Malformed::new(Format::Pem, "file", "a block of kind X509 CRL").into())
    }

    fn decode(der: Vec<u8>) -> Result<Self, Error> {
        let outer = Reader::new(&der, FORMAT).expect(0x30, "CertificateList")?;
        let signed = Signed::read(&outer, "tbsCertList", FORMAT)?;
        signed.rest.end("CertificateList")?;

        let mut tbs = signed.tbs.reader(FORMAT);
        tbs.optional(0x02, "version")?;
        let tbs_signature_algorithm = range(&tbs.expect(0x30, "signature")?);
        let issuer = Name::from_der(tbs.expect(0x30, "issuer")?.raw)?;
        let this_update = tbs.any("thisUpdate")?.time(FORMAT, "thisUpdate")?;
        let next_update = match tbs.peek() {
            Some(0x17 | 0x18) => Some(tbs.any("nextUpdate")?.time(FORMAT, "nextUpdate")?),
            _ => None,
        };
        let (mut entries, mut count) = (0..0, 0);
        if let Some(list) = tbs.optional(0x30, "revokedCertificates")? {
            let end = range(&list).end;
            entries = end - list.content.len()..end;
            let mut list = list.reader(FORMAT);
            while !list.is_empty() {
                list.expect(0x30, "revokedCertificates")?;
                count += 1;
            }
        }
        let extensions = match tbs.optional(0xA0, "crlExtensions")? {
            None => Vec::new(),
            Some(outer) => {
                let mut inner = outer.reader(FORMAT);
                let all = extension::extensions(&inner.expect(0x30, "crlExtensions")?, FORMAT)?;
                inner.end("crlExtensions")?;
                all
            }
        };
        tbs.end("tbsCertList")?;

        let (tbs, signature_algorithm) = (range(&signed.tbs), range(&signed.algorithm));
        let signature = signed.signature;
        Ok(Self(Arc::new(Inner {
            tbs,
            tbs_signature_algorithm,
            signature_algorithm,
            signature,
            issuer,
            this_update,
            next_update,
            extensions,
            entries,
            count,
            index: OnceLock::new(),
            sha256: OnceLock::new(),
            memo: SignatureMemo::default(),
            der,
        })))
    }

    /// The octets of the CRL.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of the whole CRL, computed once.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        *self.0.sha256.get_or_init(|| DigestAlgorithm::Sha256.digest(self.der()))
    }

    /// What is known of its signature.
    pub(crate) fn signature_memo(&self) -> &SignatureMemo {
        &self.0.memo
    }

    /// The octets that the issuer signed: `tbsCertList` with its tag and length.
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// `issuer`, of the CRL.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// `thisUpdate`.
    #[must_use]
    pub fn this_update(&self) -> Time {
        self.0.this_update
    }

    /// `nextUpdate`; RFC 5280 §5.1.2.5 demands it, X.509 does not.
    #[must_use]
    pub fn next_update(&self) -> Option<Time> {
        self.0.next_update
    }

    /// DER `AlgorithmIdentifier` outside of the signed part.
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        self.slice(&self.0.signature_algorithm)
    }

    /// DER `AlgorithmIdentifier` inside of the signed part; must equal the outer one.
    #[must_use]
    pub fn tbs_signature_algorithm(&self) -> &[u8] {
        self.slice(&self.0.tbs_signature_algorithm)
    }

    /// The octets of the signature; none where it has bits left over, as no signature has.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    /// All extensions of the CRL itself, in their order.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.count
    }

    /// No entry at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or(&[])
    }
}

/// Typed extensions: `None` where absent. A malformed or repeated one makes its
/// getter an error, so that it can never be taken for absent.
#[allow(clippy::missing_errors_doc)] // said above for all of them
impl Crl {
    /// `cRLNumber` (RFC 5280 §5.2.3), INTEGER content octets.
    pub fn crl_number(&self) -> Result<Option<Serial>, Error> {
        self.number(&oids::CRL_NUMBER, "cRLNumber")
    }

    /// `BaseCRLNumber` of a delta CRL (RFC 5280 §5.2.4).
    pub fn delta_base(&self) -> Result<Option<Serial>, Error> {
        self.number(&oids::DELTA_CRL_INDICATOR, "deltaCRLIndicator")
    }

    /// The key identifier of `authorityKeyIdentifier` (RFC 5280 §5.2.1).
    pub fn authority_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        extension::authority_key_identifier(self.extensions(), FORMAT)
    }

    /// `issuingDistributionPoint` (RFC 5280 §5.2.5).
    pub fn issuing_distribution_point(&self) -> Result<Option<IssuingDistributionPoint>, Error> {
        self.read(&oids::ISSUING_DISTRIBUTION_POINT, "issuingDistributionPoint", |r| {
            extension::issuing_distribution_point(r, FORMAT)
        })
    }

    /// `freshestCRL` (RFC 5280 §5.2.6): where the delta CRLs are.
    pub fn freshest_crl(&self) -> Result<Option<Vec<DistributionPoint>>, Error> {
        self.read(&oids::FRESHEST_CRL, "freshestCRL", |r| extension::distribution_points(r, FORMAT))
    }

    /// `expiredCertsOnCRL` (X.509 §9.5.2.8).
    pub fn expired_certs_on_crl(&self) -> Result<Option<Time>, Error> {
        let field = "expiredCertsOnCRL";
        self.read(&oids::EXPIRED_CERTS_ON_CRL, field, |r| r.expect(0x18, field)?.time(FORMAT, field))
    }

    fn number(&self, oid: &Oid, field: &'static str) -> Result<Option<Serial>, Error> {
        self.read(oid, field, |r| r.expect(0x02, field)?.integer(FORMAT, field).map(Serial::from_content))
    }

    fn read<'a, T>(
        &'a self,
        oid: &Oid,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        extension::decoded(self.extensions(), oid, field, FORMAT, read)
    }
}

/// Entries.
impl Crl {
    /// The entry for a certificate with this serial issued by `issuer`. Linear once, then indexed.
    ///
    /// Where entries repeat, the one that revokes earliest counts, and
    /// `removeFromCRL` only where there is no other.
    ///
    /// # Errors
    /// A malformed entry: any, as far as its serial number and issuer go; and
    /// this one in all its parts.
    pub fn entry(&self, issuer: &Name, serial: &Serial) -> Result<Option<RevokedEntry>, Error> {
        let index = self.index()?;
        let key = key(serial.content());
        let from = index.slots.partition_point(|slot| slot.key < key);
        let mut best: Option<RevokedEntry> = None;
        for slot in index.slots.iter().skip(from).take_while(|slot| slot.key == key) {
            let raw = self.entry_octets().get(slot.at..).unwrap_or(&[]);
            let found = Reader::new(raw, FORMAT).expect(0x30, "revokedCertificates")?;
            if found.reader(FORMAT).expect(0x02, "userCertificate")?.content != serial.content() {
                continue;
            }
            let named = match slot.issuer.checked_sub(1).and_then(|i| index.issuers.get(i)) {
                None if issuer == self.issuer() => None,
                None => continue,
                Some(names) => match names.iter().find(|name| *name == issuer) {
                    Some(name) => Some(name.clone()),
                    None => continue,
                },
            };
            let entry = entry(&found, named)?;
            if best.as_ref().is_none_or(|best| rank(&entry) < rank(best)) {
                best = Some(entry);
            }
        }
        Ok(best)
    }

    /// An extension of any entry that is critical and unknown.
    ///
    /// Such a CRL tells the status of no certificate at all (RFC 5280 §5.3).
    ///
    /// # Errors
    /// A malformed entry.
    pub fn unknown_critical_entry_extension(&self) -> Result<Option<Oid>, Error> {
        Ok(self.index()?.unknown_critical)
    }

    /// Whether any entry names a certificate issuer, as only indirect CRLs may.
    ///
    /// # Errors
    /// A malformed entry.
    pub fn names_certificate_issuers(&self) -> Result<bool, Error> {
        Ok(!self.index()?.issuers.is_empty())
    }

    /// All entries in their order, each with the certificate issuer in force at it.
    pub fn entries(&self) -> impl Iterator<Item = Result<RevokedEntry, Error>> {
        let mut list = Reader::new(self.entry_octets(), FORMAT);
        let mut issuer: Option<Name> = None;
        std::iter::from_fn(move || {
            if list.is_empty() {
                return None;
            }
            // The list was walked when the CRL was read, so that this fails for none of it.
            Some(list.expect(0x30, "revokedCertificates").and_then(|value| {
                if let Some(names) = issuer_of(&value)? {
                    issuer = names.into_iter().next();
                }
                entry(&value, issuer.clone())
            }))
        })
    }

    fn entry_octets(&self) -> &[u8] {
        self.slice(&self.0.entries)
    }

    fn index(&self) -> Result<&Index, Error> {
        let built = self.0.index.get_or_init(|| {
            self.build_index().map_err(|e| match e {
                Error::Malformed(fault) => fault,
                other => Malformed::new(FORMAT, "revokedCertificates", "readable entries").found(other),
            })
        });
        built.as_ref().map_err(|fault| fault.clone().into())
    }

    fn build_index(&self) -> Result<Index, Error> {
        let mut index = Index { slots: Vec::with_capacity(self.0.count), issuers: Vec::new(), unknown_critical: None };
        let mut list = Reader::new(self.entry_octets(), FORMAT);
        while !list.is_empty() {
            let value = list.expect(0x30, "revokedCertificates")?;
            let mut parts = value.reader(FORMAT);
            let serial = parts.expect(0x02, "userCertificate")?.integer(FORMAT, "userCertificate")?;
            parts.any("revocationDate")?;
            if let Some(list) = parts.optional(0x30, "crlEntryExtensions")? {
                let extensions = extension::extensions(&list, FORMAT)?;
                if let Some(names) = certificate_issuer(&extensions)? {
                    index.issuers.push(names);
                }
                if index.unknown_critical.is_none() {
                    index.unknown_critical = unknown_critical(&extensions);
                }
            }
            parts.end("revokedCertificates")?;
            let at = usize::try_from(value.offset).unwrap_or(usize::MAX);
            index.slots.push(Slot { key: key(serial), at, issuer: index.issuers.len() });
        }
        index.slots.sort_unstable_by_key(|slot| (slot.key, slot.at));
        Ok(index)
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl")
            .field("issuer", self.issuer())
            .field("this_update", &self.this_update())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn key(serial: &[u8]) -> u64 {
    serial.iter().fold(0, |key, b| key << 8 | u64::from(*b))
}

/// Lower for the entry that says more against the certificate.
fn rank(entry: &RevokedEntry) -> (bool, Time) {
    (entry.reason == Some(RevocationReason::RemoveFromCrl), entry.revocation_time)
}

fn entry(value: &Tlv<'_>, certificate_issuer: Option<Name>) -> Result<RevokedEntry, Error> {
    let mut parts = value.reader(FORMAT);
    let serial = parts.expect(0x02, "userCertificate")?.integer(FORMAT, "userCertificate")?;
    let revocation_time = parts.any("revocationDate")?.time(FORMAT, "revocationDate")?;
    let extensions = match parts.optional(0x30, "crlEntryExtensions")? {
        Some(list) => extension::extensions(&list, FORMAT)?,
        None => Vec::new(),
    };
    let reason = extension::decoded(&extensions, &oids::REASON_CODE, "reasonCode", FORMAT, |r| {
        RevocationReason::read(&r.expect(0x0A, "reasonCode")?, FORMAT)
    })?;
    let field = "invalidityDate";
    let invalidity_time = extension::decoded(&extensions, &oids::INVALIDITY_DATE, field, FORMAT, |r| {
        r.expect(0x18, field)?.time(FORMAT, field)
    })?;
    Ok(RevokedEntry {
        serial: Serial::from_content(serial),
        revocation_time,
        reason,
        invalidity_time,
        certificate_issuer,
        unknown_critical: unknown_critical(&extensions).is_some(),
    })
}

fn issuer_of(entry: &Tlv<'_>) -> Result<Option<Vec<Name>>, Error> {
    let mut parts = entry.reader(FORMAT);
    parts.expect(0x02, "userCertificate")?;
    parts.any("revocationDate")?;
    match parts.optional(0x30, "crlEntryExtensions")? {
        Some(list) => certificate_issuer(&extension::extensions(&list, FORMAT)?),
        None => Ok(None),
    }
}

/// The directory names of `certificateIssuer` (RFC 5280 §5.3.3).
fn certificate_issuer(extensions: &[Extension]) -> Result<Option<Vec<Name>>, Error> {
    let field = "certificateIssuer";
    extension::decoded(extensions, &oids::CERTIFICATE_ISSUER, field, FORMAT, |r| {
        let value = r.expect(0x30, field)?;
        let names: Vec<Name> = extension::general_names(&value, FORMAT)?
            .into_iter()
            .filter_map(|name| match name {
                GeneralName::Directory(name) => Some(name),
                _ => None,
            })
            .collect();
        // Whose certificate the entry names could not be said.
        if names.is_empty() { Err(value.fault(FORMAT, field, "a directoryName").into()) } else { Ok(names) }
    })
}

fn unknown_critical(extensions: &[Extension]) -> Option<Oid> {
    let known = [oids::REASON_CODE, oids::INVALIDITY_DATE, oids::CERTIFICATE_ISSUER];
    extensions.iter().find(|e| e.critical && !known.contains(&e.oid)).map(|e| e.oid)
}
