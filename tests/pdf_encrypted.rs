//! Encrypted documents: opened by user and owner, as qpdf encrypts them and as the corpus has them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::process::Command;

use kyso::Error;
use kyso::Limits;
use kyso::error::SecretError;
use kyso::pdf::Object;
use kyso::pdf::Pdf;
use kyso::secret::Password;

/// What the first page shows, and the document's title.
fn content(pdf: &Pdf<'_>) -> Result<(Vec<u8>, Option<Vec<u8>>), Error> {
    let latest = pdf.latest();
    let catalog = latest.catalog()?;
    let mut node = latest.get(catalog.as_dictionary().unwrap(), "Pages")?;
    loop {
        let dictionary = node.as_dictionary().unwrap();
        let kids = latest.get(dictionary, "Kids")?;
        match kids.as_array().and_then(<[Object]>::first) {
            Some(first) => node = latest.resolve(first)?,
            None => break,
        }
    }
    let page = node.as_dictionary().unwrap();
    let contents = latest.get(page, "Contents")?;
    let contents = match &*contents {
        Object::Array(all) => latest.resolve(&all[0])?,
        _ => contents,
    };
    let text = latest.decoded(contents.as_stream().unwrap())?;
    let info = latest.get(latest.trailer(), "Info")?;
    let title = info.as_dictionary().map(|info| latest.get(info, "Title")).transpose()?;
    Ok((text, title.and_then(|t| t.as_string().map(<[u8]>::to_vec))))
}

fn open(octets: &[u8], password: Option<&str>) -> Result<(Vec<u8>, Option<Vec<u8>>), Error> {
    let pdf = match password {
        None => Pdf::parse(octets, &Limits::default())?,
        Some(password) => Pdf::parse_with_password(octets, &Limits::default(), &Password::new(password))?,
    };
    content(&pdf)
}

#[test]
fn what_qpdf_encrypts_is_read_with_either_password_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.pdf");
    for form in sample_pdf::FORMS {
        fs::write(&plain, sample_pdf::plain(form)).unwrap();
        let (expected, _) = open(&sample_pdf::plain(form), None).unwrap();
        for (name, arguments) in [
            ("rc4-40", ["--allow-weak-crypto", "--encrypt", "user", "owner", "40", "--"].as_slice()),
            ("rc4-128", &["--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=n", "--"]),
            ("aes-128", &["--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=y", "--"]),
            (
                "aes-128-meta",
                &[
                    "--allow-weak-crypto",
                    "--encrypt",
                    "user",
                    "owner",
                    "128",
                    "--use-aes=y",
                    "--cleartext-metadata",
                    "--",
                ],
            ),
            ("aes-256", &["--encrypt", "user", "owner", "256", "--"]),
            ("aes-256-r5", &["--allow-weak-crypto", "--encrypt", "user", "owner", "256", "--force-R5", "--"]),
            ("empty-user", &["--encrypt", "", "owner", "256", "--"]),
            ("vietnamese", &["--encrypt", "mật khẩu", "chủ", "256", "--"]),
        ] {
            // Every method once; the other forms of cross-reference with two of them.
            if form != sample_pdf::Xref::Table && !["rc4-128", "aes-256"].contains(&name) {
                continue;
            }
            let out = folder.path().join(format!("{name}.pdf"));
            let run = Command::new("qpdf").args(arguments).arg(&plain).arg(&out).output();
            let Ok(run) = run else {
                assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "qpdf is not there");
                return eprintln!("qpdf not found: skipped");
            };
            assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
            let octets = fs::read(&out).unwrap();
            let (user, owner) = match name {
                "empty-user" => ("", "owner"),
                "vietnamese" => ("mật khẩu", "chủ"),
                _ => ("user", "owner"),
            };
            for password in [user, owner] {
                assert_eq!(open(&octets, Some(password)).unwrap().0, expected, "{name} {form:?} {password}");
            }
            let pdf = Pdf::parse_with_password(octets.as_slice(), &Limits::default(), &Password::new(owner)).unwrap();
            assert!(pdf.encryption().unwrap().opened_as_owner());
            assert!(
                matches!(open(&octets, Some("wrong")), Err(Error::Secret(SecretError::Wrong { .. }))),
                "{name}: a wrong password"
            );
            let without = open(&octets, None);
            if user.is_empty() {
                assert_eq!(without.unwrap().0, expected);
            } else {
                assert!(matches!(without, Err(Error::Secret(SecretError::Missing { .. }))), "{name}");
            }
        }
    }
}

/// The corpus states the passwords in its notes.
#[test]
fn documents_of_others_open() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    for (file, password) in [
        ("signing-input/own__base-aes128-emptyuser.pdf", None),
        ("signing-input/own__base-aes256-user.pdf", Some("user")),
        ("signing-input/own__base-objstm-aes256.pdf", None),
        ("signing-input/own__base-rc4-128-emptyuser.pdf", None),
        ("signing-input/pyhanko__minimal-two-fields-aes256.pdf", Some("ownersecret")),
        ("signing-input/pyhanko__minimal-with-field-rc4.pdf", Some("usersecret")),
        ("unsigned/pyhanko__minimal-aes256.pdf", Some("usersecret")),
        ("unsigned/pyhanko__minimal-rc4.pdf", Some("ownersecret")),
        ("unsigned/qpdf__enc-XI-R6_V5_U=view_O=master.pdf", Some("view")),
        ("unsigned/qpdf__enc-R2_V1.pdf", None),
        ("unsigned/qpdf__enc-R3_V2.pdf", None),
        ("unsigned/dss__protected__open_protected.pdf", Some(" ")),
        ("unsigned/dss__protected__edition_protected_none.pdf", None),
    ] {
        let octets = fs::read(folder.join(file)).unwrap();
        if let Err(error) = open(&octets, password) {
            panic!("{file}: {error}");
        }
    }
}
