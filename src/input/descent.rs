//! Descends into what was given until regular files are left, and hands them to the visitor.
//!
//! The files of directories are taken by several threads, largest first. An archive is one stream: it is unpacked on
//! a thread of its own, walked on a second one, and its small members are handed to the remaining ones.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::Scope;

use super::magic::{self, Kind, Packing};
use super::meter::{Account, Outer, Packed, Tally, Unpacked};
use super::pipe;
use super::unpack::decoder;
use super::walk::{self, Root};
use super::{Found, Input, InputError, Limits, Visitor, names, tarball, zipball};
use crate::base::time::{Instant, SECOND};
use crate::model::Status;

/// Compressions around one file (`x.log.gz.xz`); a gzip file can be made that contains itself.
const LAYERS: u8 = 4;

/// Packed bytes from which unpacking gets a thread of its own; below, starting it costs more than it wins.
const AHEAD_FROM: u64 = 256 << 10;

/// Largest member of an archive that is read into memory for another thread.
const ASIDE: u64 = 4 << 20;

/// Bytes of members waiting in memory for another thread.
const ASIDE_TOTAL: u64 = 64 << 20;

/// Finds every regular file of the inputs, in directories and archives, and hands it to the visitor.
///
/// The error means that an input cannot be read at all; whatever is wrong further inside is told to the visitor.
/// Files are visited in no particular order, by the threads of the current rayon pool. When the limit of total bytes
/// or of members is reached, which files are left out may differ between runs.
pub fn discover(
    inputs: &[Input],
    limits: &Limits,
    visitor: &dyn Visitor,
) -> Result<(), InputError> {
    let run = Run {
        limits,
        visitor,
        account: Account::new(limits, visitor),
        aside: AtomicU64::new(0),
    };
    let mut roots = walk::roots(
        inputs,
        || run.account.member(),
        &mut |path, status, note| visitor.left_out(path, status, note),
    )?;
    // Standard input has no size and comes first: it may be the largest.
    roots.sort_by(|a, b| {
        let key = |r: &Root| std::cmp::Reverse(r.size.unwrap_or(u64::MAX));
        key(a).cmp(&key(b)).then_with(|| a.shown.cmp(&b.shown))
    });
    run.all(&roots);
    Ok(())
}

/// One run over the inputs.
pub(super) struct Run<'a> {
    /// How much is read at most.
    pub(super) limits: &'a Limits,
    /// Who receives the files.
    pub(super) visitor: &'a dyn Visitor,
    /// What was read so far.
    pub(super) account: Account<'a>,
    aside: AtomicU64,
}

/// Something with content: a file of the input, a member of an archive, the content of a compressed file.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    /// Virtual path.
    pub(super) path: String,
    /// When it was last changed.
    pub(super) mtime: Option<Instant>,
    /// Size of the content, where known.
    pub(super) size: Option<u64>,
    /// What is odd about it.
    pub(super) note: String,
    /// How many archives are around it.
    pub(super) archives: u8,
    /// How many compressions are around it, within its archive.
    pub(super) layers: u8,
    /// Bytes that the archives around it keep in memory.
    pub(super) held: u64,
}

impl Item {
    /// A member of this archive.
    pub(super) fn member(&self, name: &str) -> Self {
        Self {
            path: format!("{}!{name}", self.path),
            archives: self.archives.saturating_add(1),
            held: self.held,
            ..Self::default()
        }
    }
}

/// Any stream; archives inside archives make its type deep, so it is erased.
pub(super) type Stream<'r> = dyn Read + Send + 'r;

impl Run<'_> {
    /// Takes the files of the inputs on all threads; returns when the last one is done.
    fn all(&self, roots: &[Root]) {
        let next = AtomicUsize::new(0);
        rayon::scope(|scope| {
            for _ in 0..rayon::current_num_threads().min(roots.len()) {
                scope.spawn(|scope| {
                    while let Some(root) = roots.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.root(root, scope);
                    }
                });
            }
        });
    }

    /// A file of the input itself.
    fn root<'s>(&'s self, root: &Root, scope: &Scope<'s>) {
        let item = Item {
            path: root.shown.clone(),
            mtime: root.mtime,
            size: root.size,
            ..Item::default()
        };
        if self.refused(&item) {
            return;
        }
        let Some(path) = &root.path else {
            let mut stdin = Outer {
                inner: io::stdin(),
                account: &self.account,
            };
            return self.open(item, &mut stdin, scope);
        };
        let mut file = match File::open(path) {
            Ok(inner) => Outer {
                inner,
                account: &self.account,
            },
            Err(e) => {
                return self.left_out(&item.path, Status::Failed, format!("cannot be opened: {e}"));
            }
        };
        let mut head = [0; 4];
        // A zip has its index at its end: a file can be read there, a stream cannot.
        let seekable = root.size.is_some();
        if seekable
            && pipe::fill(&mut file.inner, &mut head).0 == head.len()
            && magic::recognise(&head) == Kind::Zip
        {
            if !self.too_deep(&item) {
                zipball::read(self, &item, &mut file, scope);
            }
        } else if seekable && let Err(e) = file.inner.rewind() {
            self.left_out(&item.path, Status::Failed, format!("cannot be read: {e}"));
        } else {
            self.open(item, &mut file, scope);
        }
    }

    /// Looks at the first bytes of a stream and visits it, or what is in it.
    pub(super) fn open<'s>(&'s self, mut item: Item, stream: &mut Stream<'_>, scope: &Scope<'s>) {
        if self.refused(&item) {
            return;
        }
        let mut head = vec![0; magic::HEAD];
        let (filled, error) = pipe::fill(stream, &mut head);
        head.truncate(filled);
        let kind = magic::recognise(&head);
        if let Some(error) = &error
            && (head.is_empty() || kind != Kind::Plain)
        {
            return self.left_out(
                &item.path,
                Status::Failed,
                format!("cannot be read: {error}"),
            );
        }
        match kind {
            Kind::Plain if is_empty_tar(&item, &head) => self.left_out(
                &item.path,
                Status::Skipped,
                String::from("an archive without files: collect it again"),
            ),
            Kind::Plain => {
                let mut whole = Cursor::new(head).chain(Failing(error)).chain(stream);
                self.plain(item, &mut whole, scope);
            }
            Kind::Packed(_) if item.layers >= LAYERS => self.left_out(
                &item.path,
                Status::Skipped,
                format!(
                    "compressed more than {LAYERS} times over: unpack it and give what is in it"
                ),
            ),
            Kind::Packed(packing) => {
                let size = item.size.take();
                item.mtime = item.mtime.or_else(|| gzip_time(&head));
                item.layers = item.layers.saturating_add(1);
                let mut whole = Cursor::new(head).chain(stream);
                self.unpack(packing, size, &mut whole, |content| {
                    self.open(item, content, scope);
                });
            }
            Kind::Tar | Kind::Zip if self.too_deep(&item) => {}
            Kind::Tar => tarball::read(self, &item, &mut Cursor::new(head).chain(stream), scope),
            Kind::Zip => self.zip_in_stream(&item, &mut Cursor::new(head).chain(stream), scope),
            Kind::Foreign(name) => self.left_out(
                &item.path,
                Status::Skipped,
                format!("{name} is not read: unpack it and give what is in it"),
            ),
        }
    }

    /// Runs `work` on the content of a compressed stream; read ahead on a thread of its own, unless it is small.
    pub(super) fn unpack<T>(
        &self,
        packing: Packing,
        size: Option<u64>,
        stream: &mut Stream<'_>,
        work: impl FnOnce(&mut Stream<'_>) -> T,
    ) -> T {
        let tally = Tally::default();
        let packed = Packed {
            inner: stream,
            tally: tally.clone(),
        };
        self.unpack_with(decoder(packing, packed), tally, size, work)
    }

    /// Like [`Run::unpack`], with the decoder made by the caller; `tally` counts what goes into it.
    pub(super) fn unpack_with<T>(
        &self,
        decoder: impl Read + Send,
        tally: Tally,
        size: Option<u64>,
        work: impl FnOnce(&mut Stream<'_>) -> T,
    ) -> T {
        let mut content = Unpacked::new(decoder, tally, &self.account);
        if size.is_some_and(|s| s < AHEAD_FROM) {
            work(&mut content)
        } else {
            pipe::ahead(content, |blocks| work(blocks))
        }
    }

    /// A zip that cannot be read from its end: kept in memory if it is small enough, else read front to back.
    fn zip_in_stream<'s>(&'s self, item: &Item, stream: &mut Stream<'_>, scope: &Scope<'s>) {
        let room = self.limits.zip_buffer.saturating_sub(item.held);
        let mut kept = Vec::new();
        let fits = stream
            .take(room.saturating_add(1))
            .read_to_end(&mut kept)
            .is_ok_and(|n| n as u64 <= room);
        if fits {
            let mut item = item.clone();
            item.held = item.held.saturating_add(kept.len() as u64);
            zipball::read(self, &item, &mut Cursor::new(kept), scope);
        } else {
            // Too large, or broken off: then the part in memory is all there is, and the stream says why.
            zipball::read_forwards(self, item, &mut Cursor::new(kept).chain(stream), scope);
        }
    }

    /// A file that is not packed any further: to the visitor, by this thread or another one.
    fn plain<'s>(&'s self, item: Item, content: &mut Stream<'_>, scope: &Scope<'s>) {
        let found = Found {
            path: item.path,
            mtime: item.mtime,
            size: item.size,
            packed: item.archives > 0,
            note: item.note,
        };
        let small = found
            .size
            .filter(|size| found.packed && *size <= ASIDE && rayon::current_num_threads() > 1);
        let Some(size) = small.filter(|size| self.reserve(*size)) else {
            return self.visit(&found, content);
        };
        let mut kept = Vec::new();
        let mut head = content.take(size.saturating_add(1));
        let error = head.read_to_end(&mut kept).err();
        if kept.len() as u64 > size {
            // Its header lied: there is more of it than was set aside.
            self.aside.fetch_sub(size, Ordering::Relaxed);
            return self.visit(&found, &mut Cursor::new(kept).chain(content));
        }
        scope.spawn(move |_| {
            self.visit(&found, &mut Cursor::new(kept).chain(Failing(error)));
            self.aside.fetch_sub(size, Ordering::Relaxed);
        });
    }

    /// Sets memory aside for a member, if there is room.
    fn reserve(&self, size: u64) -> bool {
        let before = self.aside.fetch_add(size, Ordering::Relaxed);
        let fits = before.saturating_add(size) <= ASIDE_TOTAL;
        if !fits {
            self.aside.fetch_sub(size, Ordering::Relaxed);
        }
        fits
    }

    fn visit(&self, found: &Found, content: &mut dyn Read) {
        // A visitor that fails on one file must not take the others with it.
        let done = catch_unwind(AssertUnwindSafe(|| self.visitor.file(found, content)));
        if done.is_err() {
            self.left_out(
                &found.path,
                Status::Failed,
                String::from(
                    "an internal error stopped the reading of this file; please report it",
                ),
            );
        }
        self.account.visited();
    }

    /// Whether this is not to be read at all; says so.
    fn refused(&self, item: &Item) -> bool {
        let inner = item.path.rsplit('!').next().unwrap_or(&item.path);
        if let Some(why) = names::metadata(inner) {
            self.left_out(&item.path, Status::Skipped, why.to_owned());
            return true;
        }
        if let Some(why) = self.account.spent() {
            self.left_out(&item.path, Status::Skipped, why);
            return true;
        }
        false
    }

    /// Whether the archive lies in too many others to be opened; says so.
    fn too_deep(&self, item: &Item) -> bool {
        let deep = item.archives >= self.limits.depth;
        if deep {
            self.left_out(
                &item.path,
                Status::Skipped,
                format!(
                    "an archive inside {} others is not opened: unpack it and give what is in it",
                    item.archives
                ),
            );
        }
        deep
    }

    /// Tells the visitor what is not read.
    pub(super) fn left_out(&self, path: &str, status: Status, note: String) {
        self.visitor.left_out(path, status, note);
    }
}

/// An empty tar is zeros and has no magic; a file of zeros is one if it is called so.
fn is_empty_tar(item: &Item, head: &[u8]) -> bool {
    let name = item.path.rsplit('!').next().unwrap_or_default();
    let called = name
        .split('.')
        .skip(1)
        .any(|e| e.eq_ignore_ascii_case("tar") || e.eq_ignore_ascii_case("tgz"));
    called && head.len() == magic::HEAD && head.iter().all(|b| *b == 0)
}

/// When the content of a gzip file was last changed, says its header; many programs write something else there, so it
/// only stands in for a time that the container does not tell.
fn gzip_time(head: &[u8]) -> Option<Instant> {
    let [0x1f, 0x8b, 8, _, a, b, c, d, ..] = head else {
        return None;
    };
    let seconds = i64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    (seconds > 0).then(|| Instant(seconds.saturating_mul(SECOND)))
}

/// Nothing, or an error and then nothing.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}
