//! Revocation status from CRLs and OCSP responses.
