//! Validation and its report.

use std::num::NonZeroUsize;

use super::boundary;
use super::boundary::Out;
use super::bytes::KysoBytes;
use super::signing::time;
use super::status::KysoError;
use super::status::KysoStatus;
use crate::error::Misuse;
use crate::limits::Limits;
use crate::pdf::Pdf;
use crate::revocation::Evidence;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::validate::Overall;
use crate::validate::Policy;
use crate::validate::Report;
use crate::validate::Validator;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

/// There is no report.
pub const KYSO_INDICATION_NONE: i32 = -1;
/// The document holds no signature.
pub const KYSO_INDICATION_NO_SIGNATURE: i32 = 0;
/// Every signature passed (TOTAL-PASSED).
pub const KYSO_INDICATION_PASSED: i32 = 1;
/// None failed, at least one is not decided (INDETERMINATE).
pub const KYSO_INDICATION_INDETERMINATE: i32 = 2;
/// At least one failed (TOTAL-FAILED).
pub const KYSO_INDICATION_FAILED: i32 = 3;

/// What a validation goes by: time, trust, evidence, policy.
#[derive(Debug)]
pub struct KysoValidation {
    at: Time,
    policy: Policy,
    anchors: TrustAnchors,
    evidence: Evidence,
    threads: NonZeroUsize,
}

/// What a validation found.
#[derive(Debug)]
pub struct KysoReport(Report);

/// A validation for the time `at`, in seconds since 1970-01-01T00:00:00Z.
///
/// Nothing is trusted yet: until kyso_validation_trust was called, nothing can pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_new(
    at: i64,
    validation: *mut *mut KysoValidation,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = Out::new(validation, "validation")?;
            let at = time(at)?;
            let evidence = Evidence::new();
            let (policy, anchors, threads) = (Policy::etsi(), TrustAnchors::none(), NonZeroUsize::MIN);
            validation.put(KysoValidation { at, policy, anchors, evidence, threads });
            Ok(())
        })
    }
}

/// Trusts every certificate of a file (PEM, DER, or a PKCS#7 bundle) as an
/// anchor, under a name that the report repeats. May be called more than once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_trust(
    validation: *mut KysoValidation,
    name: *const u8,
    name_length: usize,
    certificates: *const u8,
    certificates_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            let name = boundary::text(name, name_length, "name")?;
            let certificates = boundary::octets(certificates, certificates_length, "certificates")?;
            validation.anchors.add_set(TrustSet::from_file(name, certificates)?);
            Ok(())
        })
    }
}

/// Sets the policy, as JSON; without this call it is the library's ETSI policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_set_policy(
    validation: *mut KysoValidation,
    policy: *const u8,
    policy_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            validation.policy = Policy::from_json(boundary::text(policy, policy_length, "policy")?)?;
            Ok(())
        })
    }
}

/// Lets each document be validated by so many threads at a time: one, unless this is called. A large document
/// that was changed after it was signed is judged sooner by two; the report is the same.
///
/// KYSO_STATUS_MISUSE: `threads` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_set_threads(
    validation: *mut KysoValidation,
    threads: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            validation.threads = NonZeroUsize::new(threads).ok_or_else(|| Misuse::new("threads must not be 0"))?;
            Ok(())
        })
    }
}

/// Offers a CRL (DER or PEM). Nothing that is offered is trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_add_crl(
    validation: *mut KysoValidation,
    crl: *const u8,
    crl_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            validation.evidence.add_crl(Crl::from_file(boundary::octets(crl, crl_length, "crl")?)?);
            Ok(())
        })
    }
}

/// Offers an OCSP response (DER).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_add_ocsp(
    validation: *mut KysoValidation,
    response: *const u8,
    response_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            let response = boundary::octets(response, response_length, "response")?;
            validation.evidence.add_ocsp(OcspResponse::from_der(response)?);
            Ok(())
        })
    }
}

/// Offers certificates (PEM, DER, or a PKCS#7 bundle): issuers that a document does not hold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_add_certificates(
    validation: *mut KysoValidation,
    certificates: *const u8,
    certificates_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let validation = boundary::borrow_mut(validation, "validation")?;
            let octets = boundary::octets(certificates, certificates_length, "certificates")?;
            let certificates = Certificate::all_from_file(octets)?;
            certificates.into_iter().for_each(|c| validation.evidence.add_certificate(c));
            Ok(())
        })
    }
}

/// Validates every signature and time-stamp of a PDF document.
///
/// A signature that does not hold is no error: the call returns 0 and the
/// report tells. KYSO_STATUS_MALFORMED: this is no PDF that two readers would
/// see alike.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_pdf(
    validation: *const KysoValidation,
    document: *const u8,
    document_length: usize,
    report: *mut *mut KysoReport,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let report = Out::new(report, "report")?;
            let validation = boundary::borrow(validation, "validation")?;
            let document = boundary::octets(document, document_length, "document")?;
            let pdf = Pdf::parse(document, &Limits::default())?.threads(validation.threads);
            let validator = Validator::new(&validation.policy, &validation.anchors, validation.at);
            report.put(KysoReport(validator.evidence(&validation.evidence).pdf(&pdf)));
            Ok(())
        })
    }
}

/// Frees a validation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_validation_free(validation: *mut KysoValidation) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(validation) };
}

/// What the report amounts to: KYSO_INDICATION_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_report_indication(report: *const KysoReport) -> i32 {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    let Some(report) = (unsafe { report.as_ref() }) else { return KYSO_INDICATION_NONE };
    boundary::value(KYSO_INDICATION_NONE, || match report.0.overall() {
        Overall::NoSignature => KYSO_INDICATION_NO_SIGNATURE,
        Overall::TotalPassed => KYSO_INDICATION_PASSED,
        Overall::Indeterminate => KYSO_INDICATION_INDETERMINATE,
        Overall::TotalFailed => KYSO_INDICATION_FAILED,
    })
}

/// The whole report as JSON, with its schema version.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_report_json(
    report: *const KysoReport,
    json: *mut *mut KysoBytes,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let json = Out::new(json, "json")?;
            json.put(KysoBytes(boundary::borrow(report, "report")?.0.to_json().into_bytes()));
            Ok(())
        })
    }
}

/// Frees a report.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_report_free(report: *mut KysoReport) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(report) };
}
