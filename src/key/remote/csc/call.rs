//! One question, or several that follow from each other's answers.

use std::fmt;

use super::CscService;
use super::message;
use super::message::Said;
use super::message::View;
use crate::error::Error;
use crate::error::FetchError;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;

/// What follows from an answer.
pub(super) enum Next<T> {
    Done(T),
    Ask(Request),
}

type Read<T> = Box<dyn FnMut(&CscService, View<'_>) -> Result<Next<T>, Error> + Send>;

/// A question to a service; a [`Job`] whose output is what was asked for.
pub struct CscCall<T> {
    service: CscService,
    request: Request,
    read: Read<T>,
    outcome: Option<Result<T, Error>>,
}

impl<T> CscCall<T> {
    pub(super) fn new(
        service: CscService,
        request: Request,
        read: impl FnMut(&CscService, View<'_>) -> Result<Next<T>, Error> + Send + 'static,
    ) -> Self {
        Self { service, request, read: Box::new(read), outcome: None }
    }

    fn take(&mut self, response: Result<Response, Error>) -> Result<Next<T>, Error> {
        match message::read(&self.service.dialect, &self.request.url, response)? {
            Said::Ready(answer) => (self.read)(&self.service, answer.members(&self.service.dialect)),
            Said::Pending => Err(FetchError::new(self.request.url.as_str(), "the service is not ready").into()),
        }
    }
}

impl<T> Job for CscCall<T> {
    type Output = T;

    fn requests(&self) -> Vec<Request> {
        if self.outcome.is_none() { vec![self.request.clone()] } else { Vec::new() }
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if self.outcome.is_some() || !self.request.asks_as(request) {
            return;
        }
        match self.take(response) {
            Ok(Next::Ask(request)) => self.request = request,
            Ok(Next::Done(output)) => self.outcome = Some(Ok(output)),
            Err(error) => self.outcome = Some(Err(error)),
        }
    }

    fn finish(self) -> Result<T, Error> {
        let url = self.request.url.as_str();
        self.outcome.unwrap_or_else(|| Err(FetchError::new(url, "the service was not asked").into()))
    }
}

impl<T> fmt::Debug for CscCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CscCall").field("request", &self.request).finish_non_exhaustive()
    }
}
