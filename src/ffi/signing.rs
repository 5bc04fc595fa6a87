//! PDF signatures.

use super::boundary;
use super::boundary::Out;
use super::bytes::KysoBytes;
use super::key::KysoKey;
use super::status::KysoError;
use super::status::KysoStatus;
use crate::error::Error;
use crate::error::Misuse;
use crate::key::SigningKey;
use crate::limits::Limits;
use crate::pdf::Appearance;
use crate::pdf::Pdf;
use crate::pdf::text::Text;
use crate::sign::pades::PadesRequest;
use crate::time::Time;

/// The name of the signature field: an empty one of this name is signed, else one is made.
pub const KYSO_TEXT_FIELD: i32 = 1;
/// The reason.
pub const KYSO_TEXT_REASON: i32 = 2;
/// The place.
pub const KYSO_TEXT_LOCATION: i32 = 3;
/// How to reach the signer.
pub const KYSO_TEXT_CONTACT: i32 = 4;
/// The signer as text; validators take the certificate's subject.
pub const KYSO_TEXT_NAME: i32 = 5;
/// What a visible signature shows; without it, the certificate's name and the reason.
pub const KYSO_TEXT_APPEARANCE: i32 = 6;

/// What a PDF signature is to say and to show.
#[derive(Debug, Default)]
pub struct KysoPdfSigning {
    field: Option<String>,
    reason: Option<String>,
    location: Option<String>,
    contact: Option<String>,
    name: Option<String>,
    appearance: Option<String>,
    rectangle: Option<Rectangle>,
}

#[derive(Clone, Copy, Debug)]
struct Rectangle {
    page: usize,
    left: f64,
    bottom: f64,
    width: f64,
    height: f64,
}

/// A signature that shows nothing and says no more than it must.
#[unsafe(no_mangle)]
pub extern "C" fn kyso_pdf_signing_new() -> *mut KysoPdfSigning {
    Box::into_raw(Box::default())
}

/// Sets one text, by its number KYSO_TEXT_...
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_pdf_signing_set_text(
    signing: *mut KysoPdfSigning,
    which: i32,
    text: *const u8,
    text_length: usize,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let signing = boundary::borrow_mut(signing, "signing")?;
            let text = boundary::text(text, text_length, "text")?;
            let place = match which {
                KYSO_TEXT_FIELD => &mut signing.field,
                KYSO_TEXT_REASON => &mut signing.reason,
                KYSO_TEXT_LOCATION => &mut signing.location,
                KYSO_TEXT_CONTACT => &mut signing.contact,
                KYSO_TEXT_NAME => &mut signing.name,
                KYSO_TEXT_APPEARANCE => &mut signing.appearance,
                other => return Err(Misuse::new(format!("{other} is the number of no text")).into()),
            };
            *place = Some(text.to_owned());
            Ok(())
        })
    }
}

/// Makes the signature visible: on `page`, 1 being the first, with its lower
/// left corner at `left` and `bottom`, in points as a person sees the page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_pdf_signing_set_rectangle(
    signing: *mut KysoPdfSigning,
    page: u32,
    left: f64,
    bottom: f64,
    width: f64,
    height: f64,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let signing = boundary::borrow_mut(signing, "signing")?;
            let numbers = [left, bottom, width, height];
            if !numbers.iter().all(|n| n.is_finite()) || width <= 0.0 || height <= 0.0 {
                return Err(Misuse::new("rectangle: expected numbers, and a width and a height above 0").into());
            }
            let page = page.checked_sub(1).and_then(|page| usize::try_from(page).ok());
            let page = page.ok_or_else(|| Misuse::new("page: 1 is the first"))?;
            signing.rectangle = Some(Rectangle { page, left, bottom, width, height });
            Ok(())
        })
    }
}

/// Frees the settings of a signature.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_pdf_signing_free(signing: *mut KysoPdfSigning) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(signing) };
}

/// Signs a PDF document (PAdES, level B-B). `signing` may be null. `now` is the
/// claimed signing time, in seconds since 1970-01-01T00:00:00Z.
///
/// `signed_document` gets the whole document: the original octets, and what follows them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_pdf_sign(
    document: *const u8,
    document_length: usize,
    key: *const KysoKey,
    signing: *const KysoPdfSigning,
    now: i64,
    signed_document: *mut *mut KysoBytes,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let signed_document = Out::new(signed_document, "signed_document")?;
            let document = boundary::octets(document, document_length, "document")?;
            let key = &*boundary::borrow(key, "key")?.0;
            signed_document.put(KysoBytes(sign(document, key, signing.as_ref(), time(now)?)?));
            Ok(())
        })
    }
}

fn sign(document: &[u8], key: &dyn SigningKey, signing: Option<&KysoPdfSigning>, now: Time) -> Result<Vec<u8>, Error> {
    let pdf = Pdf::parse(document, &Limits::default())?;
    let mut request = PadesRequest::new(&pdf, now);
    if let Some(signing) = signing {
        if let Some(field) = &signing.field {
            request = request.field(field);
        }
        if let Some(reason) = &signing.reason {
            request = request.reason(reason);
        }
        if let Some(location) = &signing.location {
            request = request.location(location);
        }
        if let Some(contact) = &signing.contact {
            request = request.contact(contact);
        }
        if let Some(name) = &signing.name {
            request = request.name(name);
        }
        if let Some(at) = signing.rectangle {
            let text = signing.appearance.clone().unwrap_or_else(|| {
                let name = key.identity().certificate().subject().display_name();
                signing.reason.as_ref().map_or_else(|| name.clone(), |reason| format!("{name}\n{reason}"))
            });
            let appearance = Appearance::new(at.width, at.height).text(Text::new(text));
            request = request.visible(at.page, at.left, at.bottom, appearance);
        }
    }
    request.sign(key)?.to_octets()
}

pub(super) fn time(seconds: i64) -> Result<Time, Error> {
    Time::from_unix(seconds).ok_or_else(|| Misuse::new(format!("{seconds} seconds: a time from year 1 to 9999")).into())
}
