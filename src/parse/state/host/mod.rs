use super::sink::{Chunk,Sink};
pub(super) mod checks { pub(in crate::parse::state) fn quoted<B,C>(_a:&mut super::super::sink::Sink<'_>,_b:B,_c:C) {} }
pub(super) mod etcd { pub(in crate::parse::state) fn json<B>(_a:&mut super::super::sink::Sink<'_>,_b:B) {} }
pub(super) fn read(_s:&mut Sink<'_>, _c: Chunk<'_>, _p:&str){}
