//! Tokens as they show themselves, and how one of them is chosen.

use std::fmt;

use super::label::Label;
use super::label::shown;
use super::uri::TokenUri;
use crate::crypto::hex;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::PinTries;

/// What a token tells of itself (PKCS#11 `CK_TOKEN_INFO`), as of the moment it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(super) slot: u64,
    pub(super) label: Label,
    pub(super) manufacturer: Label,
    pub(super) model: Label,
    pub(super) serial: Label,
    pub(super) initialized: bool,
    pub(super) login_required: bool,
    pub(super) pin_initialized: bool,
    pub(super) pin_pad: bool,
    pub(super) write_protected: bool,
    pub(super) pin_to_be_changed: bool,
    pub(super) pin_tries: PinTries,
}

impl Token {
    pub(super) fn read(slot: u64, info: &cryptoki::slot::TokenInfo) -> Self {
        let label = |text: &str| Label::new(text.as_bytes().to_vec());
        Self {
            slot,
            label: label(info.label()),
            manufacturer: label(info.manufacturer_id()),
            model: label(info.model()),
            serial: label(info.serial_number()),
            initialized: info.token_initialized(),
            login_required: info.login_required(),
            pin_initialized: info.user_pin_initialized(),
            pin_pad: info.protected_authentication_path(),
            write_protected: info.write_protected(),
            pin_to_be_changed: info.user_pin_to_be_changed(),
            pin_tries: if info.user_pin_locked() {
                PinTries::Locked
            } else if info.user_pin_final_try() {
                PinTries::FinalTry
            } else if info.user_pin_count_low() {
                PinTries::CountLow
            } else {
                PinTries::NoWarning
            },
        }
    }

    /// The number of its slot; it can change when tokens come and go.
    #[must_use]
    pub const fn slot(&self) -> u64 {
        self.slot
    }

    /// Its label.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// Its manufacturer.
    #[must_use]
    pub const fn manufacturer(&self) -> &Label {
        &self.manufacturer
    }

    /// Its model.
    #[must_use]
    pub const fn model(&self) -> &Label {
        &self.model
    }

    /// Its serial number.
    #[must_use]
    pub const fn serial(&self) -> &Label {
        &self.serial
    }

    /// `CKF_TOKEN_INITIALIZED`: it holds a file system at all.
    #[must_use]
    pub const fn is_initialized(&self) -> bool {
        self.initialized
    }

    /// `CKF_LOGIN_REQUIRED`.
    #[must_use]
    pub const fn is_login_required(&self) -> bool {
        self.login_required
    }

    /// `CKF_USER_PIN_INITIALIZED`.
    #[must_use]
    pub const fn is_pin_initialized(&self) -> bool {
        self.pin_initialized
    }

    /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is entered on the device.
    #[must_use]
    pub const fn has_pin_pad(&self) -> bool {
        self.pin_pad
    }

    /// `CKF_WRITE_PROTECTED`.
    #[must_use]
    pub const fn is_write_protected(&self) -> bool {
        self.write_protected
    }

    /// `CKF_USER_PIN_TO_BE_CHANGED`: the PIN has expired or is that of the maker.
    #[must_use]
    pub const fn must_change_pin(&self) -> bool {
        self.pin_to_be_changed
    }

    /// What it tells of the tries that are left. Many tokens set no flag before they lock.
    #[must_use]
    pub const fn pin_tries(&self) -> PinTries {
        self.pin_tries
    }

    /// The name for messages.
    pub(super) fn name(&self) -> String {
        format!("token \"{}\"", self.label)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" (serial {}, {} {}, slot {})",
            self.label, self.serial, self.manufacturer, self.model, self.slot
        )
    }
}

/// Which token is meant: everything that is stated must fit, and one token alone may fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSelector {
    label: Option<String>,
    serial: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    slot: Option<u64>,
}

impl TokenSelector {
    /// The only token that is there.
    #[must_use]
    pub fn only() -> Self {
        Self::default()
    }

    /// With this label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With this serial number.
    #[must_use]
    pub fn serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// In this slot.
    #[must_use]
    pub const fn slot(mut self, slot: u64) -> Self {
        self.slot = Some(slot);
        self
    }

    pub(super) fn fits(&self, token: &Token) -> bool {
        let same = |wanted: &Option<String>, is: &Label| {
            wanted.as_ref().is_none_or(|w| Label::new(w.clone().into_bytes()) == *is)
        };
        same(&self.label, &token.label)
            && same(&self.serial, &token.serial)
            && same(&self.manufacturer, &token.manufacturer)
            && same(&self.model, &token.model)
            && self.slot.is_none_or(|s| s == token.slot)
    }

    /// The one token that fits; an error lists the candidates.
    pub(super) fn choose(&self, tokens: Vec<Token>) -> Result<Token, Error> {
        let list = |tokens: &[Token]| tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (mut fitting, others): (Vec<_>, Vec<_>) =
            tokens.into_iter().filter(Token::is_initialized).partition(|t| self.fits(t));
        match (fitting.pop(), fitting.is_empty(), others.is_empty()) {
            (Some(token), true, _) => Ok(token),
            (Some(token), false, _) => {
                fitting.push(token);
                Err(Misuse::new(format!("{} tokens fit {self}: {}", fitting.len(), list(&fitting))).into())
            }
            (None, _, true) => Err(Misuse::new("no token is there that is initialized").into()),
            (None, _, false) => Err(Misuse::new(format!("no token fits {self}; there is {}", list(&others))).into()),
        }
    }
}

impl fmt::Display for TokenSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|s| s.to_string());
        let parts = [
            ("label", &self.label),
            ("serial", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("slot", &slot),
        ];
        let text: Vec<_> =
            parts.iter().filter_map(|(n, v)| v.as_ref().map(|v| format!("{n} \"{}\"", shown(v)))).collect();
        if text.is_empty() { f.write_str("\"any token\"") } else { f.write_str(&text.join(" and ")) }
    }
}

/// By its label.
impl From<&str> for TokenSelector {
    fn from(label: &str) -> Self {
        Self::only().label(label)
    }
}

/// By its label.
impl From<String> for TokenSelector {
    fn from(label: String) -> Self {
        Self::only().label(label)
    }
}

impl From<&TokenUri> for TokenSelector {
    fn from(uri: &TokenUri) -> Self {
        Self {
            label: uri.token.clone(),
            serial: uri.serial.clone(),
            manufacturer: uri.manufacturer.clone(),
            model: uri.model.clone(),
            slot: uri.slot,
        }
    }
}

/// Which key is meant: everything that is stated must fit, and one key alone may fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySelector {
    pub(super) label: Option<Vec<u8>>,
    pub(super) id: Option<Vec<u8>>,
    /// A URI whose `type` cannot be a key's.
    pub(super) impossible: bool,
}

impl KeySelector {
    /// The only signing key that is there.
    #[must_use]
    pub fn only() -> Self {
        Self::default()
    }

    /// With this `CKA_LABEL`, of the key or of its certificate.
    #[must_use]
    pub fn label(mut self, label: impl Into<Vec<u8>>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With this `CKA_ID`.
    #[must_use]
    pub fn id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl fmt::Display for KeySelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label.as_ref().map(|l| format!("label \"{}\"", Label::new(l.clone())));
        let id = self.id.as_ref().map(|id| format!("id {}", hex(id)));
        let parts: Vec<_> = label.into_iter().chain(id).collect();
        if parts.is_empty() { f.write_str("\"any signing key\"") } else { f.write_str(&parts.join(" and ")) }
    }
}

/// By its label.
impl From<&str> for KeySelector {
    fn from(label: &str) -> Self {
        Self::only().label(label)
    }
}

/// By its label.
impl From<String> for KeySelector {
    fn from(label: String) -> Self {
        Self::only().label(label)
    }
}

impl From<&TokenUri> for KeySelector {
    fn from(uri: &TokenUri) -> Self {
        Self { label: uri.object.clone(), id: uri.id.clone(), impossible: !uri.names_a_key() }
    }
}
