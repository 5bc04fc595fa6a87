//! Programs as they are measured: whole processes, by the clock and by what they used.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

/// Seconds that one run takes.
pub(crate) fn run<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> f64 {
    let begun = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status().expect("the program starts");
    assert!(status.success(), "{}: {status}", program.display());
    begun.elapsed().as_secs_f64()
}

/// Processor time in seconds and peak memory in KiB, where GNU time is installed.
pub(crate) fn usage<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> Option<(f64, f64)> {
    let output = Command::new("/usr/bin/time").args(["-f", "%U %S %M"]).arg(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let figures: Vec<f64> = text.lines().last()?.split(' ').filter_map(|figure| figure.parse().ok()).collect();
    let [user, system, peak] = *figures.as_slice() else { return None };
    Some((user + system, peak))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
