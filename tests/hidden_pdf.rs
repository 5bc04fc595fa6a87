//! Content that a document hides before anybody signs it: the prepared documents of the shadow
//! attacks are told, honest ones are not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;

use kyso::Limits;
use kyso::pdf::Pdf;

#[test]
fn probe() {
    let folder = corpus::corpus().map(|c| c.join("pdf")).unwrap();
    for class in ["unsigned", "signed", "signing-input", "attack"] {
        let mut files: Vec<_> = fs::read_dir(folder.join(class)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files {
            let octets = fs::read(&file).unwrap();
            let Ok((pdf, _)) = corpus::open_pdf(&octets) else { continue };
            let found = pdf.hidden_content();
            let first = pdf.signatures().ok().and_then(|s| s.iter().map(|s| s.revision).min());
            let before = first.and_then(|f| f.checked_sub(1)).and_then(|r| pdf.revision(r)).map(|r| r.end() as usize);
            println!("{class} {} {:?}", file.file_name().unwrap().to_string_lossy(), found.map(|f| f.iter().map(|f| format!("{} {:?}", f.code(), f.place())).collect::<Vec<_>>()));
            if let Some(end) = before && let Ok(pdf) = Pdf::parse(&octets[..end], &Limits::default()) {
                println!("   BEFORE {:?}", pdf.hidden_content().map(|f| f.iter().map(|f| format!("{} {:?}", f.code(), f.place())).collect::<Vec<_>>()));
            }
        }
    }
}
