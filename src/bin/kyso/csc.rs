//! Keys of remote signing services (CSC API): `--csc`, and `kyso csc`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use serde_json::json;

use kyso::crypto::SignatureAlgorithm;
use kyso::fetch::run;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::remote::RemoteKey;
use kyso::key::remote::RemoteSigner;
use kyso::key::remote::csc::Authorisation;
use kyso::key::remote::csc::CscCredential;
use kyso::key::remote::csc::CscDialect;
use kyso::key::remote::csc::CscService;
use kyso::key::remote::csc::CscVersion;
use kyso::key::remote::csc::Demand;
use kyso::key::remote::csc::Polling;
use kyso::secret::BearerToken;
use kyso::secret::Pin;

use crate::args::Lang;
use crate::args::SignArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::network;
use crate::print;
use crate::trust::Given;

/// A remote signing service.
#[derive(Args, Debug, Default)]
pub(crate) struct CscArgs {
    /// Base address of a remote signing service (CSC API), such as https://rssp.example.vn/csc/v1.
    #[arg(long, value_name = "URL")]
    pub(crate) csc: Option<String>,
    /// The credential to sign with.
    #[arg(long, value_name = "ID", requires = "csc")]
    credential: Option<String>,
    /// Version of the API, 1 or 2; by default as the address says, else as the service does.
    #[arg(long, value_name = "N", requires = "csc", value_parser = clap::value_parser!(u8).range(1..=2))]
    csc_version: Option<u8>,
    /// Environment variable that holds the access token.
    #[arg(long, value_name = "VAR", requires = "csc")]
    csc_token_env: Option<String>,
    /// File that holds the access token.
    #[arg(long, value_name = "FILE", requires = "csc", conflicts_with = "csc_token_env")]
    csc_token_file: Option<PathBuf>,
    /// Environment variable that holds a one-time password.
    #[arg(long, value_name = "VAR", requires = "csc")]
    otp_env: Option<String>,
    /// File that holds a one-time password.
    #[arg(long, value_name = "FILE", requires = "csc", conflicts_with = "otp_env")]
    otp_file: Option<PathBuf>,
    /// How the service departs from the specification: paths, members (JSON).
    #[arg(long, value_name = "FILE", requires = "csc")]
    csc_dialect: Option<PathBuf>,
    /// Seconds to wait for a service that answers later, such as when its user confirms on a phone.
    #[arg(long, value_name = "SECONDS", requires = "csc", default_value_t = 300)]
    csc_wait: u64,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CscCommand {
    /// What a service says of itself.
    Info(CscListArgs),
    /// The credentials that the access token gives access to.
    List(CscListArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CscListArgs {
    #[command(flatten)]
    csc: CscArgs,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// A credential of a service, with what the options say of its use.
pub(crate) struct Remote<'a> {
    args: &'a SignArgs,
    service: CscService,
    credential: CscCredential,
    algorithm: SignatureAlgorithm,
}

impl<'a> Remote<'a> {
    /// The credential that the options of `sign` name.
    pub(crate) fn open(args: &'a SignArgs, given: &Given) -> Result<Self, Stop> {
        let (csc, own) = (&args.csc, &args.key);
        let others = [
            ("--p12", own.p12.is_some()),
            ("--key", own.key.is_some()),
            ("--cert", own.cert.is_some()),
            ("--chain", !own.chain.is_empty()),
            ("--pkcs11", own.pkcs11.is_some()),
            ("--pkcs11-uri", own.pkcs11_uri.is_some()),
            ("--token", own.token.is_some()),
            ("--key-label", own.key_label.is_some()),
            ("--key-id", own.key_id.is_some()),
            ("--password-env", own.password_env.is_some()),
            ("--password-file", own.password_file.is_some()),
        ];
        if let Some((option, _)) = others.iter().find(|(_, given)| *given) {
            return Err(Stop::usage(format!("{option}: with --csc the service has key and certificate")));
        }
        let id = csc.credential.as_deref();
        let id = id.ok_or_else(|| Stop::usage("--csc needs --credential ID; kyso csc list shows them"))?;
        let service = service(csc)?;
        let credential = run(service.credential(id), &network::client()?)?;
        let credential = credential.completed(&given.anchors, given.evidence.certificates(), given.at);
        let signature = &args.signature;
        let kind = credential.identity().certificate().public_key().key_type();
        let algorithm = keys::algorithm(kind, credential.default_algorithm(), signature.digest, signature.pss)?;
        Ok(Self { args, service, credential, algorithm })
    }

    pub(crate) const fn identity(&self) -> &SignerIdentity {
        self.credential.identity()
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// How many documents one authorisation signs.
    pub(crate) const fn multisign(&self) -> usize {
        self.credential.multisign()
    }

    /// The key, for one signature.
    pub(crate) fn key(self) -> Result<Box<dyn SigningKey>, Stop> {
        let signer = self.credential.signer(self.authorisation()?);
        Ok(Box::new(RemoteKey::new(signer, network::client()?).algorithm(self.algorithm)))
    }

    /// Has the service sign all of them under one authorisation; `before`, others of this batch had one already.
    pub(crate) fn sign(&self, messages: Vec<ToBeSigned>, before: bool) -> Result<Vec<SignatureValue>, Stop> {
        let given = self.args.csc.otp_env.is_some() || self.args.csc.otp_file.is_some();
        if before && given && self.credential.otp() == Demand::Demanded {
            let message = format!(
                "one authorisation of this credential signs {} documents, and the one-time password served that one; \
                 run the same command with a new one: what is signed is not signed again",
                self.multisign()
            );
            return Err(Stop { exit: Exit::Secret, message });
        }
        let signer = self.credential.signer(self.authorisation()?);
        Ok(run(signer.sign(messages)?, &network::client()?)?)
    }

    /// What permits one use, from where the options say.
    fn authorisation(&self) -> Result<Authorisation, Stop> {
        let own = &self.args.key;
        let prompt = (self.credential.pin() == Demand::Demanded).then_some("PIN: ");
        let mut authorisation = Authorisation::new();
        if let Some(pin) = input::secret(own.pin_env.as_deref(), own.pin_file.as_deref(), prompt)? {
            authorisation = authorisation.pin(Pin::new(pin.as_str()));
        }
        if let Some(otp) = one_time_password(&self.args.csc, &self.service, &self.credential)? {
            authorisation = authorisation.otp(Pin::new(otp.as_str()));
        }
        Ok(authorisation)
    }
}

/// The one-time password from where the options say; a person at a terminal is
/// sent one, where that is how the credential does it.
fn one_time_password(
    args: &CscArgs,
    service: &CscService,
    credential: &CscCredential,
) -> Result<Option<zeroize::Zeroizing<String>>, Stop> {
    let (env, file) = (args.otp_env.as_deref(), args.otp_file.as_deref());
    let asked = env.is_none() && file.is_none() && credential.otp() == Demand::Demanded;
    if asked && credential.otp_is_sent() && std::io::stdin().is_terminal() {
        run(service.send_otp(credential.id()), &network::client()?)?;
    }
    input::secret(env, file, asked.then_some("One-time password: "))
}

fn service(args: &CscArgs) -> Result<CscService, Stop> {
    let Some(base) = args.csc.as_deref() else { return Err(Stop::usage("which service? Give --csc URL")) };
    let of_address = match base.trim_end_matches('/').rsplit('/').next() {
        Some(last) if last.starts_with("v1") => Some(CscVersion::V1),
        Some(last) if last.starts_with("v2") => Some(CscVersion::V2),
        _ => None,
    };
    let version = match args.csc_version {
        Some(1) => Some(CscVersion::V1),
        Some(_) => Some(CscVersion::V2),
        None => of_address,
    };
    let complete = |version| -> Result<CscService, Stop> {
        let began = input::now()?;
        let polling = Polling::new(move || input::now().unwrap_or(began)).within(Duration::from_secs(args.csc_wait));
        let mut service = CscService::new(base, version)?.polling(polling);
        if let Some(path) = &args.csc_dialect {
            let text = String::from_utf8(input::read(path)?);
            let text =
                text.map_err(|_| Stop { exit: Exit::Input, message: format!("{}: not UTF-8", path.display()) })?;
            let dialect = CscDialect::from_json(&text).map_err(|e| Stop::from(e).of_file(path))?;
            service = service.dialect(dialect).map_err(|e| Stop::from(e).of_file(path))?;
        }
        if let Some(token) = input::secret(args.csc_token_env.as_deref(), args.csc_token_file.as_deref(), None)? {
            service = service.token(BearerToken::new(token.as_str())?);
        }
        Ok(service)
    };
    match version {
        Some(version) => complete(version),
        None => {
            let info = run(complete(CscVersion::V1)?.info(), &network::client()?)?;
            let version = info.version().ok_or_else(|| {
                Stop::usage(format!("the service speaks version {:?} of the API; say --csc-version", info.specs))
            })?;
            complete(version)
        }
    }
}

/// `kyso csc`.
pub(crate) fn command(command: &CscCommand, lang: Lang) -> Outcome {
    match command {
        CscCommand::Info(args) => info(args, lang),
        CscCommand::List(args) => list(args, lang),
    }
}

fn info(args: &CscListArgs, lang: Lang) -> Outcome {
    let info = run(service(&args.csc)?.info(), &network::client()?)?;
    if args.json {
        print::json(&json!({
            "specs": info.specs,
            "name": info.name,
            "region": info.region,
            "description": info.description,
            "auth_types": info.auth_types,
            "oauth2": info.oauth2,
            "methods": info.methods,
        }))?;
    } else {
        let [specs, auth, methods] = match lang {
            Lang::Vi => ["phiên bản", "xác thực", "phương thức"],
            Lang::En => ["version", "authentication", "methods"],
        };
        print::text(&format!(
            "{}\n{specs}: {}\n{auth}: {}\n{methods}: {}",
            info.name,
            info.specs,
            info.auth_types.join(", "),
            info.methods.join(", ")
        ))?;
    }
    Ok(Exit::Done)
}

fn list(args: &CscListArgs, lang: Lang) -> Outcome {
    let service = service(&args.csc)?;
    let network = network::client()?;
    let ids = match &args.csc.credential {
        Some(id) => vec![id.clone()],
        None => run(service.credentials(), &network)?,
    };
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for id in ids {
        match run(service.credential(&id), &network) {
            Ok(credential) => {
                let certificate = credential.identity().certificate();
                let until = certificate.not_after();
                lines.push(format!("{id}  {}  {}", certificate.subject(), until.to_rfc3339(7 * 60)));
                rows.push(json!({
                    "id": id,
                    "subject": certificate.subject().to_string(),
                    "issuer": certificate.issuer().to_string(),
                    "not_after": until.to_rfc3339(0),
                    "sha256": certificate.sha256().to_hex(),
                    "multisign": credential.multisign(),
                    "bound_to_digests": credential.is_bound_to_digests(),
                    "pin": credential.pin() == Demand::Demanded,
                    "otp": credential.otp() == Demand::Demanded,
                }));
            }
            // The others are of use all the same.
            Err(error) => {
                let message = Stop::from(error).message;
                lines.push(format!("{id}  {message}"));
                rows.push(json!({ "id": id, "error": message }));
            }
        }
    }
    if args.json {
        print::json(&json!({ "credentials": rows }))?;
    } else if lines.is_empty() {
        print::text(match lang {
            Lang::Vi => "không có chứng thư nào",
            Lang::En => "no credential",
        })?;
    } else {
        print::text(&lines.join("\n"))?;
    }
    Ok(Exit::Done)
}
