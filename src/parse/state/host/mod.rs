//! Outputs of host commands, one file a subject.

pub(super) mod bus;
pub(super) mod checks;
pub(super) mod clock;
pub(super) mod dirs;
pub(super) mod disk;
pub(super) mod etcd;
pub(super) mod nat;
pub(super) mod network;
pub(super) mod units;
