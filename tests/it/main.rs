//! Integration tests: the gates over `fixtures/incidents`, bundles of every layout, bad input, the rules of the house.
//!
//! One program, so that it is linked once. `docs/testing.md` says what each gate means.

#![allow(
    unreachable_pub,
    clippy::duplicate_mod,
    clippy::type_complexity,
    reason = "nothing of a test program is reached from outside"
)]

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod goroutines;
#[cfg(test)]
mod incidents;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod layouts;
#[cfg(test)]
mod support;
