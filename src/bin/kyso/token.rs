//! `kyso token`: list, objects, generate, import.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use kyso::crypto::KeySpec;
use kyso::error::PinTries;
use kyso::key::pkcs11::Login;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::NewKey;
use kyso::key::pkcs11::ObjectKind;
use kyso::key::pkcs11::Token;
use kyso::key::pkcs11::TokenObject;
use kyso::key::pkcs11::TokenSelector;
use kyso::key::pkcs11::TokenSession;

use crate::args::KeyArgs;
use crate::args::KeyKind;
use crate::args::Lang;
use crate::args::TokenArgs;
use crate::args::TokenCommand;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::keys;
use crate::print;
use crate::trust;

/// `kyso token`.
pub(crate) fn run(command: &TokenCommand, lang: Lang) -> Outcome {
    match command {
        TokenCommand::List { pkcs11, mechanisms, json } => list(pkcs11, *mechanisms, *json, lang),
        TokenCommand::Objects { token, login, json } => objects(token, *login, *json, lang),
        TokenCommand::Generate { token, kind, key_label, key_id, json } => {
            generate(token, *kind, key_label, key_id.as_deref(), *json, lang)
        }
        TokenCommand::Import { token, cert, label, json } => import(token, cert, label.as_deref(), *json, lang),
    }
}

/// Logs in with the PIN that the options name, or that a person enters.
fn session(args: &TokenArgs) -> Result<TokenSession, Stop> {
    let key = KeyArgs {
        pkcs11: Some(args.pkcs11.clone()),
        token: args.token.clone(),
        pin_env: args.pin_env.clone(),
        pin_file: args.pin_file.clone(),
        final_try: args.final_try,
        ..KeyArgs::default()
    };
    Ok(keys::session(&key)?.0)
}

/// `kyso token objects`.
fn objects(args: &TokenArgs, login: bool, as_json: bool, lang: Lang) -> Outcome {
    let session = if login || args.pin_env.is_some() || args.pin_file.is_some() {
        session(args)?
    } else {
        let token = args.token.as_ref().map_or_else(TokenSelector::only, |label| TokenSelector::only().label(label));
        Module::load(&args.pkcs11)?.login(token, Login::public())?
    };
    let objects = session.objects()?;
    if as_json {
        let list: Vec<Value> = objects.iter().map(facts).collect();
        print::json(&json!({ "token": session.token().label().to_string(), "objects": list }))?;
        return Ok(Exit::Done);
    }
    if objects.is_empty() {
        print::text(if lang == Lang::Vi { "Không thấy đối tượng nào." } else { "Nothing is to be seen." })?;
    }
    for object in &objects {
        print::text(&line(object, lang))?;
    }
    Ok(Exit::Done)
}

const fn kind(object: &TokenObject) -> &'static str {
    match object.kind() {
        ObjectKind::Certificate => "certificate",
        ObjectKind::PrivateKey => "private-key",
        ObjectKind::PublicKey => "public-key",
        _ => "other",
    }
}

fn facts(object: &TokenObject) -> Value {
    let certificate = object.certificate().map(|c| {
        json!({
            "subject": c.subject().to_string(),
            "issuer": c.issuer().to_string(),
            "serial": c.serial().to_string(),
            "sha256": c.sha256().to_hex(),
            "not_before": c.not_before().to_rfc3339(0),
            "not_after": c.not_after().to_rfc3339(0),
        })
    });
    json!({
        "kind": kind(object),
        "label": object.label().to_string(),
        "id": hex(object.id()),
        "key_type": object.key_type().map(|k| k.to_string()),
        "certificate": certificate,
    })
}

fn line(object: &TokenObject, lang: Lang) -> String {
    let word = match (object.kind(), lang) {
        (ObjectKind::Certificate, Lang::Vi) => "chứng thư",
        (ObjectKind::PrivateKey, Lang::Vi) => "khóa bí mật",
        (ObjectKind::PublicKey, Lang::Vi) => "khóa công khai",
        (_, Lang::Vi) => "khác",
        (_, Lang::En) => kind(object),
    };
    let more = object.certificate().map(|c| c.subject().to_string());
    let more = more.or_else(|| object.key_type().map(|k| k.to_string())).map(|m| format!(": {m}"));
    format!("{word} \"{}\" (id {}){}", object.label(), hex(object.id()), more.unwrap_or_default())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}

/// `kyso token generate`.
fn generate(args: &TokenArgs, kind: KeyKind, label: &str, id: Option<&str>, as_json: bool, lang: Lang) -> Outcome {
    let spec = match kind {
        KeyKind::Rsa2048 => KeySpec::Rsa2048,
        KeyKind::Rsa3072 => KeySpec::Rsa3072,
        KeyKind::Rsa4096 => KeySpec::Rsa4096,
        KeyKind::P256 => KeySpec::P256,
        KeyKind::P384 => KeySpec::P384,
    };
    let new = NewKey::new(spec, label);
    let new = match id {
        Some(digits) => new.id(keys::key_id(digits)?),
        None => new,
    };
    let key = session(args)?.generate_key(&new)?;
    let kind = key.public_key().key_type().to_string();
    if as_json {
        print::json(&json!({ "label": label, "id": hex(key.id()), "key_type": kind }))?;
    } else {
        let word = if lang == Lang::Vi { "Đã tạo khóa" } else { "Key made" };
        print::text(&format!("{word}: {kind} \"{label}\" (id {})", hex(key.id())))?;
    }
    Ok(Exit::Done)
}

/// `kyso token import`.
fn import(args: &TokenArgs, cert: &Path, label: Option<&str>, as_json: bool, lang: Lang) -> Outcome {
    let certificate = trust::certificate(cert)?;
    let imported = session(args)?.import_certificate(&certificate, label)?;
    if as_json {
        print::json(&json!({ "id": hex(imported.id()), "others": imported.others() }))?;
        return Ok(Exit::Done);
    }
    let word = if lang == Lang::Vi { "Đã ghi chứng thư" } else { "Certificate written" };
    print::text(&format!("{word}: {} (id {})", certificate.subject(), hex(imported.id())))?;
    if imported.others() > 0 {
        print::note(&match lang {
            Lang::Vi => format!("khóa này còn {} chứng thư khác; khi ký hãy nêu --cert", imported.others()),
            Lang::En => {
                format!("the key has {} other certificates; name one by --cert when signing", imported.others())
            }
        });
    }
    Ok(Exit::Done)
}

/// `kyso token list`: no PIN is needed and none is asked for.
fn list(module: &Path, with_mechanisms: bool, as_json: bool, lang: Lang) -> Outcome {
    let module = Module::load(module)?;
    let tokens = module.tokens()?;
    let mechanisms: Vec<Vec<String>> = match with_mechanisms {
        true => tokens.iter().map(|t| module.mechanisms(t)).collect::<Result<_, _>>()?,
        false => Vec::new(),
    };
    if as_json {
        let list: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(i, t)| {
                json!({
                    "mechanisms": mechanisms.get(i),
                    "slot": t.slot(),
                    "label": t.label().to_string(),
                    "manufacturer": t.manufacturer().to_string(),
                    "model": t.model().to_string(),
                    "serial": t.serial().to_string(),
                    "initialized": t.is_initialized(),
                    "login_required": t.is_login_required(),
                    "pin_initialized": t.is_pin_initialized(),
                    "pin_pad": t.has_pin_pad(),
                    "pin_must_change": t.must_change_pin(),
                    "pin_tries": tries(t.pin_tries()),
                    "write_protected": t.is_write_protected(),
                })
            })
            .collect();
        print::json(&json!({ "tokens": list }))?;
        return Ok(Exit::Done);
    }
    if tokens.is_empty() {
        print::text(if lang == Lang::Vi { "Không có token nào." } else { "No token is there." })?;
    }
    for (i, token) in tokens.iter().enumerate() {
        print::text(&text(token, lang))?;
        for mechanism in mechanisms.get(i).into_iter().flatten() {
            print::text(&format!("    {mechanism}"))?;
        }
    }
    Ok(Exit::Done)
}

const fn tries(tries: PinTries) -> &'static str {
    match tries {
        PinTries::CountLow => "count-low",
        PinTries::FinalTry => "final-try",
        PinTries::Locked => "locked",
        _ => "no-warning",
    }
}

fn text(token: &Token, lang: Lang) -> String {
    let vi = lang == Lang::Vi;
    let mut notes = Vec::new();
    let mut note = |on: bool, in_vi: &'static str, in_en: &'static str| {
        if on {
            notes.push(if vi { in_vi } else { in_en });
        }
    };
    note(!token.is_initialized(), "chưa khởi tạo", "not initialized");
    note(!token.is_pin_initialized(), "chưa đặt PIN", "no PIN set");
    note(token.has_pin_pad(), "nhập PIN trên thiết bị", "PIN is entered on the device");
    note(token.must_change_pin(), "phải đổi PIN", "PIN must be changed");
    note(token.pin_tries() == PinTries::CountLow, "đã có lần nhập sai PIN", "a wrong PIN was entered");
    note(token.pin_tries() == PinTries::FinalTry, "PIN còn một lần thử", "one PIN try is left");
    note(token.pin_tries() == PinTries::Locked, "PIN đã bị khóa", "PIN is locked");
    let notes = if notes.is_empty() { String::new() } else { format!(": {}", notes.join(", ")) };
    format!("{token}{notes}")
}
