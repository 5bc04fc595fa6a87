//! Names from text (RFC 4514).

use super::Name;
use super::oids;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::error::Error;
use crate::error::Misuse;

const COUNTRY: Oid = Oid::known(&[0x55, 4, 6]);
const SERIAL_NUMBER: Oid = Oid::known(&[0x55, 4, 5]);
const EMAIL_ADDRESS: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1]);
const DOMAIN_COMPONENT: Oid = Oid::known(&[0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25]);

/// Names that are understood beside those that are written.
const MORE_NAMES: &[(Oid, &str)] = &[
    (Oid::known(&[0x55, 4, 4]), "SN"),
    (Oid::known(&[0x55, 4, 12]), "T"),
    (Oid::known(&[0x55, 4, 12]), "title"),
    (Oid::known(&[0x55, 4, 42]), "GN"),
    (EMAIL_ADDRESS, "E"),
];

/// Longest text that is read.
const MOST: usize = 4096;

impl Name {
    /// Reads the text form of RFC 4514, the most significant relative name last:
    /// `CN=Nguyễn Văn A,O=Sở Tài chính,C=VN`.
    ///
    /// Types are the names that `Display` writes, in any case, a few more (`T`,
    /// `SN`, `GN`, `E`), or dotted identifiers. Values become UTF8String, and
    /// PrintableString or IA5String where the type demands it (RFC 5280 appendix
    /// A). White space around types and values does not count.
    ///
    /// # Errors
    /// [`Error::Misuse`], which says what is wrong with which part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MOST {
            return Err(Misuse::new("name: too long").into());
        }
        let mut relatives = Vec::new();
        for relative in split(text, &[',', ';']) {
            let attributes: Result<Vec<_>, Error> = split(relative, &['+']).into_iter().map(attribute).collect();
            relatives.push(encode::set_of(attributes?));
        }
        relatives.reverse();
        Self::from_der(&encode::tlv(0x30, &relatives.concat()))
    }
}

/// Parts between separators that are not escaped.
fn split<'t>(text: &'t str, separators: &[char]) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escape = false;
    for (at, c) in text.char_indices() {
        let escaped = escape;
        escape = c == '\\' && !escaped;
        if !escaped && separators.contains(&c) {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + c.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn attribute(text: &str) -> Result<Vec<u8>, Error> {
    let wrong = |what: &str| Error::from(Misuse::new(format!("name: \"{}\": {what}", text.trim())));
    let (kind, value) = text.split_once('=').ok_or_else(|| wrong("expected TYPE=value"))?;
    let kind = kind.trim();
    let mut named = oids::SHORT_NAMES.iter().chain(MORE_NAMES).filter(|(_, name)| name.eq_ignore_ascii_case(kind));
    let oid = match named.next() {
        Some((oid, _)) => *oid,
        None => Oid::parse(kind).ok_or_else(|| wrong("the type is not known; give a dotted identifier"))?,
    };
    let value = match trimmed(value).strip_prefix('#') {
        Some(digits) => hex(digits).ok_or_else(|| wrong("expected hexadecimal digits in pairs after #"))?,
        None => {
            let text = unescaped(trimmed(value)).ok_or_else(|| wrong("a broken escape"))?;
            if text.is_empty() {
                return Err(wrong("the value is empty"));
            }
            string(&oid, &text).ok_or_else(|| wrong("a character that the type does not allow"))?
        }
    };
    Ok(encode::sequence(&[&encode::oid(&oid), &value]))
}

/// Without white space at the ends, save what is escaped.
fn trimmed(value: &str) -> &str {
    let value = value.trim_start();
    let end = value.trim_end();
    let escapes = end.bytes().rev().take_while(|b| *b == b'\\').count();
    match value.get(end.len()..) {
        Some(rest) if escapes % 2 == 1 && !rest.is_empty() => {
            value.get(..end.len() + rest.chars().next().map_or(0, char::len_utf8)).unwrap_or(end)
        }
        _ => end,
    }
}

fn unescaped(value: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        out.extend(rest.get(..at)?.as_bytes());
        let after = rest.get(at + 1..)?;
        let pair = after.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (pair, after.chars().next()?) {
            (Some(octet), first) if first.is_ascii_hexdigit() => {
                out.push(octet);
                rest = after.get(2..)?;
            }
            (_, c @ ('"' | '+' | ',' | ';' | '<' | '>' | '\\' | ' ' | '#' | '=')) => {
                out.extend(c.to_string().as_bytes());
                rest = after.get(c.len_utf8()..)?;
            }
            _ => return None,
        }
    }
    out.extend(rest.as_bytes());
    String::from_utf8(out).ok()
}

/// The value in the string type of its attribute.
fn string(oid: &Oid, text: &str) -> Option<Vec<u8>> {
    let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
    match *oid {
        COUNTRY => (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
            .then(|| encode::tlv(0x13, text.to_ascii_uppercase().as_bytes())),
        SERIAL_NUMBER => text.bytes().all(printable).then(|| encode::tlv(0x13, text.as_bytes())),
        EMAIL_ADDRESS | DOMAIN_COMPONENT => text.is_ascii().then(|| encode::tlv(0x16, text.as_bytes())),
        _ => Some(encode::utf8_string(text)),
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes();
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) || !pairs.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    pairs.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        for text in [
            "CN=Nguyễn Văn A,O=Sở Tài chính,C=VN",
            "CN=a\\, b\\+c,OU=\\ hai khoảng trắng\\ ,C=VN",
            "CN=x+serialNumber=12,O=\\#1,DC=vn",
            "UID=CMND:012345678912,CN=Lê Thị B",
            "emailAddress=a@b.vn,CN=a\\\\",
            "2.5.4.12=#0c0347c490,CN=T",
        ] {
            let name = Name::parse(text).unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(Name::parse(&name.to_string()).unwrap().der(), name.der());
        }
    }

    #[test]
    fn the_forms_of_the_standard_are_read() {
        // RFC 4514 §4.
        let luci = Name::parse("CN=Lu\\C4\\8Di\\C4\\87").unwrap();
        assert_eq!(luci.display_name(), "Lučić");
        assert_eq!(Name::parse("CN=Before\\0dAfter,DC=example,DC=net").unwrap().display_name(), "Before\rAfter");
        assert_eq!(Name::parse("1.3.6.1.4.1.1466.0=#04024869").unwrap().to_string(), "1.3.6.1.4.1.1466.0=#04024869");
        assert_eq!(Name::parse("cn = a , c = vn").unwrap(), Name::parse("CN=a,C=VN").unwrap());
        assert_eq!(Name::parse("T=Giám đốc,CN=a").unwrap(), Name::parse("2.5.4.12=Giám đốc,CN=a").unwrap());
    }

    #[test]
    fn the_country_comes_first_in_the_der() {
        let der = Name::parse("CN=a,C=VN").unwrap().der().to_vec();
        assert_eq!(
            der[2..],
            [
                &[0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 6, 0x13, 2, b'V', b'N'][..],
                &[0x31, 10, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0C, 1, b'a']
            ]
            .concat()
        );
    }

    #[test]
    fn faults_name_the_part() {
        for (text, what) in [
            ("", "TYPE=value"),
            ("CN=a,b", "TYPE=value"),
            ("XY=a", "not known"),
            ("CN=", "empty"),
            ("CN=a\\x", "escape"),
            ("CN=\\C4", "escape"),
            ("CN=a\\", "escape"),
            ("C=VNM", "not allow"),
            ("serialNumber=é", "not allow"),
            ("CN=#0", "hexadecimal"),
            ("CN=#c3a9x", "hexadecimal"),
        ] {
            let fault = Name::parse(text).unwrap_err().to_string();
            assert!(fault.contains(what), "{text}: {fault}");
        }
    }
}
