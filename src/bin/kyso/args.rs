//! The command line as data.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::arithmetic::BackendName;
use crate::csc::CscArgs;
use crate::csc::CscCommand;
use crate::network::NetworkArgs;
use crate::treasury::TreasuryCommand;

/// Sign, seal, send, receive, validate and archive official electronic documents.
#[derive(Parser, Debug)]
#[command(name = "kyso", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Language of the text for people; by default that of the locale.
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Lang>,
    /// Who does the arithmetic of digests and signatures.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) backend: BackendName,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum Lang {
    Vi,
    En,
}

impl From<Lang> for kyso::validate::Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Vi => Self::Vietnamese,
            Lang::En => Self::English,
        }
    }
}

impl Lang {
    /// That of the locale; English where the locale says nothing that is known.
    pub(crate) fn of_locale() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|v| std::env::var(v).ok());
        match set.into_iter().find(|v| !v.is_empty()) {
            Some(locale) if locale.starts_with("vi") => Self::Vi,
            _ => Self::En,
        }
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Sign PDFs (PAdES) or any files (CAdES).
    Sign(Box<SignArgs>),
    /// Prepare a PDF with fields to fill in and to sign, in their order.
    Draft(crate::draft::DraftArgs),
    /// Fill in text fields of a PDF.
    Fill(crate::draft::FillArgs),
    /// Make a PDF of scanned pages: PNG, JPEG, TIFF.
    Scan(crate::scan::ScanArgs),
    /// First phase of remote signing: prints the digest to sign.
    Prepare(Box<PrepareArgs>),
    /// Second phase of remote signing: embeds the signature value.
    Complete(Box<CompleteArgs>),
    /// Raise a signature to a higher level.
    Extend(Box<ExtendArgs>),
    /// Validate the signatures of a PDF or a CMS file.
    Verify(Box<VerifyArgs>),
    /// Certificates.
    #[command(subcommand)]
    Cert(CertCommand),
    /// CRLs and OCSP responses on their own.
    #[command(subcommand)]
    Revocation(RevocationCommand),
    /// RFC 3161 requests, replies and tokens.
    #[command(subcommand)]
    Timestamp(TimestampCommand),
    /// edXML envelopes.
    #[command(subcommand)]
    Envelope(EnvelopeCommand),
    /// Tokens and HSMs through PKCS#11.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Remote signing services (CSC API).
    #[command(subcommand)]
    Csc(CscCommand),
    /// Vouchers for the State Treasury.
    #[command(subcommand)]
    Treasury(TreasuryCommand),
    /// Archiving (reserved).
    #[command(hide = true)]
    Archive {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
}

/// Where the signing key is.
#[derive(Args, Debug, Default)]
pub(crate) struct KeyArgs {
    /// PKCS#12 file with key, certificate and chain.
    #[arg(long, value_name = "FILE")]
    pub(crate) p12: Option<PathBuf>,
    /// Private key, PKCS#8 or PKCS#1, PEM or DER, encrypted or not.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The signer's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// Further certificates of the chain.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Vec<PathBuf>,
    /// PKCS#11 module.
    #[arg(long, value_name = "MODULE")]
    pub(crate) pkcs11: Option<PathBuf>,
    /// Key by RFC 7512 URI.
    #[arg(long, value_name = "URI")]
    pub(crate) pkcs11_uri: Option<String>,
    /// Token by its label.
    #[arg(long, value_name = "LABEL")]
    pub(crate) token: Option<String>,
    /// Key by its label; in a PKCS#12 store, its friendly name.
    #[arg(long, value_name = "L")]
    pub(crate) key_label: Option<String>,
    /// Key by its CKA_ID.
    #[arg(long, value_name = "HEX")]
    pub(crate) key_id: Option<String>,
    /// Environment variable that holds the token's PIN.
    #[arg(long, value_name = "VAR")]
    pub(crate) pin_env: Option<String>,
    /// File that holds the token's PIN.
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Try the PIN even where a wrong one locks the token.
    #[arg(long)]
    pub(crate) final_try: bool,
    /// Environment variable that holds the key file's password.
    #[arg(long, value_name = "VAR")]
    pub(crate) password_env: Option<String>,
    /// File that holds the key file's password.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// What is trusted, and what is offered as evidence.
#[derive(Args, Debug, Default)]
pub(crate) struct TrustArgs {
    /// Trust anchors: a PEM or DER file, a PKCS#7 bundle, or a folder of those.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,
    /// Untrusted certificates to complete paths.
    #[arg(long, value_name = "PATH")]
    pub(crate) intermediate: Vec<PathBuf>,
    /// CRLs.
    #[arg(long, value_name = "PATH")]
    pub(crate) crl: Vec<PathBuf>,
    /// OCSP responses.
    #[arg(long, value_name = "PATH")]
    pub(crate) ocsp: Vec<PathBuf>,
    /// Validation time, RFC 3339; by default now.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) at: Option<String>,
    /// Policy as data.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Fetch what is missing: CRLs, OCSP responses, issuer certificates.
    #[arg(long)]
    pub(crate) online: bool,
    /// Do not ask for revocation status; the report says so.
    #[arg(long)]
    pub(crate) no_revocation: bool,
    /// Evidence gathered at receipt.
    #[arg(long, value_name = "PACKAGE")]
    pub(crate) evidence: Option<PathBuf>,
}

/// What opens encrypted PDF documents.
#[derive(Args, Debug, Default)]
pub(crate) struct PdfPasswordArgs {
    /// Environment variable that holds the PDF's password.
    #[arg(long, value_name = "VAR")]
    pub(crate) pdf_password_env: Option<String>,
    /// File that holds the PDF's password.
    #[arg(long, value_name = "FILE")]
    pub(crate) pdf_password_file: Option<PathBuf>,
    /// Private key of a recipient of the PDF (PKCS#8 or PKCS#1, PEM or DER, or a PKCS#12 store); the password
    /// options above are then that of this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) pdf_key: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum SignFormat {
    Pades,
    Cades,
    Xades,
    AsicS,
    AsicE,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum Level {
    #[value(name = "b-b")]
    BB,
    #[value(name = "b-t")]
    BT,
    #[value(name = "b-lt")]
    BLt,
    #[value(name = "b-lta")]
    BLta,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum DigestName {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum Certify {
    None,
    NoChanges,
    FormFilling,
    Annotating,
}

/// What a signature says and how it looks.
#[derive(Args, Clone, Debug)]
pub(crate) struct SignatureArgs {
    /// Signature format; by default PAdES for a PDF, else CAdES.
    #[arg(long, value_enum)]
    pub(crate) format: Option<SignFormat>,
    /// Baseline level.
    #[arg(long, value_enum, default_value = "b-b")]
    pub(crate) level: Level,
    /// Time-stamping authority.
    #[arg(long, value_name = "URL")]
    pub(crate) tsa: Option<String>,
    /// Digest algorithm.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
    /// RSASSA-PSS instead of PKCS#1 v1.5.
    #[arg(long)]
    pub(crate) pss: bool,
    /// Claimed signing time; by default now.
    #[arg(long, value_name = "RFC3339")]
    pub(crate) signing_time: Option<String>,
    /// CAdES: leave the content out of the signature file.
    #[arg(long)]
    pub(crate) detached: bool,
    /// Name of the signature field.
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Option<String>,
    /// Page of the visible block, from 1; with --near, the only one to be searched.
    #[arg(long, value_name = "N")]
    pub(crate) page: Option<usize>,
    /// Rectangle of the visible block in points from the lower left corner of the page as shown.
    #[arg(long, value_name = "X,Y,W,H", conflicts_with = "near")]
    pub(crate) rect: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Presentation of the visible block: officer, seal, annex, copy, incoming (Decree
    /// 30/2020/ND-CP), or text, image, image-text.
    #[arg(long, value_name = "PRESET")]
    pub(crate) appearance: Option<String>,
    /// Image of the visible block, PNG or JPEG.
    #[arg(long, value_name = "PNG")]
    pub(crate) image: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) facts: FactArgs,
    /// Reason of signing.
    #[arg(long, value_name = "S")]
    pub(crate) reason: Option<String>,
    /// Place of signing.
    #[arg(long, value_name = "S")]
    pub(crate) location: Option<String>,
    /// How to reach the signer.
    #[arg(long, value_name = "S")]
    pub(crate) contact: Option<String>,
    /// Certify the document, and say which changes are permitted later.
    #[arg(long, value_enum, default_value = "none")]
    pub(crate) certify: Certify,
}

/// A place by what stands on the page.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArgs {
    /// Put the visible block by this text of the page: whole words, accents in any encoding.
    #[arg(long, value_name = "TEXT")]
    pub(crate) near: Option<String>,
    /// Side of the text; by default below it, an officer's image above it.
    #[arg(long, value_enum, requires = "near")]
    pub(crate) side: Option<SideName>,
    /// Which one, where the text stands at several places, from 1.
    #[arg(long, value_name = "N", requires = "near")]
    pub(crate) nth: Option<usize>,
    /// Distance from the text, in points.
    #[arg(long, value_name = "POINTS", requires = "near")]
    pub(crate) gap: Option<f64>,
    /// Size of the block, in points, where the presentation has none of its own.
    #[arg(long, value_name = "W,H", requires = "near")]
    pub(crate) size: Option<String>,
}

/// What the presentations of offices tell.
#[derive(Args, Clone, Debug)]
pub(crate) struct FactArgs {
    /// Name of the agency; by default that of the certificate.
    #[arg(long, value_name = "NAME")]
    pub(crate) agency: Option<String>,
    /// Number and symbol of the main document, on an annex.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) document: Option<String>,
    /// Form of a copy; by default SAO Y.
    #[arg(long, value_name = "FORM")]
    pub(crate) copy_form: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum SideName {
    Below,
    Above,
    Left,
    Right,
    Over,
}

#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The document; several, where the output is a folder.
    #[arg(value_name = "IN", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// The signed document, or the folder for several.
    #[arg(short, long, value_name = "OUT", required_unless_present = "in_place")]
    pub(crate) output: Option<PathBuf>,
    /// Append the signature to the document itself (PDF).
    #[arg(long, conflicts_with = "output")]
    pub(crate) in_place: bool,
    /// Documents into a folder: threads to work in; by default one for each processor.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<std::num::NonZeroUsize>,
    /// Documents into a folder: where it is noted what is finished; by default .kyso-journal there.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signature: SignatureArgs,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    #[command(flatten)]
    pub(crate) csc: CscArgs,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) pdf: PdfPasswordArgs,
    /// Refuse too where the certificate's status is unknown.
    #[arg(long)]
    pub(crate) require_valid: bool,
    /// PDF, levels b-lt and b-lta: also say which evidence belongs to which signature.
    #[arg(long)]
    pub(crate) vri: bool,
    /// CAdES: IN is a signature; add this one beside it, over the same content.
    #[arg(long, conflicts_with = "counter")]
    pub(crate) parallel: bool,
    /// CAdES: IN is a signature; counter-sign its signer N, counted from 1.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1")]
    pub(crate) counter: Option<usize>,
    /// The content of a detached signature, for --parallel and --counter.
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,
    /// Print what was done as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PrepareArgs {
    /// The document.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The state to keep until the signature value is there.
    #[arg(short, long, value_name = "STATE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) signature: SignatureArgs,
    /// The signer's certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// Further certificates of the chain.
    #[arg(long, value_name = "FILE")]
    pub(crate) chain: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) pdf: PdfPasswordArgs,
    /// Print the digest as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CompleteArgs {
    /// The state that `prepare` wrote.
    #[arg(value_name = "STATE")]
    pub(crate) state: PathBuf,
    /// The document that was prepared.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The signature value, as octets or in base64.
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: PathBuf,
    /// The signed document.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Time-stamping authority, for a signature that was prepared for level b-t or a higher one.
    #[arg(long, value_name = "URL")]
    pub(crate) tsa: Option<String>,
    /// Baseline level; with --tsa b-t, where nothing else is said.
    #[arg(long, value_enum)]
    pub(crate) level: Option<Level>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) pdf: PdfPasswordArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExtendArgs {
    /// The signed document.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The document at its new level.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The level to reach.
    #[arg(long, value_enum)]
    pub(crate) level: Level,
    /// Time-stamping authority.
    #[arg(long, value_name = "URL")]
    pub(crate) tsa: Option<String>,
    /// PDF: raise the signature in this field alone.
    #[arg(long, value_name = "NAME")]
    pub(crate) field: Vec<String>,
    /// PDF: also say which evidence belongs to which signature.
    #[arg(long)]
    pub(crate) vri: bool,
    /// CMS: the content of a detached signature, which level b-lta covers.
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) pdf: PdfPasswordArgs,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// A PDF or a CMS file.
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// The content of a detached signature.
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) pdf: PdfPasswordArgs,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Expect exactly so many signatures.
    #[arg(long, value_name = "N")]
    pub(crate) expect: Option<usize>,
    /// Expect a valid signature by this signer: a name, or `sha256:` and the certificate's digest.
    #[arg(long, value_name = "SIGNER")]
    pub(crate) expect_signer: Vec<String>,
    /// Waive a rule on changes after signing, by the name that the list of changes gives.
    #[arg(long, value_name = "RULE")]
    pub(crate) relax: Vec<String>,
    /// Write a further report: `etsi-xml FILE`.
    #[arg(long, num_args = 2, value_names = ["KIND", "FILE"])]
    pub(crate) report: Option<Vec<String>>,
    /// Write what each signature covers into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) extract: Option<PathBuf>,
    /// Write an evidence package: what is known of the signatures now, time-stamped.
    #[arg(long, value_name = "PACKAGE", requires = "tsa")]
    pub(crate) save_evidence: Option<PathBuf>,
    /// Time-stamping authority for the evidence package.
    #[arg(long, value_name = "URL", requires = "save_evidence")]
    pub(crate) tsa: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CertCommand {
    /// Validate a certificate.
    Verify(Box<CertVerifyArgs>),
    /// Ask for a certificate (PKCS#10) for a key in a file or on a token.
    Request(Box<CertRequestArgs>),
    /// Show a certificate.
    Show {
        /// PEM, DER or PKCS#7.
        file: PathBuf,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CertVerifyArgs {
    /// The certificate.
    pub(crate) cert: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Extended key usage that must be permitted.
    #[arg(long, value_name = "OID")]
    pub(crate) eku: Vec<String>,
    /// Certificate policy that is acceptable.
    #[arg(long, value_name = "OID")]
    pub(crate) policy_oid: Vec<String>,
    /// Demand that the path is valid for an acceptable policy.
    #[arg(long)]
    pub(crate) explicit_policy: bool,
    /// Do not follow policy mappings.
    #[arg(long)]
    pub(crate) inhibit_mapping: bool,
    /// Do not accept anyPolicy.
    #[arg(long)]
    pub(crate) inhibit_any: bool,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RevocationCommand {
    /// Judge a CRL or an OCSP response.
    Check(Box<RevocationCheckArgs>),
}

#[derive(Args, Debug)]
pub(crate) struct RevocationCheckArgs {
    /// The CRL or OCSP response.
    pub(crate) file: PathBuf,
    /// The issuer of the certificate in question.
    #[arg(long, value_name = "CERT")]
    pub(crate) issuer: PathBuf,
    /// The certificate in question.
    #[arg(long, value_name = "CERT")]
    pub(crate) cert: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum TimestampCommand {
    /// Write a request for a file's digest.
    Request(TimestampArgs),
    /// Read a TSA's reply.
    Reply(Box<TimestampVerifyArgs>),
    /// Validate a time-stamp token.
    Verify(Box<TimestampVerifyArgs>),
}

#[derive(Args, Debug)]
pub(crate) struct TimestampArgs {
    /// The content.
    pub(crate) file: PathBuf,
    /// The request.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Digest algorithm.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
}

#[derive(Args, Debug)]
pub(crate) struct TimestampVerifyArgs {
    /// The reply or the token.
    pub(crate) file: PathBuf,
    /// The content that was time-stamped.
    #[arg(long, value_name = "FILE", conflicts_with = "digest")]
    pub(crate) content: Option<PathBuf>,
    /// The digest that was time-stamped.
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<String>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum EnvelopeCommand {
    /// Build a message from its description in JSON, with attachments.
    New(EnvelopeNewArgs),
    /// Attach further files to a message, which is written anew by the strict rules.
    Add(EnvelopeAddArgs),
    /// Write the status message that answers a document message, or asks for its document back.
    Status(EnvelopeStatusArgs),
    /// Record a message in the registers, and say what has to be done.
    Register(crate::envelope_register::EnvelopeRegisterArgs),
    /// Read a message and list what deviates from the rules.
    Check(Box<EnvelopeCheckArgs>),
    /// Write the attachments of a message into a folder.
    Open(Box<EnvelopeOpenArgs>),
}

#[derive(Args, Debug)]
pub(crate) struct EnvelopeNewArgs {
    /// The description: a JSON object `document` or `status` with the fields of the message header.
    #[arg(value_name = "META.json")]
    pub(crate) meta: PathBuf,
    /// Files to attach, in the order of the manifest.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) attach: Vec<PathBuf>,
    /// The message.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Print what was written as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EnvelopeAddArgs {
    /// The message.
    pub(crate) file: PathBuf,
    /// Files to attach, behind those that are there.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) attach: Vec<PathBuf>,
    /// The new message.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Print what was written as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EnvelopeStatusArgs {
    /// The document message that the status is about.
    pub(crate) file: PathBuf,
    /// The status: 01 to 06, 15 or 16 of its receiver, 13 of its sender.
    #[arg(long, value_name = "NN")]
    pub(crate) code: String,
    /// The receiver, by its code, where the message has several.
    #[arg(long, value_name = "ORGAN-ID")]
    pub(crate) receiver: Option<String>,
    /// The reason, or what else there is to say; demanded for 02, 13 and 16.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// When it became so (RFC 3339); now where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The status message.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Print what was written as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EnvelopeCheckArgs {
    /// The message.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EnvelopeOpenArgs {
    /// The message.
    pub(crate) file: PathBuf,
    /// The folder, which is made where it does not exist.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CertRequestArgs {
    /// The name, most significant part last: `CN=...,O=...,C=VN` (RFC 4514).
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: String,
    /// E-mail address to be named in the certificate.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// The request, in PEM.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) key: KeyArgs,
    /// Digest algorithm.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
    /// RSASSA-PSS instead of PKCS#1 v1.5.
    #[arg(long)]
    pub(crate) pss: bool,
}

/// Which token, and its PIN.
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// PKCS#11 module.
    #[arg(long, value_name = "MODULE")]
    pub(crate) pkcs11: PathBuf,
    /// Token by its label.
    #[arg(long, value_name = "LABEL")]
    pub(crate) token: Option<String>,
    /// Environment variable that holds the token's PIN.
    #[arg(long, value_name = "VAR")]
    pub(crate) pin_env: Option<String>,
    /// File that holds the token's PIN.
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Try the PIN even where a wrong one locks the token.
    #[arg(long)]
    pub(crate) final_try: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
}

#[derive(Subcommand, Debug)]
pub(crate) enum TokenCommand {
    /// List the tokens of a module.
    List {
        /// PKCS#11 module.
        #[arg(long, value_name = "MODULE")]
        pkcs11: PathBuf,
        /// List what each token can compute, too.
        #[arg(long)]
        mechanisms: bool,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the keys and certificates of a token; private keys are to be seen after a login.
    Objects {
        #[command(flatten)]
        token: TokenArgs,
        /// Log in, and ask for the PIN where no option gives it.
        #[arg(long)]
        login: bool,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a key pair on a token; the private key cannot leave it.
    Generate {
        #[command(flatten)]
        token: TokenArgs,
        /// Kind of key.
        #[arg(long, value_enum, default_value = "rsa3072")]
        kind: KeyKind,
        /// Its label.
        #[arg(long, value_name = "L")]
        key_label: String,
        /// Its CKA_ID; by default a random one.
        #[arg(long, value_name = "HEX")]
        key_id: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put a certificate on a token, beside its key.
    Import {
        #[command(flatten)]
        token: TokenArgs,
        /// The certificate.
        cert: PathBuf,
        /// Its label; by default that of the key.
        #[arg(long, value_name = "L")]
        label: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}
