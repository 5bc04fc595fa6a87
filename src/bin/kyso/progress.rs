//! A progress bar while a long document is read.

use std::io::IsTerminal;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use kyso::Error;
use kyso::pdf::Source;

/// Below this nobody has to wait.
const LONG: u64 = 16 << 20;

/// A source whose reading is shown on the terminal, if there is one and it takes long.
#[derive(Debug)]
pub(crate) struct Watched<'s, S> {
    source: &'s S,
    bar: ProgressBar,
}

impl<'s, S: Source> Watched<'s, S> {
    /// Shows the reading of `source`, which is gone through `times` times.
    pub(crate) fn new(source: &'s S, times: u64) -> Self {
        let bar = if source.len() >= LONG && std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(source.len().saturating_mul(times));
            match ProgressStyle::with_template("{bar:40} {percent:>3} %  {binary_bytes_per_sec}  {eta}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        } else {
            ProgressBar::hidden()
        };
        Self { source, bar }
    }
}

impl<S: Source> Source for Watched<'_, S> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = self.source.read_at(offset, buffer)?;
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl<S> Drop for Watched<'_, S> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
