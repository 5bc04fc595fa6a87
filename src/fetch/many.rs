//! Several jobs on one door.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::sync::mpsc::Sender;
use std::thread;

use super::Fetch;
use super::Job;
use super::Request;
use super::Response;
use crate::error::Error;
use crate::error::FetchError;

/// Drives several jobs to their ends on a blocking [`Fetch`], with up to
/// `at_once` requests (at least one) under way in threads of their own.
///
/// A service that takes minutes, as time-stamping authorities do, holds up its
/// own job and no other; the requests that one job hands out together are
/// asked together too. The jobs stay on the calling thread, so that they may
/// borrow keys and documents that other threads must not see. Each gets the
/// answers of a round in the order of its requests, whatever came first, so
/// that its output does not depend on timing.
///
/// A job is taken from the iterator when there is room for its first request,
/// so that of many documents only some are in memory. Outputs come in the order
/// of the jobs.
pub fn run_many<J: Job>(
    jobs: impl IntoIterator<Item = J>,
    network: &(dyn Fetch + Sync),
    at_once: usize,
) -> Vec<Result<J::Output, Error>> {
    let mut queue = VecDeque::new();
    let mut outcomes = Vec::new();
    let mut running: Vec<Option<Running<J>>> = Vec::new();
    let mut jobs = jobs.into_iter();
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let mut under_way = 0;
        loop {
            while under_way < at_once.max(1) {
                let Some((place, request)) = queue.pop_front() else {
                    let Some(job) = jobs.next() else { break };
                    outcomes.push(None);
                    running.push(Running::next(job, running.len(), &mut queue, &mut outcomes));
                    continue;
                };
                let answering = Answering { place, url: request.url.clone(), answer: None, sender: sender.clone() };
                scope.spawn(move || answering.ask(network, &request));
                under_way += 1;
            }
            if under_way == 0 {
                break;
            }
            // This thread holds a sender, and every thread sends when it ends.
            let Ok(((index, position), answer)) = receiver.recv() else { break };
            under_way -= 1;
            let Some(slot) = running.get_mut(index) else { continue };
            if let Some(mut job) = slot.take() {
                *slot = if job.take(position, answer) {
                    Running::next(job.answered(), index, &mut queue, &mut outcomes)
                } else {
                    Some(job)
                };
            }
        }
    });
    outcomes.into_iter().flatten().collect()
}

/// Which job, and which request of its round.
type Place = (usize, usize);
type Answer = Result<Response, Error>;

/// A job and the round that it waits for.
struct Running<J> {
    job: J,
    round: Vec<(Request, Option<Answer>)>,
}

impl<J: Job> Running<J> {
    /// Begins the next round, or ends the job.
    fn next(
        job: J,
        index: usize,
        queue: &mut VecDeque<(Place, Request)>,
        outcomes: &mut [Option<Result<J::Output, Error>>],
    ) -> Option<Self> {
        let requests = job.requests();
        if requests.is_empty() {
            if let Some(outcome) = outcomes.get_mut(index) {
                *outcome = Some(job.finish());
            }
            return None;
        }
        queue.extend(requests.iter().enumerate().map(|(position, request)| ((index, position), request.clone())));
        Some(Self { job, round: requests.into_iter().map(|request| (request, None)).collect() })
    }

    /// Keeps an answer; tells whether the round is complete.
    fn take(&mut self, position: usize, answer: Answer) -> bool {
        if let Some((_, slot)) = self.round.get_mut(position) {
            *slot = Some(answer);
        }
        self.round.iter().all(|(_, answer)| answer.is_some())
    }

    fn answered(mut self) -> J {
        for (request, answer) in self.round {
            if let Some(answer) = answer {
                self.job.answer(&request, answer);
            }
        }
        self.job
    }
}

/// Sends what became of a request, also where the door panicked: the waiting
/// thread would otherwise wait for ever, and the panic never come out of the scope.
struct Answering {
    place: Place,
    url: String,
    answer: Option<Answer>,
    sender: Sender<(Place, Answer)>,
}

impl Answering {
    fn ask(mut self, network: &(dyn Fetch + Sync), request: &Request) {
        self.answer = Some(network.fetch(request));
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let broken = || Err(FetchError::new(self.url.as_str(), "the client broke off").into());
        // Nobody to tell where the receiver is gone.
        let _ = self.sender.send((self.place, self.answer.take().unwrap_or_else(broken)));
    }
}
