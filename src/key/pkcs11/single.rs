//! Signing in one part of an operation that was begun before.

use std::path::Path;
use std::sync::OnceLock;

use cryptoki::context::Function;
use cryptoki::error::Error;
use cryptoki::error::Result;
use cryptoki::error::Rv;
use cryptoki::session::Session;

/// Room for the signature of any key that there is; a module that wants more says so.
const ROOM: usize = 2048;
/// What no module is believed to need.
const MOST: usize = 1 << 16;

/// The module's own `C_Sign`, found when it is first needed.
#[derive(Default)]
pub(super) struct Single(OnceLock<cryptoki_sys::Pkcs11>);

impl Single {
    /// `C_Sign` over `input`, after `C_SignInit` in this session.
    ///
    /// A key that wants its PIN for each signature takes it between the two
    /// calls, and the bare mechanisms of RSA and ECDSA know no operation in
    /// several parts; the binding makes both calls in one. `module` is the file
    /// that the session's module was loaded from.
    #[allow(unsafe_code)] // the one place where a module is called past its binding
    pub(super) fn sign(&self, module: &Path, session: &Session, input: &[u8]) -> Result<Vec<u8>> {
        let mut value = vec![0_u8; ROOM];
        let mut len = cryptoki_sys::CK_ULONG::try_from(value.len())?;
        let input_len = cryptoki_sys::CK_ULONG::try_from(input.len())?;
        // SAFETY: `module` is loaded already as the library of `session`, so that
        // the system hands out the same library again and runs no code of a new
        // one; it stays loaded, as `self` keeps it and lives in a static. Its
        // C_GetFunctionList, whose type the binding declares, writes a pointer to
        // a table of the module that lives as long as the module; null is looked
        // for before the table is read. C_Sign reads `input_len` octets of
        // `input`, writes at most `len` octets to `value`, whose length `len` is,
        // and keeps neither pointer. That nobody else uses the session meanwhile
        // is held by `&Session`, which is not `Sync`.
        unsafe {
            let library = match self.0.get() {
                Some(library) => library,
                None => {
                    let library = cryptoki_sys::Pkcs11::new(module)?;
                    self.0.get_or_init(|| library)
                }
            };
            if library.C_GetFunctionList.is_err() {
                return Err(Error::MissingSymbol("C_GetFunctionList"));
            }
            let mut list: *mut cryptoki_sys::CK_FUNCTION_LIST = std::ptr::null_mut();
            Rv::from(library.C_GetFunctionList(&raw mut list)).into_result(Function::GetFunctionList)?;
            let sign = list.as_ref().and_then(|list| list.C_Sign).ok_or(Error::NullFunctionPointer)?;
            let mut again = true;
            loop {
                let rv = sign(session.handle(), input.as_ptr().cast_mut(), input_len, value.as_mut_ptr(), &raw mut len);
                // The operation goes on; the module has said how much room it needs.
                if again && rv == cryptoki_sys::CKR_BUFFER_TOO_SMALL && usize::try_from(len)? <= MOST {
                    value.resize(usize::try_from(len)?, 0);
                    again = false;
                    continue;
                }
                Rv::from(rv).into_result(Function::Sign)?;
                break;
            }
        }
        value.truncate(usize::try_from(len)?);
        Ok(value)
    }
}
