//! A subscriber that writes down everything that it is told.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::fmt::Debug;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use tracing::Event;
use tracing::Metadata;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing::span;

/// Writes down everything that it is told, at every level.
#[derive(Clone, Default)]
pub struct Everything {
    pub text: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
}

struct Writer<'t>(&'t mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = self.text.lock().unwrap();
        write!(text, "span {} {}", attributes.metadata().target(), attributes.metadata().name()).unwrap();
        attributes.record(&mut Writer(&mut text));
        text.push('\n');
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Writer(&mut self.text.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.text.lock().unwrap();
        write!(text, "event {} {}", event.metadata().target(), event.metadata().level()).unwrap();
        event.record(&mut Writer(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Everything {
    /// What was told, without durations: their digits could look like a PIN by chance.
    pub fn told(&self) -> String {
        let text = self.text.lock().unwrap().clone();
        let parts = text.split("micros=").map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
        parts.collect::<Vec<_>>().join("micros=")
    }
}
