//! Messages with a large attachment, each operation in a process of its own, in turn with the time that it
//! takes anyway: `openssl dgst -sha256` of the message for what passes through as it stands, decoding,
//! inflating and digesting by the same libraries without anything around them for what is deflated.
//! Ratios are medians of the pairs; processor time and peak memory are what GNU time reports of one run.
//!
//! ```sh
//! cargo bench --bench envelope                        # an attachment of 200 MB
//! cargo bench --bench envelope --features cli         # digests by aws-lc-rs too, and through the `kyso` command
//! cargo bench --bench envelope -- 1 2000              # other sizes, in MB
//! ```
//!
//! Run it on an idle machine. Nothing depends on the figures, and no test does.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods // a benchmark reads the clock
)]

#[path = "../tests/support/messages.rs"]
mod messages;
mod processes;

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use base64_simd::AsOut;
use base64_simd::STANDARD;
use flate2::Decompress;
use flate2::FlushDecompress;
use kyso::Limits;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::StatusCode;
use kyso::envelope::Writer;
use kyso::files::FileSource;
use kyso::files::Output;
use processes::median;
use processes::run;
use processes::usage;

/// Least pairs of runs, and the time after which no more are begun.
const PAIRS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("child") => child(&arguments[1..]),
        _ => {
            let sizes: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
            statuses();
            (if sizes.is_empty() { &[200] } else { sizes.as_slice() }).iter().for_each(|size| measure(*size));
        }
    }
}

/// The backends, by name.
fn backends() -> Vec<(&'static str, Backend)> {
    vec![
        ("RustCrypto", Backend::rust_crypto()),
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", Backend::aws_lc_rs()),
    ]
}

/// Large contents unfold to more than a receiver allows without being asked.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.inflated_octets = 8 << 30;
    limits
}

/// One operation, as a program would do it.
fn child(arguments: &[String]) {
    let backend = backends().into_iter().find(|(name, _)| *name == arguments[1]).expect("a backend").1;
    if arguments[0] == "statuses" {
        return read_statuses(arguments[2].parse().unwrap());
    }
    let path = |index: usize| Path::new(&arguments[index + 1]);
    let source = FileSource::open(path(1)).unwrap();
    let digest = match arguments[0].as_str() {
        "extract" => {
            let envelope = Envelope::read(&source, &limits()).unwrap().backend(backend);
            envelope.unpack(&envelope.attachments()[0], &mut |octets| {
                black_box(octets);
                Ok(())
            })
        }
        .map(|unpacked| unpacked.sha256),
        "write" => {
            let message: Message = messages::plain().into();
            let mut out = Output::create(path(2)).unwrap();
            let writer = Writer::new(&message).backend(backend).limits(&limits());
            writer.enclose(Enclosure::new("a.bin", "application/octet-stream", &source)).write(&mut out).unwrap();
            out.commit().unwrap();
            return;
        }
        "pieces" => Ok(pieces(path(1), backend)),
        other => panic!("no such operation: {other}"),
    };
    println!("{}", digest.unwrap().to_hex());
}

/// Decodes, inflates and digests what stands in the message on one line, and nothing else.
fn pieces(path: &Path, backend: Backend) -> kyso::crypto::Digest {
    const WINDOW: usize = 256 << 10;
    let mut file = File::open(path).unwrap();
    let mut text = vec![0; WINDOW];
    file.read_exact(&mut text).unwrap();
    let start = text.windows(6).position(|w| w == b">UEsDB").unwrap() + 1;
    text.drain(..start);
    let (mut digester, mut inflate) = (backend.digester(DigestAlgorithm::Sha256), Decompress::new(false));
    let (mut packed, mut unfolded, mut first, mut ended) = (vec![0; WINDOW], vec![0; WINDOW], true, false);
    loop {
        let end = text.iter().position(|b| matches!(b, b'<' | b'='));
        let count = end.unwrap_or(text.len()) / 4 * 4;
        let mut octets = &*STANDARD.decode(&text[..count], packed.as_mut_slice().as_out()).unwrap();
        if std::mem::take(&mut first) {
            let length = |at: usize| usize::from(u16::from_le_bytes([octets[at], octets[at + 1]]));
            octets = &octets[30 + length(26) + length(28)..];
        }
        while !octets.is_empty() && !ended {
            let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(octets, &mut unfolded, FlushDecompress::None).unwrap();
            octets = &octets[usize::try_from(inflate.total_in() - before_in).unwrap()..];
            digester.update(&unfolded[..usize::try_from(inflate.total_out() - before_out).unwrap()]);
            ended = status == flate2::Status::StreamEnd;
        }
        if end.is_some() {
            return digester.finish();
        }
        let rest = text.len() - count;
        text.copy_within(count.., 0);
        text.resize(WINDOW, 0);
        let read = file.read(&mut text[rest..]).unwrap();
        text.truncate(rest + read);
    }
}

/// How a payload stands in a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Stored,
    Deflated,
    Raw,
    Lines,
}

fn measure(size: u64) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-envelope");
    fs::create_dir_all(&folder).unwrap();
    let own = std::env::current_exe().unwrap();
    println!("\n{size} MB                                    wall, to the measure     processor              peak");
    for (form, name) in [
        (Form::Stored, "a ZIP that stores"),
        (Form::Raw, "base64 of the file, on one line"),
        (Form::Lines, "base64 of the file, 76 columns"),
        (Form::Deflated, "a ZIP that deflates"),
    ] {
        let (content, message) = (folder.join("content.bin"), folder.join("message.edxml"));
        println!(" {name}");
        make_content(&content, size * 1_000_000, form == Form::Deflated);
        make_message(&content, &message, form);
        let openssl: Vec<OsString> = ["dgst", "-sha256"].map(OsString::from).to_vec();
        let hash = Measure { program: "openssl".as_ref(), arguments: with(&openssl, &[&message]) };
        for (backend, _) in backends() {
            println!("  by {backend}");
            let child =
                |operation: &str, files: &[&Path]| with(&["child", operation, backend].map(OsString::from), files);
            let pieces = Measure { program: &own, arguments: child("pieces", &[&message]) };
            let measure = if form == Form::Deflated { &pieces } else { &hash };
            row("extract", &own, &child("extract", &[&message]), measure);
            if matches!(form, Form::Stored | Form::Deflated) {
                row("write", &own, &child("write", &[&content, &folder.join("out.edxml")]), &hash);
            }
        }
        if let Some(kyso) = option_env!("CARGO_BIN_EXE_kyso").filter(|_| cfg!(feature = "cli")) {
            println!("  by the command");
            let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
            let kyso = Path::new(kyso);
            let out = folder.join("out");
            let _ = fs::remove_dir_all(&out);
            row("kyso envelope check", kyso, &with(&words(&["envelope", "check"]), &[&message]), &hash);
            let open = [with(&words(&["envelope", "open"]), &[&message]), with(&words(&["-o"]), &[&out])].concat();
            row("kyso envelope open", kyso, &open, &hash);
            let _ = fs::remove_dir_all(&out);
            let new = folder.join("new.edxml");
            let add = [
                with(&words(&["envelope", "add"]), &[&message]),
                with(&words(&["--attach"]), &[Path::new("Cargo.toml")]),
                with(&words(&["-o"]), &[&new]),
            ];
            row("kyso envelope add", kyso, &add.concat(), &hash);
        }
    }
    let _ = fs::remove_dir_all(&folder);
}

fn with(words: &[OsString], files: &[&Path]) -> Vec<OsString> {
    words.iter().cloned().chain(files.iter().map(|file| file.as_os_str().to_owned())).collect()
}

/// What an operation is measured by.
struct Measure<'m> {
    program: &'m Path,
    arguments: Vec<OsString>,
}

/// Runs `program` in turn with its measure, and prints the medians.
fn row(what: &str, program: &Path, arguments: &[OsString], measure: &Measure<'_>) {
    let (own, floor) = (usage(program, arguments), usage(measure.program, &measure.arguments));
    let (mut walls, mut ratios) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while walls.len() < PAIRS && begun.elapsed() < PATIENCE {
        let wall = run(program, arguments);
        ratios.push(wall / run(measure.program, &measure.arguments));
        walls.push(wall);
    }
    print!("    {what:<26} {:>8.1} ms  x {:<6.2}", median(walls) * 1_000.0, median(ratios));
    match (own, floor) {
        (Some((cpu, peak)), Some((floor, _))) => {
            println!(" {cpu:>7.2} s  (measure {floor:.2} s) {:>8.1} MiB", peak / 1_024.0);
        }
        _ => println!(" GNU time is not installed"),
    }
}

/// Status messages in memory, read and checked one after the other, by the processor's time.
fn statuses() {
    let own = std::env::current_exe().unwrap();
    let count = 20_000;
    let begun = Instant::now();
    let cpu = usage(&own, &["child", "statuses", "RustCrypto", &count.to_string()].map(OsString::from));
    let seconds = cpu.map_or_else(|| begun.elapsed().as_secs_f64(), |(cpu, _)| cpu);
    println!("status messages: {:.0} in a second of one core", f64::from(count) / seconds);
}

fn read_statuses(count: usize) {
    let written = StatusCode::ALL.iter().map(|code| Writer::new(&messages::status(*code).into()).to_vec().unwrap());
    let texts: Vec<Vec<u8>> = written.collect();
    for text in texts.iter().cycle().take(count) {
        let envelope = Envelope::read(text, &Limits::default()).unwrap();
        assert!(black_box(envelope.check().unwrap()).findings.is_empty());
    }
}

/// Octets without a pattern, or lines of text of which a third remains when they are deflated.
fn make_content(path: &Path, size: u64, text: bool) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut left, mut line) = (size, Vec::new());
    while left > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        line.clear();
        if text {
            writeln!(line, "Danh sách số {} kèm theo Công văn số {}/VP", state >> 32, state & 0xFFFF_FFFF).unwrap();
        } else {
            line.extend(state.to_le_bytes());
        }
        let count = left.min(line.len() as u64);
        out.write_all(&line[..usize::try_from(count).unwrap()]).unwrap();
        left -= count;
    }
    out.flush().unwrap();
}

/// A message around the content. What the writer does not write is put together here.
fn make_message(content: &Path, path: &Path, form: Form) {
    let message: Message = messages::plain().into();
    if matches!(form, Form::Stored | Form::Deflated) {
        let source = FileSource::open(content).unwrap();
        let mut out = BufWriter::new(File::create(path).unwrap());
        let writer = Writer::new(&message).limits(&limits());
        writer.enclose(Enclosure::new("a.bin", "application/octet-stream", &source)).write(&mut out).unwrap();
        out.flush().unwrap();
        return;
    }
    let small = b"x".to_vec();
    let writer = Writer::new(&message).enclose(Enclosure::new("a.bin", "application/octet-stream", &small));
    let text = String::from_utf8(writer.to_vec().unwrap()).unwrap();
    let (start, rest) = text.split_once("_2016\">UEsD").unwrap();
    let (_, end) = rest.split_once("</edXML:Content").unwrap();
    let mut out = BufWriter::new(File::create(path).unwrap());
    write!(out, "{start}_2016\">").unwrap();
    let mut file = File::open(content).unwrap();
    // 57 octets make a line of 76 characters.
    let mut octets = vec![0; 57 * 3_000];
    loop {
        let mut filled = 0;
        loop {
            match file.read(&mut octets[filled..]).unwrap() {
                0 => break,
                count => filled += count,
            }
        }
        let chunk = if form == Form::Lines { 57 } else { octets.len() };
        for part in octets[..filled].chunks(chunk) {
            out.write_all(STANDARD.encode_to_string(part).as_bytes()).unwrap();
            if form == Form::Lines {
                out.write_all(b"\n").unwrap();
            }
        }
        if filled < octets.len() {
            break;
        }
    }
    write!(out, "</edXML:Content{end}").unwrap();
    out.flush().unwrap();
}
