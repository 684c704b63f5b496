use super::sink::{Chunk,Sink}; pub(super) fn read(_s:&mut Sink<'_>, _c: Chunk<'_>){}
