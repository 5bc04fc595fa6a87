//! Identifiers of content types and attributes.

use crate::asn1::Oid;

macro_rules! pkcs {
    ($($last:literal),+) => { Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, $($last),+]) };
}

/// `id-data`, 1.2.840.113549.1.7.1.
pub const CONTENT_DATA: Oid = pkcs!(7, 1);
/// `id-ct-TSTInfo`, 1.2.840.113549.1.9.16.1.4 (RFC 3161).
pub const CONTENT_TST_INFO: Oid = pkcs!(9, 16, 1, 4);

pub(crate) const SIGNED_DATA: Oid = pkcs!(7, 2);

// Attributes of RFC 5652 §11.
pub(crate) const CONTENT_TYPE: Oid = pkcs!(9, 3);
pub(crate) const MESSAGE_DIGEST: Oid = pkcs!(9, 4);
pub(crate) const SIGNING_TIME: Oid = pkcs!(9, 5);
pub(crate) const COUNTER_SIGNATURE: Oid = pkcs!(9, 6);
/// RFC 6211.
pub(crate) const ALGORITHM_PROTECTION: Oid = pkcs!(9, 52);

// Attributes of RFC 5035 and EN 319 122-1.
pub(crate) const SIGNING_CERTIFICATE: Oid = pkcs!(9, 16, 2, 12);
pub(crate) const SIGNATURE_POLICY: Oid = pkcs!(9, 16, 2, 15);
pub(crate) const SIGNATURE_TIME_STAMP: Oid = pkcs!(9, 16, 2, 14);
pub(crate) const CERTIFICATE_VALUES: Oid = pkcs!(9, 16, 2, 23);
pub(crate) const REVOCATION_VALUES: Oid = pkcs!(9, 16, 2, 24);
pub(crate) const SIGNING_CERTIFICATE_V2: Oid = pkcs!(9, 16, 2, 47);
/// 0.4.0.1733.2.4.
pub(crate) const ARCHIVE_TIME_STAMP_V3: Oid = Oid::known(&[0x04, 0x00, 0x8D, 0x45, 2, 4]);
/// `id-aa-ATSHashIndex`, 0.4.0.1733.2.5.
pub(crate) const ATS_HASH_INDEX: Oid = Oid::known(&[0x04, 0x00, 0x8D, 0x45, 2, 5]);
/// 0.4.0.19122.1.4.
pub(crate) const ATS_HASH_INDEX_V2: Oid = Oid::known(&[0x04, 0x00, 0x81, 0x95, 0x32, 1, 4]);
/// 0.4.0.19122.1.5.
pub(crate) const ATS_HASH_INDEX_V3: Oid = Oid::known(&[0x04, 0x00, 0x81, 0x95, 0x32, 1, 5]);
/// Adobe's `RevocationInfoArchival`, 1.2.840.113583.1.1.8 (ISO 32000-1 §12.8.3.3.2).
pub(crate) const REVOCATION_ARCHIVAL: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x2F, 1, 1, 8]);
/// `id-ri-ocsp-response`, 1.3.6.1.5.5.7.16.2 (RFC 5940).
pub(crate) const OCSP_RESPONSE: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 16, 2]);
