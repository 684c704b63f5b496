<<<<<<< HEAD
use super::sink::{Chunk,Sink};
pub(super) mod checks { pub(in crate::parse::state) fn quoted<B,C>(_a:&mut super::super::sink::Sink<'_>,_b:B,_c:C) {} }
pub(super) mod etcd { pub(in crate::parse::state) fn json<B>(_a:&mut super::super::sink::Sink<'_>,_b:B) {} }
pub(super) fn read(_s:&mut Sink<'_>, _c: Chunk<'_>, _p:&str){}
=======
//! Outputs of host commands, one file a subject.

pub(super) mod bus;
pub(super) mod checks;
pub(super) mod clock;
pub(super) mod dirs;
pub(super) mod disk;
pub(super) mod etcd;
pub(super) mod network;
pub(super) mod units;
>>>>>>> wt-state
