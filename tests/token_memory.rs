//! After its use no copy of a PIN is left in the memory of the process.
#![cfg(all(feature = "pkcs11", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/mock_pkcs11.rs"]
mod mock_pkcs11;

use std::fs::File;
use std::hint::black_box;
use std::io::BufRead;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::PoisonError;

use kyso::key::SigningKey;
use kyso::key::pkcs11::Login;
use kyso::secret::Pin;
use mock_pkcs11::Mock;
use mock_pkcs11::certificate;
use mock_pkcs11::message;
use mock_pkcs11::signer;
use mock_pkcs11::token;

const FIRST: u8 = 0xF7;

/// The PIN, masked so that the test itself leaves no copy. Long enough to stand nowhere by chance.
fn masked() -> Vec<u8> {
    // Its first octet is rare, so that looking for it is quick.
    (0..24_u8).map(|i| if i == 0 { black_box(FIRST) ^ 0xA5 } else { (b'a' + i * 7 % 26) ^ 0xA5 }).collect()
}

fn secret() -> Pin {
    Pin::from_octets(masked().into_iter().map(|b| b ^ 0xA5).collect::<Vec<_>>())
}

/// Of two tests in one process each would find what the other one holds.
static ALONE: Mutex<()> = Mutex::new(());

/// How often the PIN stands in what this process can write to.
fn copies() -> usize {
    let wanted = masked();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut count = 0;
    let mut block = vec![0; 1 << 20];
    // What is read stands in this process too, and is not to be found again.
    let own = block.as_ptr().addr();
    let own = own as u64..(own + block.len()) as u64;
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|flags| flags.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        while at < to {
            let room = usize::try_from(to - at).unwrap().min(block.len());
            let Ok(read) = memory.read_at(&mut block[..room], at) else { break };
            let mut rest = &block[..read];
            while !rest.is_empty() {
                let offset = read - rest.len() + rest.skip_until(FIRST).unwrap() - 1;
                let fits = block[offset..read].iter().zip(&wanted).filter(|(b, w)| **b == **w ^ 0xA5).count();
                count += usize::from(fits == wanted.len() && !own.contains(&(at + offset as u64)));
            }
            if read < room || at + read as u64 == to {
                break;
            }
            at += (read - wanted.len()) as u64;
        }
    }
    block.fill(0);
    count
}

#[test]
fn no_copy_of_a_pin_outlives_its_use() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mock) = Mock::new(signer().office() + "pin *\n") else { return };
    assert_eq!(copies(), 0);
    let pin = secret();
    assert!(copies() > 0, "what is there is found");
    let module = mock.load();

    // A value is gone with its one try.
    let session = module.login("Office", pin).unwrap();
    assert_eq!(copies(), 0, "after a login with a value");
    session.logout().unwrap();
    let session = module.login("Office", Login::with_callback(|_| Some(secret()))).unwrap();
    assert_eq!(copies(), 0, "after a login by callback");
    session.signing_key("Signing").unwrap().sign(&message(b"x")).unwrap();
    session.logout().unwrap();

    // A kept one is there as long as it is to serve.
    let session = module.login("Office", Login::with_kept_pin(secret())).unwrap();
    assert!(copies() > 0);
    session.logout().unwrap();
    assert_eq!(copies(), 0, "after the logout");
    drop(module.login("Office", Login::with_kept_pin(secret())).unwrap());
    assert_eq!(copies(), 0, "after the session");

    // A wrong one, and one that is not tried.
    mock.now("pin 123456\n");
    assert!(module.login("Office", Login::with_kept_pin(secret())).is_err());
    assert_eq!(copies(), 0, "after a refusal");
    mock.now("tries 1\n");
    assert!(module.login("Office", secret()).is_err());
    assert_eq!(copies(), 0, "after a final try that was not made");
}

#[test]
fn no_copy_of_a_pin_for_each_signature_is_left() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let script = token() + "pin *\n" + &signer().key("01", "Signing") + "always\n";
    let Some(mock) = Mock::new(script + &certificate("01", &signer().certificate, "c")) else { return };
    let session = mock.load().login("Office", Login::with_callback(|_| Some(secret()))).unwrap();
    let key = session.signing_key("Signing").unwrap();
    key.sign(&message(b"x")).unwrap();
    assert_eq!(copies(), 0);
}
