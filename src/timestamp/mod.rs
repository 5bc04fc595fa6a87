//! Time-stamps (RFC 3161): requests, responses, tokens.
