//! Many documents under one permission: prepared first, signed at once, completed then.

use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::batch::Batch;
use crate::batch::Item;
use crate::batch::Outcome;
use crate::batch::Work;
use crate::error::Error;
use crate::error::Misuse;
use crate::files::FileSource;
use crate::key::SignatureValue;
use crate::key::ToBeSigned;

/// A prepared document on its way through the signer.
struct Pending<P> {
    index: usize,
    prepared: P,
    value: SignatureValue,
}

impl Batch<'_> {
    /// Signs the documents in groups of up to `most`, each group by one call of
    /// `sign`: for a service that binds its permission to all digests of it. The
    /// outcomes are in the order of the items.
    ///
    /// `prepare` reads one document and says what is to be signed; what it keeps
    /// beside that is for `complete`, which writes the whole signed document:
    /// [`Prepared::to_bytes`](crate::sign::Prepared::to_bytes), as the documents
    /// are not held open meanwhile. Both run in several threads, `sign` in the one
    /// that called. A group is filled up where a document cannot be prepared, or
    /// was signed before.
    ///
    /// When `sign` fails, its error is the outcome of the first document of the
    /// group, and no other one is tried: a PIN or a one-time password is sent for no
    /// group after it. What was signed when the batch is cancelled is completed.
    ///
    /// ```no_run
    /// # use kyso::{Error, Limits, Time, batch::Batch, fetch::{Fetch, run}, pdf::Pdf};
    /// # use kyso::key::remote::{RemoteSigner, csc::{Authorisation, CscCredential}};
    /// # use kyso::sign::{Prepared, pades::PadesRequest};
    /// # fn f(batch: &Batch<'_>, credential: &CscCredential, ask: impl Fn(usize) -> Authorisation, network: &dyn Fetch, now: Time) -> Result<(), Error> {
    /// let limits = Limits::default();
    /// let outcomes = batch.run_together(
    ///     credential.multisign(),
    ///     |messages| run(credential.signer(ask(messages.len())).sign(messages)?, network),
    ///     |_, source| {
    ///         let pdf = Pdf::parse(source, &limits)?;
    ///         let prepared = PadesRequest::new(&pdf, now).prepare(credential.identity())?;
    ///         Ok((prepared.to_be_signed().clone(), prepared.to_bytes()))
    ///     },
    ///     |_, source, state, value, out| {
    ///         let pdf = Pdf::parse(source, &limits)?;
    ///         Prepared::resume(&state, &pdf)?.complete(value)?.write_to(out)
    ///     },
    /// )?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_together<P: Send, T: Send, E: From<Error> + Send>(
        &self,
        most: usize,
        mut sign: impl FnMut(Vec<ToBeSigned>) -> Result<Vec<SignatureValue>, E>,
        prepare: impl Fn(&Item, &FileSource) -> Result<(ToBeSigned, P), E> + Sync,
        complete: impl Fn(&Item, &FileSource, P, &SignatureValue, &mut dyn Write) -> Result<T, E> + Sync,
    ) -> Result<Vec<Outcome<T, E>>, Error> {
        let work = Work::new(self)?;
        let mut next = 0;
        loop {
            let group = self.prepare_group(&work, &mut next, most.max(1), &prepare);
            let Some(first) = group.first().map(|(index, ..)| *index) else { break };
            if self.cancel.is_cancelled() {
                break;
            }
            let (messages, prepared): (Vec<_>, Vec<_>) =
                group.into_iter().map(|(index, message, prepared)| (message, (index, prepared))).unzip();
            let wanted = messages.len();
            let counted = |values: Vec<SignatureValue>| match values.len() {
                count if count == wanted => Ok(values),
                count => Err(Misuse::new(format!("{count} signature values for {wanted} documents")).into()),
            };
            let values = match sign(messages).and_then(|values| counted(values).map_err(|e: Error| E::from(e))) {
                Ok(values) => values,
                Err(error) => {
                    work.put(first, Outcome::Failed(error));
                    break;
                }
            };
            let pending = prepared.into_iter().zip(values);
            let pending = pending.map(|((index, prepared), value)| Pending { index, prepared, value });
            self.in_threads(pending.collect(), |Pending { index, prepared, value }| {
                let Some(item) = self.items.get(index) else { return };
                let completed = || -> Result<T, E> {
                    let source = FileSource::open(&item.input)?;
                    // Of what is signed now; `complete` finds out whether it is what was prepared.
                    let input = work.input_digest(&source)?;
                    work.write(item, &source, input.as_ref(), |source, out| {
                        complete(item, source, prepared, &value, out)
                    })
                };
                work.put(index, completed().map_or_else(Outcome::Failed, Outcome::Done));
            });
        }
        Ok(work.outcomes())
    }

    /// Up to `most` prepared documents, in the order of the items; `next` is the first one that was not looked at.
    fn prepare_group<P: Send, T: Send, E: From<Error> + Send>(
        &self,
        work: &Work<'_, T, E>,
        next: &mut usize,
        most: usize,
        prepare: &(impl Fn(&Item, &FileSource) -> Result<(ToBeSigned, P), E> + Sync),
    ) -> Vec<(usize, ToBeSigned, P)> {
        let group = Mutex::new(Vec::new());
        loop {
            let wanted = most.saturating_sub(group.lock().unwrap_or_else(PoisonError::into_inner).len());
            let end = next.saturating_add(wanted).min(self.items.len());
            let indices: Vec<usize> = (*next..end).collect();
            if indices.is_empty() || self.cancel.is_cancelled() {
                break;
            }
            *next = end;
            self.in_threads(indices, |index| {
                let Some(item) = self.items.get(index).filter(|_| !self.cancel.is_cancelled()) else { return };
                let prepared = || -> Result<Option<(ToBeSigned, P)>, E> {
                    let source = FileSource::open(&item.input)?;
                    if work.is_done(item, work.input_digest(&source)?.as_ref())? {
                        return Ok(None);
                    }
                    let prepared = prepare(item, &source)?;
                    source.check_unchanged()?;
                    Ok(Some(prepared))
                };
                match prepared() {
                    Ok(Some((message, prepared))) => {
                        group.lock().unwrap_or_else(PoisonError::into_inner).push((index, message, prepared));
                    }
                    Ok(None) => work.put(index, Outcome::DoneBefore),
                    Err(error) => work.put(index, Outcome::Failed(error)),
                }
            });
        }
        let mut group = group.into_inner().unwrap_or_else(PoisonError::into_inner);
        group.sort_by_key(|(index, ..)| *index);
        group
    }

    /// Does something with each, in the threads of the batch.
    fn in_threads<I: Send>(&self, each: Vec<I>, f: impl Fn(I) + Sync) {
        let threads = self.threads_for(each.len());
        let next = AtomicUsize::new(0);
        let each: Vec<Mutex<Option<I>>> = each.into_iter().map(|one| Mutex::new(Some(one))).collect();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(one) = each.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let one = one.lock().unwrap_or_else(PoisonError::into_inner).take();
                        one.into_iter().for_each(&f);
                    }
                });
            }
        });
    }
}
