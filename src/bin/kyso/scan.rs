//! `kyso scan`: scanned pages become a PDF.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use kyso::Limits;
use kyso::pdf::Scan;

use crate::args::Lang;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::print;
use crate::sign;

#[derive(Args, Debug)]
pub(crate) struct ScanArgs {
    /// The images, in the order of the pages.
    #[arg(value_name = "IMAGE", required = true)]
    inputs: Vec<PathBuf>,
    /// The document.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// `kyso scan`.
pub(crate) fn scan(args: &ScanArgs, lang: Lang) -> Outcome {
    let limits = Limits::default();
    let mut scan = Scan::new(&limits);
    for path in &args.inputs {
        scan.add(&input::read(path)?).map_err(|e| Stop::from(e).of_file(path))?;
    }
    print::warnings(scan.findings(), lang);
    let pages: Vec<_> = scan
        .pages()
        .iter()
        .map(|page| {
            json!({
                "width": page.width,
                "height": page.height,
                "resolution": [page.resolution.0, page.resolution.1],
                "real_size": page.real_size,
            })
        })
        .collect();
    let findings: Vec<_> = scan.findings().iter().map(print::finding).collect();
    sign::write(&args.output, &scan.to_pdf()?)?;
    let output = args.output.display().to_string();
    if args.json {
        print::json(&json!({ "output": output, "pages": pages, "findings": findings }))?;
    } else {
        let text = match lang {
            Lang::Vi => format!("{} trang: {output}", pages.len()),
            Lang::En => format!("Pages: {}: {output}", pages.len()),
        };
        print::text(&text)?;
    }
    Ok(Exit::Done)
}
