use super::sink::{Chunk,Sink};
pub(super) fn read(_s:&mut Sink<'_>, _c: Chunk<'_>, _p:&str){}
pub(super) fn loose<B,C>(_a:&mut Sink<'_>,_b:B,_c:C) {}
