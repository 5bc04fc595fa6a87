//! What lies between the phases of a PDF signature: the update that waits for its `/Contents`.

use std::io::Write;

use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::pdf::Pdf;
use crate::pdf::update::Tail;
use crate::sign::pades::SignedPdf;
use crate::sign::prepared::Document;
use crate::sign::prepared::sealed::Target;
use crate::sign::state::StateFormat;

/// The update, whole but for what `/Contents` will hold.
#[derive(Debug)]
pub struct Plan {
    pub(super) tail: Tail,
    pub(super) field: String,
}

impl Plan {
    /// Digests what `/ByteRange` covers, in one pass over the original, which is copied on the way if asked for.
    pub(super) fn digest(
        &self,
        pdf: &Pdf<'_>,
        algorithm: DigestAlgorithm,
        backend: Backend,
        mut copy: Option<&mut dyn Write>,
    ) -> Result<Digest, Error> {
        let mut digester = backend.digester(algorithm);
        pdf.each_chunk(|octets| {
            digester.update(octets);
            match &mut copy {
                Some(out) => write(*out, octets),
                None => Ok(()),
            }
        })?;
        let parts = self.tail.signed().ok_or_else(|| Misuse::new("the update holds no signature"))?;
        parts.iter().for_each(|part| digester.update(part));
        Ok(digester.finish())
    }
}

impl<'p> Document for &'p Pdf<'p> {}

impl<'p> Target for &'p Pdf<'p> {
    type Plan = Plan;
    type Signed = SignedPdf<'p>;

    const FORMAT: StateFormat = StateFormat::Pades;

    fn digest(&self, plan: &Plan, algorithm: DigestAlgorithm, backend: Backend) -> Result<Digest, Error> {
        plan.digest(self, algorithm, backend, None)
    }

    fn content(&self, _: &Plan) -> Option<&[u8]> {
        None
    }

    fn room(plan: &Plan) -> Option<usize> {
        Some(plan.tail.capacity())
    }

    fn write_plan(plan: &Plan) -> Vec<u8> {
        let gap = plan.tail.contents().unwrap_or_default();
        [
            encode::integer(plan.tail.original_length()),
            encode::integer(gap.start),
            encode::integer(gap.end),
            encode::utf8_string(&plan.field),
            encode::octet_string(plan.tail.octets()),
        ]
        .concat()
    }

    fn read_plan(&self, der: &[u8]) -> Result<Plan, Error> {
        let mut reader = Reader::new(der, Format::State);
        let mut number = |field: &'static str| -> Result<u64, Error> {
            let value = reader.expect(0x02, field)?.content;
            let small = value.first().is_some_and(|octet| octet & 0x80 == 0) && value.len() <= 9;
            let value = small.then(|| value.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet)));
            value.ok_or_else(|| Malformed::new(Format::State, field, "a number of 64 bits").into())
        };
        let original = number("original length")?;
        let gap = number("/Contents")?..number("/Contents")?;
        let field = reader.expect(0x0C, "field")?;
        let field = std::str::from_utf8(field.content)
            .map_err(|_| Malformed::new(Format::State, "field", "UTF-8").at(field.offset))?
            .to_owned();
        let tail = reader.expect(0x04, "tail")?.content.to_vec();
        reader.end("plan")?;
        if original != self.len() {
            let detail = format!(
                "the document has {} octets, the one that was prepared for this signature has {original}",
                self.len()
            );
            return Err(Refused::new(RefusalReason::StateMismatch, detail).into());
        }
        Ok(Plan { tail: Tail::restore(original, tail, gap)?, field })
    }

    fn finish(self, plan: Plan, cms: Vec<u8>) -> Result<SignedPdf<'p>, Error> {
        let Plan { mut tail, field } = plan;
        tail.fill(&cms)?;
        Ok(SignedPdf::new(self, tail, field))
    }
}

pub(super) fn write(out: &mut dyn Write, octets: &[u8]) -> Result<(), Error> {
    out.write_all(octets).map_err(|error| IoError::new("write", "the signed document", error).into())
}
