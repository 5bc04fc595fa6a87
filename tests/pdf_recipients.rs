//! Documents that pyHanko encrypts for recipients: opened with the recipient's key and no other,
//! signed, and read by pyHanko again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/python.rs"]
mod python;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::process::Command;

use ca::Authority;
use ca::Template;
use forge::Forge;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::SecretError;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::pdf::page::Page;
use kyso::sign::pades::PadesRequest;
use sample_pdf::Xref;

const NAMES: [&str; 10] = [
    "aes256",
    "aes256-oaep",
    "aes256-clear-metadata",
    "aes128",
    "aes128-clear-metadata",
    "rc4-filter",
    "rc4-s4",
    "rc4-s4-40",
    "owner",
    "forbidden",
];

/// Writes a document once for each way of encrypting it.
const ENCRYPT: &str = r#"
import sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.pdf_utils.crypt import PubKeySecurityHandler, SecurityHandlerVersion
from pyhanko.pdf_utils.crypt.permissions import PubKeyPermissions
from pyhanko.pdf_utils.crypt.pubkey import RecipientEncryptionPolicy

folder, source = sys.argv[1:3]
other, recipient = (load_cert_from_pemder(f'{folder}/{name}.pem') for name in ('other', 'recipient'))
everything = PubKeyPermissions.allow_everything()
user = everything & ~PubKeyPermissions.ALLOW_ENCRYPTION_CHANGE
V = SecurityHandlerVersion

for name, version, perms, options, oaep in [
    ('aes256', V.AES256, user, {}, False),
    ('aes256-oaep', V.AES256, user, {}, True),
    ('aes256-clear-metadata', V.AES256, user, dict(encrypt_metadata=False), False),
    ('aes128', V.RC4_OR_AES128, user, {}, False),
    ('aes128-clear-metadata', V.RC4_OR_AES128, user, dict(encrypt_metadata=False), False),
    ('rc4-filter', V.RC4_OR_AES128, user, dict(use_aes=False), False),
    ('rc4-s4', V.RC4_LONGER_KEYS, user, dict(use_crypt_filters=False), False),
    ('rc4-s4-40', V.RC4_40, user, dict(use_crypt_filters=False, keylen_bytes=5), False),
    ('owner', V.AES256, everything, {}, False),
    ('forbidden', V.AES256, PubKeyPermissions.ALLOW_PRINTING, {}, False),
]:
    handler = PubKeySecurityHandler.build_from_certs([other, recipient], version=version, perms=perms,
        policy=RecipientEncryptionPolicy(ignore_key_usage=True, prefer_oaep=oaep), pdf_mac=False, **options)
    writer = copy_into_new_writer(PdfFileReader(open(source, 'rb')))
    writer._assign_security_handler(handler)
    with open(f'{folder}/{name}.pdf', 'wb') as out:
        writer.write(out)
"#;

/// Opens a document that we signed, and looks at its signature.
const READ: &str = r#"
import sys
from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
from pyhanko.pdf_utils.crypt import SimpleEnvelopeKeyDecrypter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

folder, name = sys.argv[1:3]
key = SimpleEnvelopeKeyDecrypter(load_cert_from_pemder(f'{folder}/recipient.pem'),
                                 load_private_key_from_pemder(f'{folder}/recipient.key', None))
reader = PdfFileReader(open(f'{folder}/{name}.pdf', 'rb'))
reader.decrypt_pubkey(key)
[signature] = reader.embedded_regular_signatures
assert signature.sig_object['/Reason'] == 'Phê duyệt', signature.sig_object['/Reason']
context = ValidationContext(trust_roots=[load_cert_from_pemder(f'{folder}/recipient.pem')], allow_fetching=False)
status = validate_pdf_signature(signature, context)
assert status.intact and status.valid and status.coverage.name == 'ENTIRE_FILE', status.pretty_print_details()
"#;

fn pyhanko(script: &str, arguments: &[&str]) -> bool {
    let Some(printed) = python::run(script, arguments) else { return false };
    assert!(printed.success, "{}", printed.text);
    true
}

struct Scene {
    folder: tempfile::TempDir,
    recipient: PrivateKey,
    stranger: PrivateKey,
    officer: SoftKey,
}

/// Every document for two recipients, of whom the second one's key is at hand.
fn scene() -> Option<Scene> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ca = Authority::root(Template::ca(&[(ca::CN, "Root of pdf_recipients")], None), KeySpec::P256);
    let [recipient, other, stranger] = [(); 3].map(|()| PrivateKey::generate(KeySpec::Rsa2048).unwrap());
    for (name, key) in [("recipient", &recipient), ("other", &other)] {
        let certificate = ca.certify(&Template::new(&[(ca::CN, name)]), key);
        fs::write(at(&format!("{name}.pem")), certificate.to_pem()).unwrap();
    }
    fs::write(at("recipient.key"), &*recipient.to_pkcs8_der().unwrap()).unwrap();
    fs::write(at("plain.pdf"), sample_pdf::plain(Xref::Table)).unwrap();
    let written = pyhanko(ENCRYPT, &[folder.path().to_str().unwrap(), at("plain.pdf").to_str().unwrap()]);
    let officer = ca.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), KeySpec::P256);
    written.then_some(Scene { folder, recipient, stranger, officer })
}

impl Scene {
    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(format!("{name}.pdf"))).unwrap()
    }
}

fn first_page(pdf: &Pdf<'_>) -> Vec<u8> {
    let latest = pdf.latest();
    let page = latest.object(Page::find(latest, 0).unwrap().id()).unwrap();
    let contents = latest.get(page.as_dictionary().unwrap(), "Contents").unwrap();
    latest.decoded(contents.as_stream().unwrap()).unwrap()
}

#[test]
fn what_pyhanko_encrypts_for_a_recipient_opens_with_that_key_alone() {
    let Some(scene) = scene() else { return };
    let plain = scene.read("plain");
    let expected = first_page(&Pdf::parse(plain.as_slice(), &Limits::default()).unwrap());
    for name in NAMES {
        let octets = scene.read(name);
        let open = |key| Pdf::parse_with_key(octets.as_slice(), &Limits::default(), key);
        let pdf = open(&scene.recipient).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(first_page(&pdf), expected, "{name}");
        let encryption = pdf.encryption().unwrap();
        assert_eq!(encryption.opened_as_owner(), name == "owner", "{name}");
        assert_eq!(encryption.permits_new_fields(), name != "forbidden", "{name}");
        assert_eq!(encryption.permits_filling(), name != "forbidden", "{name}");
        let refused = open(&scene.stranger).unwrap_err();
        assert!(matches!(refused, Error::Secret(SecretError::NoRecipient { tried: true, .. })), "{name}: {refused}");
        let refused = Pdf::parse(octets.as_slice(), &Limits::default()).unwrap_err();
        assert!(matches!(refused, Error::Secret(SecretError::NoRecipient { tried: false, .. })), "{name}: {refused}");
    }
}

#[test]
fn a_recipient_signs_it_and_pyhanko_reads_that() {
    let Some(scene) = scene() else { return };
    for name in NAMES {
        let octets = scene.read(name);
        let pdf = Pdf::parse_with_key(octets.as_slice(), &Limits::default(), &scene.recipient).unwrap();
        let signed = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:00Z")).reason("Phê duyệt").sign(&scene.officer);
        if name == "forbidden" {
            assert!(matches!(signed, Err(Error::Refused(_))), "{signed:?}");
            continue;
        }
        let path = scene.folder.path().join(format!("{name}-signed.pdf"));
        fs::write(path, signed.unwrap().to_octets().unwrap()).unwrap();
        pyhanko(READ, &[scene.folder.path().to_str().unwrap(), &format!("{name}-signed")]);
    }
}

/// Octets of the envelopes flipped: an error or another document, never a panic.
#[test]
fn damaged_envelopes_are_errors() {
    let Some(scene) = scene() else { return };
    let octets = scene.read("aes128");
    for position in (0..octets.len()).step_by(37) {
        let mut damaged = octets.clone();
        damaged[position] ^= 0x05;
        let _ = Pdf::parse_with_key(damaged.as_slice(), &Limits::default(), &scene.recipient)
            .map(|pdf| pdf.latest().catalog().map(|_| ()));
    }
}

/// A document whose envelope OpenSSL made: other ciphers and digests than pyHanko takes.
#[test]
fn envelopes_by_openssl_open() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ca = Authority::root(Template::ca(&[(ca::CN, "Root of pdf_recipients")], None), KeySpec::P256);
    let [recipient, stranger] = [(); 2].map(|()| PrivateKey::generate(KeySpec::Rsa2048).unwrap());
    let certificate = ca.certify(&Template::new(&[(ca::CN, "recipient")]), &recipient);
    fs::write(at("recipient.pem"), certificate.to_pem()).unwrap();
    // Seed, and the permission to fill in and to annotate: the bits 6 and 9 with 4 missing.
    let permissions = 1_u32 << 5 | 1 << 8;
    fs::write(at("content"), [[7; 20].as_slice(), &permissions.to_be_bytes()].concat()).unwrap();
    let oaep = |digest: &str, mgf: &str| {
        let options = ["rsa_padding_mode:oaep", &format!("rsa_oaep_md:{digest}"), &format!("rsa_mgf1_md:{mgf}")];
        options.iter().flat_map(|option| ["-keyopt".to_owned(), (*option).to_owned()]).collect::<Vec<_>>()
    };
    for (cipher, options) in [
        ("-des3", Vec::new()),
        ("-aes-128-cbc", Vec::new()),
        ("-aes-192-cbc", oaep("sha1", "sha1")),
        ("-aes-256-cbc", oaep("sha256", "sha256")),
        ("-aes-256-cbc", oaep("sha512", "sha512")),
        ("-aes-256-cbc", oaep("sha256", "sha1")),
        ("-rc2-128", Vec::new()),
        ("-rc2-64", Vec::new()),
        ("-rc2-40", Vec::new()),
    ] {
        let mut command = Command::new("openssl");
        command.args(["cms", "-encrypt", "-binary", "-outform", "DER", cipher]);
        command.args(["-provider", "default", "-provider", "legacy", "-in"]).arg(at("content"));
        command.arg("-out").arg(at("envelope")).arg("-recip").arg(at("recipient.pem")).args(&options);
        let Ok(output) = command.output() else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl is not there");
            return eprintln!("openssl not found: skipped");
        };
        assert!(output.status.success(), "{cipher}: {}", String::from_utf8_lossy(&output.stderr));
        let envelope: String = fs::read(at("envelope")).unwrap().iter().map(|octet| format!("{octet:02x}")).collect();
        let plain = sample_pdf::plain(Xref::Table);
        let number = forge::next(&plain);
        let filter = format!("<< /CFM /AESV2 /Length 16 /Recipients [<{envelope}>] >>");
        let encrypt = format!(
            "<< /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 /CF << /DefaultCryptFilter {filter} >> \
             /StmF /DefaultCryptFilter /StrF /DefaultCryptFilter >>"
        );
        let document = Forge::on(&plain).set(number, encrypt).trailer(&format!("/Encrypt {number} 0 R")).write();
        let open = |key| Pdf::parse_with_key(document.as_slice(), &Limits::default(), key);
        let pdf = open(&recipient).unwrap_or_else(|error| panic!("{cipher} {options:?}: {error}"));
        let encryption = pdf.encryption().unwrap();
        assert_eq!(encryption.permissions(), i32::try_from(permissions).unwrap(), "{cipher}");
        assert!(encryption.permits_filling() && !encryption.permits_new_fields(), "{cipher}");
        let refused = open(&stranger).unwrap_err();
        assert!(matches!(refused, Error::Secret(SecretError::NoRecipient { tried: true, .. })), "{cipher}: {refused}");
    }
}

/// The command takes the key from a file of its own or from a PKCS#12 store, and no secret on the line.
#[cfg(feature = "cli")]
#[test]
fn the_command_opens_it_with_the_file_of_the_key() {
    let Some(scene) = scene() else { return };
    let folder = scene.folder.path();
    let kyso = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_kyso"))
            .args(["verify", "aes256.pdf", "--lang", "en", "--at", "2026-11-23T02:00:00Z"])
            .args(more)
            .current_dir(folder)
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(kyso(&["--pdf-key", "recipient.key"]).0, 3);
    let (code, said) = kyso(&[]);
    assert!(code == 77 && said.contains("encrypted for recipients"), "{code} {said}");
    fs::write(folder.join("stranger.key"), &*scene.stranger.to_pkcs8_der().unwrap()).unwrap();
    let (code, said) = kyso(&["--pdf-key", "stranger.key"]);
    assert!(code == 77 && said.contains("of none of the recipients"), "{code} {said}");
    let pem = Command::new("openssl")
        .args(["pkey", "-inform", "DER", "-in", "recipient.key", "-out", "key.pem"])
        .current_dir(folder)
        .output();
    let Ok(pem) = pem else { return eprintln!("openssl not found: skipped") };
    assert!(pem.status.success(), "{}", String::from_utf8_lossy(&pem.stderr));
    let store = Command::new("openssl")
        .args(["pkcs12", "-export", "-inkey", "key.pem", "-in", "recipient.pem", "-out", "recipient.p12"])
        .args(["-passout", "pass:secret"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(store.status.success(), "{}", String::from_utf8_lossy(&store.stderr));
    fs::write(folder.join("password"), "secret\n").unwrap();
    assert_eq!(kyso(&["--pdf-key", "recipient.p12", "--pdf-password-file", "password"]).0, 3);
    fs::write(folder.join("password"), "another\n").unwrap();
    assert_eq!(kyso(&["--pdf-key", "recipient.p12", "--pdf-password-file", "password"]).0, 77);
}
