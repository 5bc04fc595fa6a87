//! Identifiers of extensions and name attributes, as content octets.

use crate::asn1::Oid;

// Extensions of certificates and CRLs (RFC 5280 §4.2, §5.2, §5.3).
pub(crate) const SUBJECT_KEY_IDENTIFIER: Oid = Oid::known(&[0x55, 0x1D, 14]);
pub(crate) const KEY_USAGE: Oid = Oid::known(&[0x55, 0x1D, 15]);
pub(crate) const SUBJECT_ALT_NAME: Oid = Oid::known(&[0x55, 0x1D, 17]);
pub(crate) const BASIC_CONSTRAINTS: Oid = Oid::known(&[0x55, 0x1D, 19]);
pub(crate) const CRL_NUMBER: Oid = Oid::known(&[0x55, 0x1D, 20]);
pub(crate) const REASON_CODE: Oid = Oid::known(&[0x55, 0x1D, 21]);
pub(crate) const INVALIDITY_DATE: Oid = Oid::known(&[0x55, 0x1D, 24]);
pub(crate) const DELTA_CRL_INDICATOR: Oid = Oid::known(&[0x55, 0x1D, 27]);
pub(crate) const ISSUING_DISTRIBUTION_POINT: Oid = Oid::known(&[0x55, 0x1D, 28]);
pub(crate) const CERTIFICATE_ISSUER: Oid = Oid::known(&[0x55, 0x1D, 29]);
pub(crate) const NAME_CONSTRAINTS: Oid = Oid::known(&[0x55, 0x1D, 30]);
pub(crate) const CRL_DISTRIBUTION_POINTS: Oid = Oid::known(&[0x55, 0x1D, 31]);
pub(crate) const CERTIFICATE_POLICIES: Oid = Oid::known(&[0x55, 0x1D, 32]);
pub(crate) const POLICY_MAPPINGS: Oid = Oid::known(&[0x55, 0x1D, 33]);
pub(crate) const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::known(&[0x55, 0x1D, 35]);
pub(crate) const POLICY_CONSTRAINTS: Oid = Oid::known(&[0x55, 0x1D, 36]);
pub(crate) const EXTENDED_KEY_USAGE: Oid = Oid::known(&[0x55, 0x1D, 37]);
pub(crate) const FRESHEST_CRL: Oid = Oid::known(&[0x55, 0x1D, 46]);
pub(crate) const INHIBIT_ANY_POLICY: Oid = Oid::known(&[0x55, 0x1D, 54]);
/// X.509 §9.5.2.8.
pub(crate) const EXPIRED_CERTS_ON_CRL: Oid = Oid::known(&[0x55, 0x1D, 60]);
pub(crate) const AUTHORITY_INFO_ACCESS: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 1, 1]);

// OCSP (RFC 6960).
pub(crate) const OCSP_BASIC: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 1, 1]);
pub(crate) const OCSP_NONCE: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 1, 2]);
pub(crate) const OCSP_NOCHECK: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 1, 5]);

/// `extensionRequest` (RFC 2985 §5.4.2).
pub(crate) const EXTENSION_REQUEST: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 14]);

/// `id-signedData` (RFC 5652 §5.1).
pub(crate) const SIGNED_DATA: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2]);

// Attributes of names.
pub(crate) const COMMON_NAME: Oid = Oid::known(&[0x55, 4, 3]);

/// The short names with which RFC 4514 §3 and common use write a name.
pub(crate) const SHORT_NAMES: &[(Oid, &str)] = &[
    (COMMON_NAME, "CN"),
    (Oid::known(&[0x55, 4, 10]), "O"),
    (Oid::known(&[0x55, 4, 11]), "OU"),
    (Oid::known(&[0x55, 4, 6]), "C"),
    (Oid::known(&[0x55, 4, 7]), "L"),
    (Oid::known(&[0x55, 4, 8]), "ST"),
    (Oid::known(&[0x55, 4, 9]), "STREET"),
    (Oid::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25]), "DC"),
    (Oid::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1]), "UID"),
    (Oid::known(&[0x55, 4, 5]), "serialNumber"),
    (Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1]), "emailAddress"),
];
