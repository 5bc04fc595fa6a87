//! `kyso token`.

use std::path::Path;

use serde_json::json;

use kyso::error::PinTries;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::Token;

use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::print;

/// `kyso token list`: no PIN is needed and none is asked for.
pub(crate) fn list(module: &Path, as_json: bool, lang: Lang) -> Outcome {
    let module = Module::load(module)?;
    let tokens = module.tokens()?;
    if as_json {
        let list: Vec<_> = tokens
            .iter()
            .map(|t| {
                json!({
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
    for token in &tokens {
        print::text(&text(token, lang))?;
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
