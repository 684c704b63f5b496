//! Integration tests.
mod incidents;
