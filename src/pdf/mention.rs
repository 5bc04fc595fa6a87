//! The references that may stand among many objects, found without reading any of them.
//!
//! That nothing refers to an object is known as soon as no octets look like it.
//! Looking for what looks like a reference is many times faster than even
//! [`skim`](crate::pdf::skim), and what it finds too much costs a second look only.

use memchr::memmem;

use crate::pdf::lexer::is_regular;
use crate::pdf::lexer::is_space;

/// Names below which the walk goes on in another role, but for `/Resources`.
const TURNS: [&[u8]; 3] = [b"/Contents", b"/Group", b"/Pages"];

/// Whether an object may begin at `start`: not within a word, of which less would be read there than stands there.
pub(super) fn may_begin(data: &[u8], start: usize) -> bool {
    start.checked_sub(1).is_none_or(|before| data.get(before).is_some_and(|octet| !is_regular(*octet)))
}

/// Appends the number of every reference to `found` that an object in `data` has, provided that
/// each object [may begin](may_begin) where it does; and perhaps others: out of strings, or of what no object reaches.
///
/// `None` where octets could mean something else than they look like: at comments, which may stand
/// within a reference, and at escapes in names; at the names of keys below which the walk goes on in
/// another role; and where there are more than `most`. `found` then holds anything.
pub(super) fn mentions(data: &[u8], most: usize, found: &mut Vec<u32>) -> Option<()> {
    if TURNS.iter().any(|name| memmem::find(data, name).is_some()) {
        return None;
    }
    for at in memchr::memchr3_iter(b'R', b'%', b'#', data) {
        let (before, after) = data.split_at_checked(at)?;
        let (keyword, after) = after.split_first()?;
        if *keyword != b'R' || after.starts_with(b"esources") && before.ends_with(b"/") {
            return None;
        }
        if after.first().is_some_and(|octet| is_regular(*octet)) {
            continue;
        }
        let Some((before, _)) = number_before(before) else { continue };
        let Some((_, number)) = number_before(before) else { continue };
        if let Ok(number) = u32::try_from(number) {
            found.push(number);
            if found.len() > most {
                return None;
            }
        }
    }
    Some(())
}

/// The digits and then the white space with which `data` ends, as a number, and what stands before.
fn number_before(data: &[u8]) -> Option<(&[u8], u64)> {
    let mut rest = data;
    while let Some((_, before)) = rest.split_last().filter(|(octet, _)| is_space(**octet)) {
        rest = before;
    }
    if rest.len() == data.len() {
        return None;
    }
    let (end, mut number, mut place) = (rest.len(), 0_u64, 1_u64);
    while let Some((digit, before)) = rest.split_last().filter(|(octet, _)| octet.is_ascii_digit()) {
        number = number.saturating_add(place.saturating_mul(u64::from(digit - b'0')));
        place = place.saturating_mul(10);
        rest = before;
    }
    (rest.len() < end).then_some((rest, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pdf::lexer::Parser;
    use crate::pdf::object::Object;
    use crate::pdf::object::Reference;
    use crate::pdf::skim::shuffled;

    fn mentioned(data: &[u8]) -> Option<Vec<u32>> {
        let mut found = Vec::new();
        mentions(data, usize::MAX, &mut found)?;
        Some(found)
    }

    fn parsed(data: &[u8], start: usize) -> Option<Vec<Reference>> {
        fn collect(object: &Object, found: &mut Vec<Reference>) {
            match object {
                Object::Reference(id) => found.push(*id),
                Object::Array(values) => values.iter().for_each(|value| collect(value, found)),
                Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| collect(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        collect(&Parser::new(data.get(start..)?, 0, true, &Limits::default()).object().ok()?, &mut found);
        Some(found)
    }

    #[test]
    fn what_looks_like_a_reference_is_found() {
        let found =
            mentioned(b"<</A 1 0 R/B[2 0 R\n003\r\n5\tR](4 0 R)/RR 5 0 Rx/C 6 0R/D 70000 70000 R>>[+7 0 R]8 0 R");
        assert_eq!(found.unwrap(), [1, 2, 3, 4, 70000, 7, 8]);
    }

    #[test]
    fn what_could_mean_something_else_is_not_decided_here() {
        for text in [
            &b"[1 %\n0 R]"[..],
            b"<</#4b 1 0 R>>",
            b"<</Contents 1 0 R>>",
            b"<</Resources<</Font 1 0 R>>>>",
            b"<</Type/Pages/Kids[1 0 R]>>",
            b"<</Group 1 0 R>>",
        ] {
            assert_eq!(mentioned(text), None, "{}", String::from_utf8_lossy(text));
        }
        // From within a number another one is read.
        let data = b"[123 0 R] 23 0 R";
        assert!([0, 9, 10, 16].iter().all(|start| may_begin(data, *start) == (*start != 16)));
        assert!([2, 3, 99, usize::MAX].iter().all(|start| !may_begin(data, *start)));
    }

    #[test]
    fn there_are_as_many_as_is_permitted() {
        let mut found = Vec::new();
        assert_eq!(mentions(b"1 0 R 1 0 R", 2, &mut found), Some(()));
        found.clear();
        assert_eq!(mentions(b"1 0 R 1 0 R", 1, &mut found), None);
    }

    /// Pieces in every order that a generator hits upon: never a reference that the parser has and this has not.
    #[test]
    fn whatever_the_parser_reads_is_among_what_is_found() {
        const PIECES: [&str; 38] = [
            " 7 0 R", "/C 8 0 R", "4\t0\nR", "[3 0 R", "<<", ">>", "[", "]", "/A", "/B ", "1 0 R", " 2 ", "0", " R ",
            "R", "+3", "-4", "05", "6.", "7.8", "(s)", "(", ")", "\\", "<a1>", "<", ">", "%c\n", "\r", "\0", "null",
            "true ", "#41", "/Group", "65536", "9 9 9 R", "{", " ",
        ];
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let (mut some, mut references) = (0, 0);
        for _ in 0..200_000 {
            let text = shuffled(&mut state, &PIECES, 12);
            // From every place at which an object may be said to begin.
            let start = usize::try_from(state >> 33).unwrap() % text.len();
            let mut found = Vec::new();
            let known =
                mentions(text.as_bytes(), usize::MAX, &mut found).is_some() && may_begin(text.as_bytes(), start);
            for start in [0, start] {
                let Some(read) = parsed(text.as_bytes(), start).filter(|_| known) else { continue };
                some += 1;
                references += read.len();
                assert!(read.iter().all(|id| found.contains(&id.number)), "{text:?} from {start}: {read:?}, {found:?}");
            }
        }
        assert!(some > 20_000 && references > 5_000, "{some} {references}");
    }
}
