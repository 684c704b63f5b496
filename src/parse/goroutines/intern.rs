//! Keeps each text and each call site of a dump once, while the dump is read.

use rustc_hash::FxHashMap;

use crate::model::dump::{Site, SiteId, Stacks, Symbol};

/// Text and call sites seen so far.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: FxHashMap<Box<[u8]>, Symbol>,
    sites: FxHashMap<(Symbol, Symbol), SiteId>,
}

impl Interner {
    /// Forgets everything, for the next dump; its first symbol is the empty text.
    pub(super) fn begin(&mut self, stacks: &mut Stacks) {
        self.texts.clear();
        self.sites.clear();
        *stacks = Stacks::default();
        self.text(stacks, b"");
    }

    /// A state or another text, as it stands.
    pub(super) fn text(&mut self, stacks: &mut Stacks, text: &[u8]) -> Symbol {
        if let Some(s) = self.texts.get(text) {
            return *s;
        }
        let symbol = stacks.add_symbol(&String::from_utf8_lossy(text));
        self.texts.insert(text.into(), symbol);
        symbol
    }

    /// A function or file, without what stands before its `/vendor/` folder: builds of one program differ in it.
    pub(super) fn path(&mut self, stacks: &mut Stacks, text: &[u8]) -> Symbol {
        if let Some(s) = self.texts.get(text) {
            return *s;
        }
        let bare = memchr::memmem::rfind(text, b"/vendor/")
            .and_then(|i| text.get(i + 8..))
            .unwrap_or(text);
        let symbol = self.text(stacks, bare);
        if bare.len() != text.len() {
            self.texts.insert(text.into(), symbol);
        }
        symbol
    }

    /// A call site.
    pub(super) fn site(
        &mut self,
        stacks: &mut Stacks,
        function: Symbol,
        location: Symbol,
    ) -> SiteId {
        *self
            .sites
            .entry((function, location))
            .or_insert_with(|| stacks.add_site(Site { function, location }))
    }
}
