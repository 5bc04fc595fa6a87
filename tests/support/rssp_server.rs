//! The remote signing service of the tests behind HTTP.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::Mutex;

use kyso::Error;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::secret::BearerToken;

use super::peers::Reply;
use super::peers::Server;
use super::rssp;
use super::rssp::Rssp;

/// The service of the other tests behind HTTP, at a path that names the version.
pub fn serve(rssp: Rssp) -> (String, Arc<Mutex<Rssp>>) {
    let path = if rssp.v2 { "csc/v2" } else { "csc/v1" };
    let rssp = Arc::new(Mutex::new(rssp));
    let inner = Arc::clone(&rssp);
    let server = Server::start(move |asked| {
        let method = asked.path.splitn(4, '/').nth(3).unwrap_or_default();
        let url = format!("{}/{method}", rssp::BASE);
        let request = Request::post(Purpose::RemoteSigning, url, "application/json", asked.body.clone(), 1 << 20);
        let request = request.authorization(Some(BearerToken::new(rssp::TOKEN).unwrap()));
        match inner.lock().unwrap().fetch(&request) {
            Ok(response) => Reply::Body(response.body),
            Err(Error::Fetch(error)) => {
                let body = error.answer().unwrap_or_default();
                let head = format!("HTTP/1.1 400 Bad\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                Reply::Raw([head.as_bytes(), body].concat())
            }
            Err(other) => panic!("{other}"),
        }
    });
    (server.url(path), rssp)
}
