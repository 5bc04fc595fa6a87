//! Glyphs brought into lines as a person reads them, in whatever order they were drawn.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::pdf::page::Rectangle;
use crate::pdf::search::content::Glyph;

/// Baselines that differ by less, in parts of the size, are one line.
const SAME_LINE: f64 = 0.3;
/// A gap that parts words, in parts of the size.
const WORD_GAP: f64 = 0.12;
/// A gap that parts columns: what is left and right of it does not belong together.
const COLUMN_GAP: f64 = 3.0;
/// The same character this near is one printed twice to look bold.
const SAME_PLACE: f64 = 0.12;
/// Steps of a turn in which directions are told apart.
const DIRECTIONS: f64 = 360.0;

/// Baselines of a line and the next of its column are no further apart, in parts of the size.
const NEXT_LINE: f64 = 2.2;
/// Sizes of letters of one text differ by no more than this factor.
const SAME_SIZE: f64 = 1.4;
/// Lines among which the next one is looked for: as many columns as a page may have.
const MOST_AHEAD: usize = 64;
/// Lines that may go on where one ends: there is one, unless columns join.
const MOST_NEXT: usize = 3;

/// A line, or the part of one that stands in one column.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Normalised characters, words parted by single spaces, each with its place.
    pub(super) chars: Vec<(char, Rectangle)>,
    /// In steps of a turn.
    direction: i32,
    /// Of its baseline, growing from line to line upwards.
    across: f64,
    /// Where it begins and ends.
    along: (f64, f64),
    size: f64,
}

/// A glyph with its place along its line and across it.
struct Placed {
    text: Vec<char>,
    along: f64,
    end: f64,
    across: f64,
    size: f64,
    /// In steps of a turn.
    direction: i32,
    bounds: Rectangle,
}

impl Line {
    pub(super) fn text(&self) -> String {
        self.chars.iter().map(|(c, _)| *c).collect()
    }

    /// What is around the characters from `start` to before `end`.
    pub(super) fn bounds(&self, start: usize, end: usize) -> Option<Rectangle> {
        let chars = self.chars.get(start..end)?.iter().filter(|(c, _)| *c != ' ');
        chars.map(|(_, bounds)| *bounds).reduce(|a, b| a.union(&b))
    }
}

/// The lines that may go on where the line at `index` ends: the nearest below it in its column.
pub(super) fn next_lines(lines: &[Line], index: usize) -> impl Iterator<Item = usize> {
    let line = lines.get(index);
    let ahead = lines.iter().enumerate().skip(index + 1).take(MOST_AHEAD);
    let mut nearest = f64::INFINITY;
    let below = ahead.filter_map(move |(index, next)| {
        let line = line?;
        let (small, large) = (line.size.min(next.size), line.size.max(next.size));
        let down = line.across - next.across;
        let common = line.along.1.min(next.along.1) - line.along.0.max(next.along.0);
        let goes_on = next.direction == line.direction
            && large <= SAME_SIZE * small
            && down > SAME_LINE * small
            && down < NEXT_LINE * small
            && common > 0.0
            // From the top: what lies below the first one found is not next.
            && down < nearest + SAME_LINE * small;
        if goes_on {
            nearest = nearest.min(down);
        }
        goes_on.then_some(index)
    });
    below.take(MOST_NEXT)
}

/// One text for what looks alike: compatibility forms undone, composed, spaces
/// as such. Vietnamese Đ is met with as the Icelandic letter of the same look.
pub(super) fn normalised(text: &str) -> impl Iterator<Item = char> {
    text.nfkc().filter_map(|c| match c {
        'Ð' => Some('Đ'),
        'ð' => Some('đ'),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2010}' | '\u{2011}' => Some('-'),
        c if c.is_whitespace() || c.is_control() => Some(' '),
        c => Some(c),
    })
}

/// The lines of a page from its top to its foot.
pub(super) fn lines(glyphs: &[Glyph]) -> Vec<Line> {
    let mut placed = placed(glyphs);
    // By direction, then from line to line; a stable sort leaves the order of drawing where it tells more.
    placed.sort_by(|a, b| a.direction.cmp(&b.direction).then(b.across.total_cmp(&a.across)));
    let mut lines = Vec::new();
    let mut current: Vec<Placed> = Vec::new();
    for glyph in placed {
        let joins = current.first().is_some_and(|first| {
            glyph.direction == first.direction
                && (first.across - glyph.across).abs() < SAME_LINE * first.size.min(glyph.size)
        });
        if !joins && !current.is_empty() {
            split(std::mem::take(&mut current), &mut lines);
        }
        current.push(glyph);
    }
    split(current, &mut lines);
    lines
}

fn placed(glyphs: &[Glyph]) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        let size = glyph.up.0.hypot(glyph.up.1) + glyph.down.0.hypot(glyph.down.1);
        let Some(bounds) = bounds(glyph).filter(|_| size > 0.01) else { continue };
        // Upwards turned by a quarter is forwards: a mark without width has a direction too.
        let (x, y) = (glyph.up.1 / size, -glyph.up.0 / size);
        let length = x.hypot(y);
        let (x, y) = (x / length, y / length);
        #[allow(clippy::cast_possible_truncation)] // within half a turn
        let direction = (y.atan2(x) / std::f64::consts::TAU * DIRECTIONS).round() as i32;
        // A half turn one way is one the other way.
        let direction = if direction == -180 { 180 } else { direction };
        let along = |(a, b): (f64, f64)| a * x + b * y;
        let (start, end) = (along(glyph.origin), along(glyph.end));
        let text: Vec<char> = normalised(&glyph.text).collect();
        let next = Placed {
            along: start.min(end),
            end: start.max(end),
            across: glyph.origin.1 * x - glyph.origin.0 * y,
            text,
            size,
            direction,
            bounds,
        };
        let mark = glyph.text.chars().next().is_some_and(is_combining_mark);
        match placed.last_mut() {
            // A mark belongs to the letter before it, wherever it was put to be seen above it.
            Some(base) if mark && base.near(&next) => base.add_mark(&next),
            _ => placed.push(next),
        }
    }
    placed
}

impl Placed {
    fn near(&self, mark: &Self) -> bool {
        self.direction == mark.direction
            && (self.across - mark.across).abs() < self.size
            && mark.along > self.along - self.size
            && mark.along < self.end + self.size
    }

    fn add_mark(&mut self, mark: &Self) {
        let text: String = self.text.iter().chain(&mark.text).collect();
        self.text = text.nfc().collect();
    }
}

fn bounds(glyph: &Glyph) -> Option<Rectangle> {
    let add = |(a, b): (f64, f64), (c, d): (f64, f64)| (a + c, b + d);
    let corners = [glyph.origin, glyph.end].map(|point| [add(point, glyph.up), add(point, glyph.down)]);
    Rectangle::around(corners.into_iter().flatten())
}

/// Orders the glyphs of a line and parts it into words and columns.
fn split(mut glyphs: Vec<Placed>, lines: &mut Vec<Line>) {
    glyphs.sort_by(|a, b| a.along.total_cmp(&b.along));
    let mut line = Line::default();
    let mut last: Option<&Placed> = None;
    let mut space = false;
    for glyph in &glyphs {
        if glyph.text.iter().all(|c| *c == ' ') {
            space |= !glyph.text.is_empty();
            continue;
        }
        if let Some(last) = last {
            let size = last.size.min(glyph.size);
            if glyph.text == last.text && glyph.along - last.along < SAME_PLACE * size {
                continue;
            }
            let gap = glyph.along - last.end;
            if gap > COLUMN_GAP * size {
                lines.push(std::mem::take(&mut line));
            } else if space || gap > WORD_GAP * size {
                line.chars.push((' ', glyph.bounds));
            }
        }
        space = false;
        if line.chars.is_empty() {
            line = Line {
                direction: glyph.direction,
                across: glyph.across,
                along: (glyph.along, glyph.end),
                size: glyph.size,
                ..line
            };
        }
        line.along.1 = line.along.1.max(glyph.end);
        for c in &glyph.text {
            if *c != ' ' || line.chars.last().is_some_and(|(last, _)| *last != ' ') {
                line.chars.push((*c, glyph.bounds));
            }
        }
        last = Some(glyph);
    }
    if !line.chars.is_empty() {
        lines.push(line);
    }
}
