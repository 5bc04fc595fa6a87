//! `kyso treasury`: whether a voucher is signed as the State Treasury demands.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::SecretError;
use kyso::files::FileSource;
use kyso::key::pkcs11::KeySelector;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::TokenSelector;
use kyso::pdf::Source;
use kyso::profile::treasury::Applicant;
use kyso::profile::treasury::RequestList;
use kyso::profile::treasury::RoleOutcome;
use kyso::profile::treasury::RolePolicy;
use kyso::profile::treasury::Separator;
use kyso::profile::treasury::SubjectTemplate;
use kyso::secret::Password;
use kyso::secret::Pin;
use kyso::validate::Report;
use kyso::x509::CertificationRequest;

use crate::args::Lang;
use crate::args::PdfPasswordArgs;
use crate::args::TrustArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::keys;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::sign;
use crate::trust;
use crate::trust::Given;
use crate::verify;

#[derive(Subcommand, Debug)]
pub(crate) enum TreasuryCommand {
    /// Judge the signatures of a PDF or a CMS by a role policy.
    Check(Box<TreasuryCheckArgs>),
    /// Ask for the certificate of a person of a role policy (PKCS#10), with a key in a file or on a token.
    Request(Box<TreasuryRequestArgs>),
    /// Write the list that goes to the issuing office along with the requests (CSV).
    List(TreasuryListArgs),
}

#[derive(Args, Debug)]
pub(crate) struct TreasuryCheckArgs {
    /// A PDF or a CMS file.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Who may sign what, and when (JSON).
    #[arg(long, value_name = "POLICY.json")]
    roles: PathBuf,
    /// Code of the kind of transaction; may be left out where the policy has one kind.
    #[arg(long, value_name = "CODE")]
    transaction: Option<String>,
    /// The content of a detached signature.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    pdf: PdfPasswordArgs,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct TreasuryRequestArgs {
    /// Who may sign what, and when (JSON); certificates need not be in it yet.
    #[arg(long, value_name = "POLICY.json")]
    roles: PathBuf,
    /// The person's id in the policy.
    #[arg(long, value_name = "ID")]
    person: String,
    /// Subject, with {name}, {title}, {unit}, {unit_code}, {role}; by default CN={name},T={title},O={unit},C=VN.
    #[arg(long, value_name = "TEMPLATE")]
    subject: Option<String>,
    /// The unit's code with the budget.
    #[arg(long, value_name = "CODE")]
    unit_code: Option<String>,
    /// Private key, PKCS#8 or PKCS#1, PEM or DER, encrypted or not.
    #[arg(long, value_name = "FILE", conflicts_with = "pkcs11")]
    key: Option<PathBuf>,
    /// Environment variable that holds the key file's password.
    #[arg(long, value_name = "VAR", requires = "key")]
    password_env: Option<String>,
    /// File that holds the key file's password.
    #[arg(long, value_name = "FILE", requires = "key")]
    password_file: Option<PathBuf>,
    /// PKCS#11 module.
    #[arg(long, value_name = "MODULE")]
    pkcs11: Option<PathBuf>,
    /// Token by its label.
    #[arg(long, value_name = "LABEL", requires = "pkcs11")]
    token: Option<String>,
    /// Key by its label.
    #[arg(long, value_name = "L", requires = "pkcs11")]
    key_label: Option<String>,
    /// Key by its CKA_ID.
    #[arg(long, value_name = "HEX", requires = "pkcs11")]
    key_id: Option<String>,
    /// Environment variable that holds the token's PIN.
    #[arg(long, value_name = "VAR", requires = "pkcs11")]
    pin_env: Option<String>,
    /// File that holds the token's PIN.
    #[arg(long, value_name = "FILE", requires = "pkcs11")]
    pin_file: Option<PathBuf>,
    /// The request, PEM.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct TreasuryListArgs {
    /// Who may sign what, and when (JSON).
    #[arg(long, value_name = "POLICY.json")]
    roles: PathBuf,
    /// Folder with a request for each person: ID.pem, ID.csr or ID.der.
    #[arg(long, value_name = "DIR")]
    requests: PathBuf,
    /// The unit's code with the budget.
    #[arg(long, value_name = "CODE")]
    unit_code: Option<String>,
    /// Separate cells by semicolons, as spreadsheets set to Vietnamese want it.
    #[arg(long)]
    semicolons: bool,
    /// The list.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// `kyso treasury`.
pub(crate) fn command(command: &TreasuryCommand, lang: Lang) -> Outcome {
    match command {
        TreasuryCommand::Check(args) => check(args, lang),
        TreasuryCommand::Request(args) => ask(args),
        TreasuryCommand::List(args) => list(args, lang),
    }
}

fn check(args: &TreasuryCheckArgs, lang: Lang) -> Outcome {
    let policy = roles(&args.roles)?;
    let kind = match (&args.transaction, policy.transactions.as_slice()) {
        (Some(code), _) => code.clone(),
        (None, [only]) => only.code.clone(),
        (None, several) => {
            let codes: Vec<&str> = several.iter().map(|kind| kind.code.as_str()).collect();
            return Err(Stop::usage(format!("--transaction: which? The policy has {}", codes.join(", "))));
        }
    };
    let given = trust::given(&args.trust)?;
    let report = policy.judge(&validate(args, &given)?, &kind)?;
    if args.json {
        print::out(&report.to_json(lang.into()))?;
    } else {
        print::text(&report.to_text(lang.into()))?;
    }
    Ok(match report.outcome {
        RoleOutcome::Fulfilled => Exit::Done,
        RoleOutcome::Violated => Exit::Failed,
        RoleOutcome::Incomplete => Exit::Indeterminate,
    })
}

/// The policy in a file.
fn roles(path: &Path) -> Result<RolePolicy, Stop> {
    let text = String::from_utf8(input::read(path)?);
    let text = text.map_err(|_| Stop { exit: Exit::Input, message: format!("{}: not UTF-8", path.display()) })?;
    RolePolicy::from_json(text.trim_start_matches('\u{FEFF}')).map_err(|e| Stop::from(e).of_file(path))
}

fn validate(args: &TreasuryCheckArgs, given: &Given) -> Result<Report, Stop> {
    let source = FileSource::open(&args.input)?;
    let online = args.trust.online;
    let report = match input::kind(&source)? {
        Kind::Pdf if args.content.is_some() => {
            return Err(Stop::usage("--content is for detached signatures; a PDF holds its own content"));
        }
        Kind::Pdf => {
            let watched = Watched::new(&source, 1);
            let pdf = request::pdf(&watched, &args.pdf, &args.input)?;
            verify::validate(given, online, &source, |validator| validator.pdf(&pdf))?
        }
        Kind::Other => {
            let octets = input::read(&args.input)?;
            let signed = SignedData::from_file(&octets, &Limits::default());
            let signed = signed.map_err(|e| Stop::from(e).of_file(&args.input))?;
            let content = args.content.as_deref().map(FileSource::open).transpose()?;
            let content_source = content.as_ref().map(|content| content as &dyn Source);
            let report = verify::validate(given, online, &octets, |validator| validator.cms(&signed, content_source))?;
            content.as_ref().map(FileSource::check_unchanged).transpose()?;
            report
        }
    };
    source.check_unchanged()?;
    Ok(report)
}

/// `kyso treasury request`.
fn ask(args: &TreasuryRequestArgs) -> Outcome {
    let policy = roles(&args.roles)?;
    let mut applicant = Applicant::of(&policy, &args.person)?;
    applicant.unit_code.clone_from(&args.unit_code);
    let template = match &args.subject {
        Some(text) => SubjectTemplate::new(text)?,
        None => SubjectTemplate::default(),
    };
    let request = match (&args.key, &args.pkcs11) {
        (Some(path), _) => by_file(path, args, &applicant, &template)?,
        (None, Some(module)) => by_token(module, args, &applicant, &template)?,
        (None, None) => return Err(Stop::usage("which key? Give --key FILE or --pkcs11 MODULE")),
    };
    sign::write(&args.output, request.to_pem().as_bytes())?;
    print::text(&format!("{}: {}", args.output.display(), request.subject()))?;
    Ok(Exit::Done)
}

fn by_file(
    path: &Path,
    args: &TreasuryRequestArgs,
    applicant: &Applicant,
    template: &SubjectTemplate,
) -> Result<CertificationRequest, Stop> {
    let octets = zeroize::Zeroizing::new(input::read(path)?);
    let key = match PrivateKey::from_file(&octets, None) {
        Err(kyso::Error::Secret(SecretError::Missing { .. })) => {
            let prompt = format!("Password of {}: ", path.display());
            let secret = input::secret(args.password_env.as_deref(), args.password_file.as_deref(), Some(&prompt))?;
            PrivateKey::from_file(&octets, secret.map(|secret| Password::new(secret.as_str())).as_ref())
        }
        outcome => outcome,
    };
    let key = key.map_err(|e| Stop::from(e).of_file(path))?;
    let request = applicant.request(template, key.public_key().clone(), key.default_algorithm())?;
    let value = key.sign(request.algorithm(), Message::Octets(&request.to_be_signed()))?;
    Ok(request.complete(&value)?)
}

fn by_token(
    module: &Path,
    args: &TreasuryRequestArgs,
    applicant: &Applicant,
    template: &SubjectTemplate,
) -> Result<CertificationRequest, Stop> {
    let token = args.token.as_ref().map_or_else(TokenSelector::only, |label| TokenSelector::only().label(label));
    let mut selector = KeySelector::only();
    if let Some(label) = &args.key_label {
        selector = selector.label(label.as_bytes());
    }
    if let Some(id) = &args.key_id {
        let id = keys::hex(id).ok_or_else(|| Stop::usage("--key-id: expected hexadecimal digits in pairs"))?;
        selector = selector.id(id);
    }
    let module = Module::load(module)?;
    let pin = input::secret(args.pin_env.as_deref(), args.pin_file.as_deref(), Some("PIN: "))?;
    let Some(pin) = pin else {
        let message = "a PIN is needed: --pin-env, --pin-file, or a terminal".to_owned();
        return Err(Stop { exit: Exit::Secret, message });
    };
    let session = module.login(token, Pin::new(pin.as_str()))?;
    let key = session.public_key(selector.clone())?;
    let algorithm = SignatureAlgorithm::default_for(&key);
    let algorithm =
        algorithm.ok_or_else(|| Stop::usage(format!("a key of the kind {} signs nothing", key.key_type())))?;
    Ok(session.sign_request(selector, &applicant.request(template, key, algorithm)?)?)
}

/// `kyso treasury list`.
fn list(args: &TreasuryListArgs, lang: Lang) -> Outcome {
    let policy = roles(&args.roles)?;
    let mut list = RequestList::new();
    let mut missing = Vec::new();
    for person in &policy.persons {
        let mut applicant = Applicant::of(&policy, &person.id)?;
        applicant.unit_code.clone_from(&args.unit_code);
        // An identifier is no path.
        let plain = person.id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        let names = ["pem", "csr", "der"].map(|extension| format!("{}.{extension}", person.id));
        let Some(name) = names.into_iter().find(|name| plain && args.requests.join(name).is_file()) else {
            missing.push(format!("{} ({})", person.name, person.id));
            continue;
        };
        let path = args.requests.join(&name);
        let request = CertificationRequest::from_file(&input::read(&path)?);
        let request = request.map_err(|e| Stop::from(e).of_file(&path))?;
        list.add(applicant, &request, name).map_err(|e| Stop { exit: Exit::Input, message: e.to_string() })?;
    }
    let separator = if args.semicolons { Separator::Semicolon } else { Separator::Comma };
    sign::write(&args.output, list.to_csv(separator).as_bytes())?;
    if missing.is_empty() {
        return Ok(Exit::Done);
    }
    let words = match lang {
        Lang::Vi => "chưa có yêu cầu của",
        Lang::En => "no request yet of",
    };
    print::note(&format!("{words}: {}", missing.join(", ")));
    Ok(Exit::Indeterminate)
}
