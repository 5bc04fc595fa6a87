//! Cryptographic Message Syntax (RFC 5652): SignedData, read and written.
