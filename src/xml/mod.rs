//! XML: well-formed, namespace-aware, bounded.
