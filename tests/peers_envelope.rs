//! libxml2, Python, Info-ZIP and Java read the messages that we write, and find the same contents in them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/messages.rs"]
mod messages;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use kyso::crypto::DigestAlgorithm;
use kyso::envelope::Enclosure;
use kyso::envelope::Message;
use kyso::envelope::Writer;

/// Contents that are stored and contents that are deflated, an empty and a large one.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let noise: Vec<u8> = (0..300_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![
        ("Công văn 2154.pdf", [b"%PDF-1.7\n".as_slice(), &noise].concat()),
        ("phụ lục.txt", "Danh sách kèm theo\n".repeat(20_000).into_bytes()),
        ("trống.docx", Vec::new()),
        ("không-đuôi", b"x".to_vec()),
        ("hồ sơ.zip", [b"PK\x03\x04".as_slice(), &noise[..1_000]].concat()),
    ]
}

fn write(dir: &Path) -> Vec<PathBuf> {
    let contents = contents();
    let mut paths = Vec::new();
    for (n, (kind, message, count)) in messages::all().into_iter().enumerate() {
        let mut writer = Writer::new(&message);
        for (name, content) in contents.iter().take(if count == 3 { contents.len() } else { count }) {
            writer = writer.enclose(Enclosure::new(*name, "application/octet-stream", content));
        }
        let path = dir.join(format!("{n}-{kind}.edxml"));
        writer.write(&mut fs::File::create(&path).unwrap()).unwrap();
        paths.push(path);
    }
    paths
}

/// What a peer should print of a message: the subject of a document, then name and digest of each attachment.
fn expected(message: &Message, count: usize) -> String {
    let mut lines = vec![message.document().map(|d| d.subject.clone()).unwrap_or_default()];
    let contents = contents();
    for (name, content) in contents.iter().take(if count == 3 { contents.len() } else { count }) {
        lines.push(format!("{name} {}", DigestAlgorithm::Sha256.digest(content).to_hex()));
    }
    lines.join("\n")
}

/// Runs a peer; `None`, said aloud, where it is not installed and need not be.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).env("PYTHONIOENCODING", "utf-8").output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none_or(|v| v != "1"), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

fn judged(program: &str, arguments: &[&str]) -> Option<String> {
    let output = run(program, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    Some(String::from_utf8(output.stdout).unwrap().trim().replace("\r\n", "\n"))
}

#[test]
fn libxml2_finds_every_message_well_formed() {
    let dir = tempfile::tempdir().unwrap();
    for path in write(dir.path()) {
        let Some(said) = judged("xmllint", &["--noout", "--nonet", path.to_str().unwrap()]) else { return };
        assert_eq!(said, "");
    }
}

fn schema() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/edxml.xsd").to_str().unwrap().to_owned()
}

/// The order, the cardinalities and the lengths, told by another hand: the schema, and libxml2's validator.
#[test]
fn every_message_is_valid_by_the_schema_and_changed_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let schema = schema();
    let paths = write(dir.path());
    for path in &paths {
        let arguments = ["--noout", "--nonet", "--huge", "--schema", &schema, path.to_str().unwrap()];
        if judged("xmllint", &arguments).is_none() {
            return;
        }
    }
    let text = fs::read_to_string(&paths[0]).unwrap();
    let long = format!("<edXML:Subject>{}", "x".repeat(500));
    for (from, to) in [
        ("<edXML:Subject>", &*long),
        ("<edXML:CodeNumber>2154<", "<edXML:CodeNumber>123456789012<"),
        ("<edXML:Type>2<", "<edXML:Type>3<"),
        ("2026/11/20</edXML:PromulgationDate>", "20/11/2026</edXML:PromulgationDate>"),
        ("<edXML:OrganId>H14<", "<edXML:OrganId>h14<"),
        ("<edXML:OrganId>H14<", "<edXML:OrganId>0100109106<"),
        ("<edXML:DocumentType>", "<edXML:Extra/><edXML:DocumentType>"),
        ("<edXML:edXMLManifest version=\"1.0\">", "<edXML:edXMLManifest>"),
        ("<ContentId>cid:", "<ContentId>cid:0"),
        ("_2016\">UEsD", "_2016\">*EsD"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let path = dir.path().join("changed.edxml");
        fs::write(&path, changed).unwrap();
        let output = run("xmllint", &["--noout", "--nonet", "--schema", &schema, path.to_str().unwrap()]).unwrap();
        assert_eq!(output.status.code(), Some(3), "{from} {to}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// As receivers at the national level look at them: `edXML:` inside of the envelope and on
/// payloads, none elsewhere; by libxml2's own view of the names.
#[test]
fn libxml2_sees_exactly_the_prefixes() {
    let dir = tempfile::tempdir().unwrap();
    let inside = "//*[local-name()='edXMLEnvelope']/descendant-or-self::*";
    let payloads = "//*[local-name()='ContentTransferEncoded']";
    let wrong = format!(
        "count({inside}[name() != concat('edXML:', local-name())]) + count({payloads}[name() != 'edXML:ContentTransferEncoded']) \
         + count(//*[name() = concat('edXML:', local-name())]) - count({inside}) - count({payloads})"
    );
    for path in write(dir.path()) {
        let arguments = ["--huge", "--xpath", &wrong, path.to_str().unwrap()];
        let Some(said) = judged("xmllint", &arguments) else { return };
        assert_eq!(said, "0", "{}", path.display());
    }
}

const PYTHON: &str = r#"
import base64, hashlib, io, re, sys, zipfile
import xml.etree.ElementTree as E
n = '{http://www.mic.gov.vn/TBT/QCVN_102_2016}'
root = E.parse(sys.argv[1]).getroot()
assert root.tag == n + 'edXML'
print(root.findtext(f'{n}edXMLEnvelope/{n}edXMLHeader/{n}MessageHeader/{n}Subject') or '')
listed = [e.text for e in root.iter(n + 'Reference') for e in e.iter(n + 'ContentId')]
for a in root.iterfind(f'{n}AttachmentEncoded/{n}Attachment'):
    assert a.findtext(n + 'ContentId') == listed.pop(0)
    z = zipfile.ZipFile(io.BytesIO(base64.b64decode(a.findtext(n + 'ContentTransferEncoded'), validate=True)))
    assert z.testzip() is None
    entry, = z.infolist()
    assert re.fullmatch(r'[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.[a-z0-9]+', entry.filename)
    print(a.findtext(n + 'AttachmentName'), hashlib.sha256(z.read(entry)).hexdigest())
assert not listed
"#;

#[test]
fn python_finds_the_same_contents() {
    let dir = tempfile::tempdir().unwrap();
    for (path, (_, message, count)) in write(dir.path()).iter().zip(messages::all()) {
        let Some(said) = judged("python3", &["-c", PYTHON, path.to_str().unwrap()]) else { return };
        assert_eq!(said, expected(&message, count).trim());
    }
}

/// As a receiver does it: front to back, without the central directory, with the basic decoder.
const JAVA: &str = r#"
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.*;
import java.util.zip.*;
import javax.xml.parsers.*;
import org.w3c.dom.*;

class Read {
    static final String N = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

    static String text(Element e, String name) {
        NodeList all = e.getElementsByTagNameNS(N, name);
        return all.getLength() == 0 ? "" : all.item(0).getTextContent();
    }

    /// The prefixes that receivers look for, as the parser reports them.
    static void prefixes(Element e, boolean inside) throws IOException {
        inside |= e.getLocalName().equals("edXMLEnvelope");
        boolean wanted = inside || e.getLocalName().equals("ContentTransferEncoded");
        if (!Objects.equals(e.getPrefix(), wanted ? "edXML" : null)) throw new IOException(e.getNodeName());
        for (Node n = e.getFirstChild(); n != null; n = n.getNextSibling())
            if (n instanceof Element) prefixes((Element) n, inside);
    }

    public static void main(String[] files) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "UTF-8");
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        for (String file : files) {
            Element root = factory.newDocumentBuilder().parse(new File(file)).getDocumentElement();
            prefixes(root, false);
            out.println(text(root, "Subject"));
            NodeList all = root.getElementsByTagNameNS(N, "Attachment");
            for (int i = 0; i < all.getLength(); i++) {
                Element a = (Element) all.item(i);
                byte[] zip = Base64.getDecoder().decode(text(a, "ContentTransferEncoded"));
                ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip), StandardCharsets.UTF_8);
                in.getNextEntry();
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(in.readAllBytes());
                if (in.getNextEntry() != null) throw new IOException("two entries");
                out.println(text(a, "AttachmentName") + " " + HexFormat.of().formatHex(digest));
            }
        }
    }
}
"#;

#[test]
fn java_finds_the_same_contents() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("Read.java");
    fs::write(&source, JAVA).unwrap();
    let paths = write(dir.path());
    let mut arguments = vec![source.to_str().unwrap()];
    arguments.extend(paths.iter().map(|p| p.to_str().unwrap()));
    let Some(said) = judged("java", &arguments) else { return };
    let expected: Vec<String> = messages::all().iter().map(|(_, message, count)| expected(message, *count)).collect();
    assert_eq!(said, expected.join("\n").trim());
}

#[test]
fn info_zip_finds_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    let text = write(dir.path()).iter().map(|p| fs::read_to_string(p).unwrap()).collect::<String>();
    let mut tried = 0;
    for payload in text.split("_2016\">UEsD").skip(1) {
        let base64 = format!("UEsD{}", payload.split('<').next().unwrap());
        let path = dir.path().join(format!("{tried}.zip"));
        let encoded = dir.path().join("payload");
        fs::write(&encoded, base64).unwrap();
        let Some(decoded) = run("base64", &["-d", encoded.to_str().unwrap()]) else { return };
        fs::write(&path, decoded.stdout).unwrap();
        let Some(said) = judged("unzip", &["-t", path.to_str().unwrap()]) else { return };
        assert!(said.contains("No errors detected"), "{said}");
        tried += 1;
    }
    assert!(tried >= contents().len());
}
