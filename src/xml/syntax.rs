//! The parts of the grammar that a tokenizer leaves to its caller: names,
//! characters, references, attributes.

/// A fault of syntax: what was expected, and what stood there.
pub(super) struct Fault {
    pub(super) expected: &'static str,
    pub(super) found: String,
}

impl Fault {
    pub(super) fn new(expected: &'static str, found: impl Into<String>) -> Self {
        Self { expected, found: found.into() }
    }
}

/// XML 1.0 §2.2, `Char`.
pub(crate) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

const fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

const fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

fn is_ncname(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// Octets of a name. Paths repeat names, so that long ones would multiply.
const LONGEST_NAME: usize = 256;

/// Namespaces in XML 1.0 §4, `QName`: prefix (empty where there is none) and local part.
pub(super) fn qname(text: &str) -> Result<(&str, &str), Fault> {
    if text.len() > LONGEST_NAME {
        return Err(Fault::new("a name of at most 256 octets", cut(text)));
    }
    let (prefix, local) = text.split_once(':').unwrap_or(("", text));
    let right = is_ncname(local) && (is_ncname(prefix) || (prefix.is_empty() && !text.starts_with(':')));
    if right { Ok((prefix, local)) } else { Err(Fault::new("a qualified name", text)) }
}

/// Checks the characters of `text` and appends it with its line ends normalised (XML 1.0 §2.11).
pub(super) fn append_text(to: &mut String, text: &str) -> Result<(), Fault> {
    // Nearly all text is plain: only control characters and the two non-characters need a look.
    if text.bytes().all(|b| b >= b' ' && b != 0xEF || matches!(b, b'\t' | b'\n')) {
        to.push_str(text);
        return Ok(());
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !is_char(c) {
            return Err(Fault::new("a character that XML permits", format!("U+{:04X}", u32::from(c))));
        }
        if c == '\r' {
            if chars.peek() == Some(&'\n') {
                continue;
            }
            to.push('\n');
        } else {
            to.push(c);
        }
    }
    Ok(())
}

/// A character reference or one of the five predefined entities, without `&` and `;`.
pub(super) fn reference(name: &str) -> Result<char, Fault> {
    match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let Some(number) = name.strip_prefix('#') else {
        return Err(Fault::new("one of the five predefined entities", cut(&format!("&{name};"))));
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let value = if plain { u32::from_str_radix(digits, radix).ok().and_then(char::from_u32) } else { None };
    value.filter(|c| is_char(*c)).ok_or_else(|| Fault::new("a reference to a character", cut(&format!("&{name};"))))
}

/// One attribute as written: its name, and its value normalised as XML 1.0 §3.3.3 says for CDATA.
pub(super) struct RawAttribute<'t> {
    pub(super) name: &'t str,
    pub(super) value: String,
}

/// Takes the next attribute from the inside of a tag (behind the name), or `None` at its end.
pub(super) fn attribute<'t>(rest: &mut &'t str) -> Result<Option<RawAttribute<'t>>, Fault> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    let text = rest.trim_start_matches(SPACE);
    if text.is_empty() {
        *rest = text;
        return Ok(None);
    }
    if text.len() == rest.len() {
        return Err(Fault::new("white space before an attribute", cut(text)));
    }
    let Some((name, value)) = text.split_once('=') else {
        return Err(Fault::new("an attribute with a value", cut(text)));
    };
    let (name, value) = (name.trim_end_matches(SPACE), value.trim_start_matches(SPACE));
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some((raw, behind)) = quote.and_then(|q| value.get(1..)?.split_once(q)) else {
        return Err(Fault::new("a quoted attribute value", cut(value)));
    };
    *rest = behind;
    Ok(Some(RawAttribute { name, value: attribute_value(raw)? }))
}

fn attribute_value(raw: &str) -> Result<String, Fault> {
    let mut value = String::with_capacity(raw.len());
    let mut parts = raw.split('&');
    let literal = |value: &mut String, text: &str| {
        if text.contains('<') {
            return Err(Fault::new("an attribute value without `<`", cut(text)));
        }
        let from = value.len();
        append_text(value, text)?;
        if value.get(from..).is_some_and(|t| t.contains(['\t', '\n'])) {
            let spaced = value.split_off(from).replace(['\t', '\n'], " ");
            value.push_str(&spaced);
        }
        Ok(())
    };
    literal(&mut value, parts.next().unwrap_or_default())?;
    for part in parts {
        let (name, text) = part.split_once(';').ok_or_else(|| Fault::new("a reference that ends in `;`", cut(part)))?;
        value.push(reference(name)?);
        literal(&mut value, text)?;
    }
    Ok(value)
}

/// The start of a text, for a message.
pub(super) fn cut(text: &str) -> String {
    const MOST: usize = 40;
    let mut start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(mut text: &str) -> Option<Vec<(String, String)>> {
        let mut all = Vec::new();
        while let Some(a) = attribute(&mut text).ok()? {
            all.push((a.name.to_owned(), a.value));
        }
        Some(all)
    }

    #[test]
    fn attributes_are_normalised_and_strict() {
        let one = |v: &str| attributes(v).map(|a| a.into_iter().map(|(_, v)| v).collect::<Vec<_>>());
        assert_eq!(one(" a = \"x\" b='\"'").unwrap(), ["x", "\""]);
        assert_eq!(one(" a='1\r\n2\t3&#10;4&amp;'").unwrap(), ["1 2 3\n4&"]);
        for bad in
            ["a='1'", " a", " a=1", " a='1'b='2'", " a='<'", " a='&x;'", " a='&#0;'", " a='&amp'", " a='", " a='\u{1}'"]
        {
            assert_eq!(attributes(bad), None, "{bad}");
        }
    }

    #[test]
    fn references_are_the_five_and_characters() {
        assert_eq!(reference("#x1EA1").ok(), Some('ạ'));
        assert_eq!(reference("#65").ok(), Some('A'));
        for bad in ["nbsp", "#0", "#xD800", "#x110000", "#+65", "#", "#x", "#xFFFE", ""] {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_follow_namespaces() {
        assert_eq!(qname("edXML:To").ok(), Some(("edXML", "To")));
        assert_eq!(qname("To").ok(), Some(("", "To")));
        assert!(qname(&"a".repeat(256)).is_ok() && qname(&"a".repeat(257)).is_err());
        for bad in ["", ":a", "a:", "a:b:c", "1a", "a b", "-a", "a/"] {
            assert!(qname(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn line_ends_become_one() {
        let mut text = String::new();
        assert!(append_text(&mut text, "a\r\nb\rc\nd\u{FEFF}").is_ok());
        assert_eq!(text, "a\nb\nc\nd\u{FEFF}");
        assert!(append_text(&mut text, "\u{FFFE}").is_err());
        assert!(append_text(&mut text, "\u{0}").is_err());
    }
}
