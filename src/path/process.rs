//! Basic path processing (RFC 5280 §6.1) on one chain that ends at one anchor.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::failure::Fault;
use super::failure::PathFailure;
use super::failure::PathReason;
use super::names::Subtrees;
use super::outcome::Path;
use super::outcome::PathPolicies;
use super::policy::ANY_POLICY;
use super::policy::Graph;
use super::policy::accepted;
use super::settings::AnchorCertificate;
use super::settings::PathSettings;
use super::signature::SignatureFact;
use super::signature::Signed;
use super::signature::Verifier;
use crate::asn1::Oid;
use crate::crypto::Backend;
use crate::error::Error;
use crate::error::LimitExceeded;
use crate::limits::Budget;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustSet;
use crate::x509::Certificate;
use crate::x509::KeyPurpose;
use crate::x509::KeyUsage;
use crate::x509::NameConstraints;
use crate::x509::PolicyConstraints;

/// `anyExtendedKeyUsage`, 2.5.29.37.0.
const ANY_PURPOSE: KeyPurpose = KeyPurpose(Oid::known(&[0x55, 0x1D, 0x25, 0x00]));

/// Extensions that this module or [`revocation`](crate::revocation) processes, or
/// that RFC 5280 excludes from path validation.
const UNDERSTOOD: &[Oid] = &[
    Oid::known(&[0x55, 0x1D, 0x0E]),                               // subjectKeyIdentifier
    Oid::known(&[0x55, 0x1D, 0x0F]),                               // keyUsage
    Oid::known(&[0x55, 0x1D, 0x11]),                               // subjectAltName
    Oid::known(&[0x55, 0x1D, 0x12]),                               // issuerAltName
    Oid::known(&[0x55, 0x1D, 0x13]),                               // basicConstraints
    Oid::known(&[0x55, 0x1D, 0x1E]),                               // nameConstraints
    Oid::known(&[0x55, 0x1D, 0x1F]),                               // cRLDistributionPoints
    Oid::known(&[0x55, 0x1D, 0x20]),                               // certificatePolicies
    Oid::known(&[0x55, 0x1D, 0x21]),                               // policyMappings
    Oid::known(&[0x55, 0x1D, 0x23]),                               // authorityKeyIdentifier
    Oid::known(&[0x55, 0x1D, 0x24]),                               // policyConstraints
    Oid::known(&[0x55, 0x1D, 0x25]),                               // extKeyUsage
    Oid::known(&[0x55, 0x1D, 0x2E]),                               // freshestCRL
    Oid::known(&[0x55, 0x1D, 0x36]),                               // inhibitAnyPolicy
    Oid::known(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01]), // authorityInfoAccess
    Oid::known(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0B]), // subjectInfoAccess
    Oid::known(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05]), // id-pkix-ocsp-nocheck
];

/// Validates one given chain (leaf first, the anchor's own certificate left
/// out) against one anchor, by RFC 5280 §6.1 and without any search.
///
/// # Errors
/// [`PathFailure`]: what is wrong with the chain.
pub fn validate_path(
    certificates: &[Certificate],
    anchor: &TrustAnchor,
    set: &TrustSet,
    at: Time,
    settings: &PathSettings,
    backend: Backend,
) -> Result<Path, PathFailure> {
    if !set.anchors().contains(anchor) {
        return Err(PathFailure {
            fault: Fault::general(PathReason::NoAnchor, "the anchor is not in the given trust set"),
            certificates: certificates.to_vec(),
            anchor: Some(anchor.clone()),
            untimely: None,
            wanted: Vec::new(),
        });
    }
    let verifier = Verifier::new(backend, settings.max_signature_checks);
    validate_chain(certificates, anchor, &Arc::from(set.name()), at, settings, &verifier)
}

/// [`validate_path`] on signatures that may have been verified before.
pub(crate) fn validate_chain(
    certificates: &[Certificate],
    anchor: &TrustAnchor,
    set: &Arc<str>,
    at: Time,
    settings: &PathSettings,
    verifier: &Verifier,
) -> Result<Path, PathFailure> {
    let budgets = Budgets::new(settings);
    let context = Context { settings, at, verifier, budgets: &budgets };
    process(certificates, anchor, set, &context).map_err(|refused| PathFailure {
        fault: refused.fault,
        certificates: certificates.to_vec(),
        anchor: Some(anchor.clone()),
        untimely: refused.untimely,
        wanted: Vec::new(),
    })
}

/// The budgets of one search.
#[derive(Debug)]
pub(super) struct Budgets {
    pub(super) steps: Budget,
    names: Budget,
}

impl Budgets {
    pub(super) const fn new(settings: &PathSettings) -> Self {
        Self {
            steps: Budget::new("max_steps", settings.max_steps),
            names: Budget::new("max_name_comparisons", settings.max_name_comparisons),
        }
    }
}

/// What processing needs beside the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) settings: &'a PathSettings,
    pub(super) at: Time,
    pub(super) verifier: &'a Verifier,
    pub(super) budgets: &'a Budgets,
}

/// A fault, and the path where time is the only fault.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) fault: Fault,
    pub(super) untimely: Option<Box<Path>>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, untimely: None }
    }
}

impl From<LimitExceeded> for Fault {
    fn from(limit: LimitExceeded) -> Self {
        Self::general(PathReason::Budget, limit.to_string())
    }
}

/// §6.1 on one chain, leaf first.
pub(super) fn process(
    chain: &[Certificate],
    anchor: &TrustAnchor,
    set: &Arc<str>,
    context: &Context<'_>,
) -> Result<Path, Refused> {
    let Some((leaf, issuers)) = chain.split_first() else {
        return Err(Fault::general(PathReason::NoAnchor, "the chain has no certificate").into());
    };
    let mut state = State::new(chain.len(), leaf, anchor, context)?;
    for certificate in issuers.iter().rev() {
        state.certificate(certificate, false, context)?;
        state.prepare(certificate, context)?;
    }
    state.certificate(leaf, true, context)?;
    state.finish(leaf, context)?;
    let policies = state.policies(context)?;
    state.signatures.reverse();
    let path = Path {
        leaf: leaf.clone(),
        certificates: chain.to_vec(),
        anchor: anchor.clone(),
        set: Arc::clone(set),
        policies,
        signatures: state.signatures,
        at: context.at,
    };
    match state.untimely {
        None => Ok(path),
        // Reported last of all: an expired certificate must not hide another fault.
        Some(fault) => Err(Refused { fault, untimely: Some(Box::new(path)) }),
    }
}

/// The state variables of §6.1.2.
struct State<'a> {
    issuer: super::outcome::Issuer<'a>,
    graph: Graph,
    initial_policies: Option<Vec<Oid>>,
    subtrees: Subtrees,
    explicit_policy: u64,
    policy_mapping: u64,
    inhibit_any: u64,
    max_path_len: u64,
    signatures: Vec<SignatureFact>,
    untimely: Option<Fault>,
    explicit_demanded: bool,
}

impl<'a> State<'a> {
    fn new(
        certificates: usize,
        leaf: &Certificate,
        anchor: &'a TrustAnchor,
        context: &Context<'_>,
    ) -> Result<Self, Fault> {
        let settings = context.settings;
        let n = certificates as u64;
        let free = n + 1;
        let unless = |inhibited: bool| if inhibited { 0 } else { free };
        let mut state = State {
            issuer: super::outcome::Issuer::anchor(anchor),
            graph: Graph::new(),
            initial_policies: settings.initial_policies.clone(),
            subtrees: Subtrees::default(),
            explicit_policy: unless(settings.explicit_policy),
            policy_mapping: unless(settings.inhibit_mapping),
            inhibit_any: unless(settings.inhibit_any_policy),
            max_path_len: settings.max_path_len.map_or(n, u64::from),
            signatures: Vec::with_capacity(certificates),
            untimely: None,
            explicit_demanded: settings.explicit_policy,
        };
        state.subtrees.add(NameConstraints {
            permitted: settings.permitted_subtrees.clone(),
            excluded: settings.excluded_subtrees.clone(),
        });
        state.constrain(anchor, leaf, context)?;
        Ok(state)
    }

    /// RFC 5937 §3: the anchor's constraints as inputs.
    fn constrain(&mut self, anchor: &TrustAnchor, leaf: &Certificate, context: &Context<'_>) -> Result<(), Fault> {
        let constraints = anchor.constraints();
        if constraints.not_before.is_some_and(|t| context.at < t)
            || constraints.not_after.is_some_and(|t| context.at > t)
        {
            return Err(Fault::general(PathReason::AnchorConstraints, "the anchor vouches for nothing at this time"));
        }
        self.max_path_len = constraints.path_len.map_or(self.max_path_len, |n| self.max_path_len.min(u64::from(n)));
        self.subtrees.add(constraints.name_constraints.clone().unwrap_or_default());
        if let Some(policies) = &constraints.policies {
            self.restrict_policies(policies);
            self.explicit_policy = 0;
            self.explicit_demanded = true;
        }
        let Some(certificate) = anchor.certificate() else { return Ok(()) };
        if context.settings.anchor_certificate == AnchorCertificate::NameAndKey {
            return Ok(());
        }
        self.check_time(certificate, context);
        if context.settings.anchor_certificate != AnchorCertificate::Constraints {
            return Ok(());
        }
        refuse_repeated_extensions(certificate)?;
        refuse_unknown_critical(certificate, &context.settings.understood_extensions)?;
        // An anchor that is itself what was asked for has issued nothing but itself.
        let issues = leaf != certificate;
        // What has no extensions cannot say that it is a CA; whoever chose it said so.
        if issues && certificate.version() >= 3 {
            may_sign_certificates(certificate)?;
        }
        if let Some(n) = read(certificate, certificate.basic_constraints())?.and_then(|b| b.path_len) {
            self.max_path_len = self.max_path_len.min(u64::from(n));
        }
        self.subtrees.add(read(certificate, certificate.name_constraints())?.unwrap_or_default());
        if let Some(policies) = read(certificate, certificate.policies())? {
            self.restrict_policies(&policies.iter().map(|p| p.policy).collect::<Vec<_>>());
        }
        self.inhibit_policies(certificate)
    }

    fn restrict_policies(&mut self, policies: &[Oid]) {
        if policies.contains(&ANY_POLICY) {
            return;
        }
        self.initial_policies = Some(match self.initial_policies.take().filter(|p| !p.contains(&ANY_POLICY)) {
            None => policies.to_vec(),
            Some(initial) => initial.into_iter().filter(|p| policies.contains(p)).collect(),
        });
    }

    fn check_time(&mut self, certificate: &Certificate, context: &Context<'_>) {
        if !context.settings.validity_periods || self.untimely.as_ref().is_some_and(|f| f.reason == PathReason::Expired)
        {
            return;
        }
        // Both ends are included (§4.1.2.5), to the second.
        if context.at.unix() > certificate.not_after().unix() {
            let detail = format!("expired at {}", certificate.not_after().to_rfc3339(0));
            self.untimely = Some(Fault::new(PathReason::Expired, certificate, detail));
        } else if context.at.unix() < certificate.not_before().unix() {
            let detail = format!("not valid before {}", certificate.not_before().to_rfc3339(0));
            self.untimely = Some(Fault::new(PathReason::NotYetValid, certificate, detail));
        }
    }

    /// §6.1.3, basic certificate processing.
    fn certificate(&mut self, certificate: &Certificate, is_leaf: bool, context: &Context<'_>) -> Result<(), Fault> {
        // (a)(4) before (a)(1): what does not chain need not be verified.
        if certificate.issuer() != self.issuer.name {
            let detail = format!("its issuer is {}, not {}", certificate.issuer(), self.issuer.name);
            return Err(Fault::new(PathReason::NameChaining, certificate, detail));
        }
        if certificate.issuer().is_empty() {
            return Err(Fault::new(
                PathReason::NameChaining,
                certificate,
                "its issuer has no name, by which nobody can be told from another",
            ));
        }
        let fact = context
            .verifier
            .verify(&Signed::certificate(certificate), self.issuer.key)
            .map_err(|(reason, detail)| Fault::new(reason, certificate, detail))?;
        self.signatures.push(fact);
        self.check_time(certificate, context);
        refuse_repeated_extensions(certificate)?;
        refuse_unknown_critical(certificate, &context.settings.understood_extensions)?;
        // (b), (c)
        if is_leaf || !certificate.is_self_issued() {
            self.subtrees.check(certificate, &context.budgets.names)?;
        }
        // (d), (e)
        let policies = read(certificate, certificate.policies())?;
        let mut seen = BTreeSet::new();
        if !policies.iter().flatten().all(|p| seen.insert(p.policy)) {
            return Err(Fault::new(PathReason::Policy, certificate, "a policy is stated twice"));
        }
        let any_counts = self.inhibit_any > 0 || (!is_leaf && certificate.is_self_issued());
        self.graph.descend(policies.as_deref(), any_counts, &context.budgets.steps)?;
        // (f)
        if self.explicit_policy == 0 && self.graph.is_null() {
            return Err(Fault::new(
                PathReason::Policy,
                certificate,
                "no policy is valid for the path, and one is required",
            ));
        }
        Ok(())
    }
}

impl<'c> State<'c> {
    /// §6.1.4, preparation for the next certificate.
    fn prepare<'b: 'c>(&mut self, certificate: &'b Certificate, context: &Context<'_>) -> Result<(), Fault> {
        // (a), (b)
        let mappings = read(certificate, certificate.policy_mappings())?.unwrap_or_default();
        if mappings.iter().any(|m| m.issuer_domain == ANY_POLICY || m.subject_domain == ANY_POLICY) {
            return Err(Fault::new(PathReason::Policy, certificate, "a policy is mapped from or to anyPolicy"));
        }
        self.graph.map(&mappings, self.policy_mapping > 0, &context.budgets.steps)?;
        // (c) to (f)
        self.issuer = super::outcome::Issuer::of(certificate);
        // (g)
        self.subtrees.add(read(certificate, certificate.name_constraints())?.unwrap_or_default());
        // (h)
        let self_issued = certificate.is_self_issued();
        if !self_issued {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            self.policy_mapping = self.policy_mapping.saturating_sub(1);
            self.inhibit_any = self.inhibit_any.saturating_sub(1);
        }
        self.inhibit_policies(certificate)?;
        // (k), (n)
        may_sign_certificates(certificate)?;
        // (l), (m)
        if !self_issued {
            self.max_path_len = self.max_path_len.checked_sub(1).ok_or_else(|| {
                Fault::new(PathReason::PathLength, certificate, "one intermediate more than allowed above")
            })?;
        }
        if let Some(n) = read(certificate, certificate.basic_constraints())?.and_then(|b| b.path_len) {
            self.max_path_len = self.max_path_len.min(u64::from(n));
        }
        if context.settings.purposes_of_intermediates {
            check_purposes(certificate, &context.settings.purposes, false)?;
        }
        Ok(())
    }

    /// §6.1.4 (i) and (j).
    fn inhibit_policies(&mut self, certificate: &Certificate) -> Result<(), Fault> {
        let constraints = read(certificate, certificate.policy_constraints())?.unwrap_or_default();
        self.demand_explicit(&constraints);
        if let Some(n) = constraints.inhibit_mapping {
            self.policy_mapping = self.policy_mapping.min(u64::from(n));
        }
        if let Some(n) = read(certificate, certificate.inhibit_any_policy())? {
            self.inhibit_any = self.inhibit_any.min(u64::from(n));
        }
        Ok(())
    }

    fn demand_explicit(&mut self, constraints: &PolicyConstraints) {
        if let Some(n) = constraints.require_explicit {
            self.explicit_policy = self.explicit_policy.min(u64::from(n));
            self.explicit_demanded = true;
        }
    }

    /// §6.1.5, and what the caller demands of the leaf.
    fn finish(&mut self, leaf: &Certificate, context: &Context<'_>) -> Result<(), Fault> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        // (b): a leaf may only bring the demand down to zero.
        if let Some(constraints) = read(leaf, leaf.policy_constraints())?
            && constraints.require_explicit == Some(0)
        {
            self.explicit_policy = 0;
        }
        // A name that is read nowhere else must still be readable.
        if leaf.extensions().iter().any(|e| e.critical && e.oid.content() == [0x55, 0x1D, 0x11]) {
            read(leaf, leaf.subject_alternative_names())?;
        }
        // Extensions of CAs alone: what makes one critical here cannot be told.
        let is_ca = read(leaf, leaf.basic_constraints())?.is_some_and(|b| b.ca);
        if !is_ca && leaf.extensions().iter().any(|e| e.critical && e.oid.content() == [0x55, 0x1D, 0x1E]) {
            let detail = "critical name constraints in a certificate that is not of a CA";
            return Err(Fault::new(PathReason::UnknownCriticalExtension, leaf, detail));
        }
        check_purposes(leaf, &context.settings.purposes, context.settings.purposes_stated)?;
        let usage = read(leaf, leaf.key_usage())?;
        if let (Some(wanted), Some(usage)) = (context.settings.key_usage, usage)
            && !usage.intersects(wanted)
        {
            return Err(Fault::new(PathReason::KeyUsage, leaf, "the key usage does not allow this use of the key"));
        }
        Ok(())
    }

    /// §6.1.5 (g) and §6.1.6.
    fn policies(&self, context: &Context<'_>) -> Result<PathPolicies, Fault> {
        let authority_constrained = self.graph.granted(&context.budgets.steps)?;
        let user_constrained = accepted(&authority_constrained, self.initial_policies.as_deref());
        if self.explicit_policy == 0 && user_constrained.is_empty() {
            return Err(Fault::general(PathReason::Policy, "the path is valid for no policy that is accepted"));
        }
        Ok(PathPolicies { authority_constrained, user_constrained, explicit: self.explicit_policy == 0 })
    }
}

/// Whether a certificate may issue others: §6.1.4 (k) and (n).
pub(super) fn may_sign_certificates(certificate: &Certificate) -> Result<(), Fault> {
    // Version 1 and 2 certificates cannot say that they are CAs, and nobody else says it here.
    let is_ca = certificate.version() == 3 && read(certificate, certificate.basic_constraints())?.is_some_and(|b| b.ca);
    if !is_ca {
        return Err(Fault::new(PathReason::NotACa, certificate, "its basic constraints do not make it a CA"));
    }
    if read(certificate, certificate.key_usage())?.is_some_and(|u| !u.contains(KeyUsage::KEY_CERT_SIGN)) {
        return Err(Fault::new(PathReason::KeyUsage, certificate, "its key usage lacks keyCertSign"));
    }
    Ok(())
}

/// §6.1.4 (o), §6.1.5 (f).
fn refuse_unknown_critical(certificate: &Certificate, understood: &[Oid]) -> Result<(), Fault> {
    let known = |oid: &Oid| UNDERSTOOD.contains(oid) || understood.contains(oid);
    match certificate.extensions().iter().find(|e| e.critical && !known(&e.oid)) {
        None => Ok(()),
        Some(extension) => {
            let detail = format!("critical extension {} is not understood", extension.oid);
            Err(Fault::new(PathReason::UnknownCriticalExtension, certificate, detail))
        }
    }
}

/// §4.2: one instance of each extension at most; two readers could pick different ones.
fn refuse_repeated_extensions(certificate: &Certificate) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    match certificate.extensions().iter().find(|e| !seen.insert(e.oid)) {
        None => Ok(()),
        Some(extension) => {
            Err(Fault::new(PathReason::Malformed, certificate, format!("extension {} stands twice", extension.oid)))
        }
    }
}

/// §4.2.1.12.
fn check_purposes(certificate: &Certificate, purposes: &[KeyPurpose], stated: bool) -> Result<(), Fault> {
    let allowed = read(certificate, certificate.extended_key_usage())?;
    if allowed.as_ref().is_some_and(Vec::is_empty) {
        return Err(Fault::new(PathReason::Malformed, certificate, "its extended key usage is empty"));
    }
    let allows = |purpose: &KeyPurpose| match &allowed {
        None => !stated,
        Some(allowed) => allowed.contains(purpose) || (!stated && allowed.contains(&ANY_PURPOSE)),
    };
    match purposes.iter().find(|p| !allows(p)) {
        None => Ok(()),
        Some(purpose) => {
            let detail = format!("its extended key usage does not allow {}", purpose.0);
            Err(Fault::new(PathReason::ExtendedKeyUsage, certificate, detail))
        }
    }
}

fn read<T>(certificate: &Certificate, value: Result<T, Error>) -> Result<T, Fault> {
    value.map_err(|e| Fault::new(PathReason::Malformed, certificate, e.to_string()))
}
