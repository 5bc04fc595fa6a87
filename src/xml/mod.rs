//! XML: well-formed, namespace-aware, bounded.
//!
//! quick-xml finds the tokens; everything that it lets through and the
//! recommendations do not (XML 1.0, Namespaces in XML 1.0) is refused here.

mod input;
mod syntax;
mod tree;

pub(crate) use syntax::is_char;
pub(crate) use tree::Element;
pub(crate) use tree::Options;
pub(crate) use tree::Segment;
pub(crate) use tree::Tree;
