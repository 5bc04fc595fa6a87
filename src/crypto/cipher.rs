//! Ciphers of encrypted PDF documents: RC4, and AES in CBC mode.

use aes::cipher::BlockModeDecrypt;
use aes::cipher::BlockModeEncrypt;
use aes::cipher::KeyInit;
use aes::cipher::KeyIvInit;
use aes::cipher::StreamCipher;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::block_padding::Pkcs7;

/// RC4, the same both ways; `None` for an empty key.
pub(crate) fn rc4(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut out = data.to_vec();
    rc4::Rc4::new_from_slice(key).ok()?.apply_keystream(&mut out);
    Some(out)
}

/// AES-CBC with PKCS#7 padding, by a key of 16 or 32 octets; `None` where key,
/// vector, length or padding are not as they must be.
pub(crate) fn aes_cbc_decrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok(),
        32 => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok(),
        _ => None,
    }
}

/// AES-CBC with PKCS#7 padding, by a key of 16 or 32 octets.
pub(crate) fn aes_cbc_encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => Some(cbc::Encryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<Pkcs7>(data)),
        32 => Some(cbc::Encryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<Pkcs7>(data)),
        _ => None,
    }
}

/// AES-256-CBC of whole blocks under a vector of zeros: how PDF wraps its keys.
pub(crate) fn aes256_unwrap(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    cbc::Decryptor::<aes::Aes256>::new_from_slices(key, &[0; 16]).ok()?.decrypt_padded_vec::<NoPadding>(data).ok()
}

/// AES-128-CBC of whole blocks.
pub(crate) fn aes128_cbc_encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Encryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?;
    data.len().is_multiple_of(16).then(|| cipher.encrypt_padded_vec::<NoPadding>(data))
}
