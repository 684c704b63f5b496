//! Finds every anchor in a block of bytes, at the speed of reading them.
//!
//! Of each anchor a window of eight bytes is looked for. Whatever its position in the text, one of the five
//! four-byte pieces of that window begins at a multiple of five; so one look at every fifth byte misses nothing, and
//! nearly all looks end at one bit. An automaton takes a step for every byte instead, and waits for each.
//!
//! All occurrences are found, those that overlap too. What a hit means is decided above.

use rustc_hash::FxHashMap;

/// Bytes of an anchor that are looked for; no anchor is shorter.
const WINDOW: usize = 8;
/// Bytes of a piece.
const PIECE: usize = 4;
/// Bytes from one look to the next.
const STRIDE: usize = WINDOW - PIECE + 1;
/// Bits that say whether a piece may begin here: few of them are set, and all fit into the first-level cache.
const BITS: usize = 1 << 18;
/// Spreads the four bytes of a piece over the bits (the golden ratio, as a fraction of 2^32).
const SPREAD: u32 = 0x9e37_79b9;

/// What ordinary log lines are made of. Windows are chosen away from it; what is missing here costs time, never a hit.
const ORDINARY: &str = "I1120 17:06:13.398027 2026-11-20T17:06:13Z stderr F stdout F level=info msg= level=warning \
    kube-apiserver kube-controller-manager kube-scheduler kubelet containerd kubernetes.io k8s.io namespace namespaces \
    container containers deployment deployments replicaset service services serviceaccount endpoints configmaps secrets \
    /api/v1/namespaces/kube-system/pods/ /apis/apps/v1/deployments apiVersion resourceVersion userAgent srcIP latency \
    verb= GET PUT POST PATCH DELETE WATCH URI= resp=200 linux/amd64 leader-election generic-garbage-collector \
    system:serviceaccount: authorization.k8s.io authenticated requestReceivedTimestamp stageTimestamp annotations \
    ResponseComplete requestURI auditID objectRef responseStatus username groups sourceIPs resource request response \
    default-token volume volumes mount succeeded Successfully Started Finished Starting running controller controllers \
    reconcile syncing update updated Updating watch Watch reflector.go cache timeout total items received image images \
    message reason status Status Running Ready ready probe Readiness Liveness process started component client server \
    connection http https example.com sandbox returns successfully cgroup systemd event events Normal type object key \
    node nodes pod pods for the and with from not error failed to ing tion ation ment able ected";

/// Finds all of a set of literals.
#[derive(Debug)]
pub struct Anchors {
    literals: Vec<Box<[u8]>>,
    bits: Box<[u64]>,
    /// Behind each piece: the windows that hold it.
    pieces: FxHashMap<[u8; PIECE], Vec<Window>>,
}

/// The window of a literal, as one of its pieces finds it.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Its bytes: they are compared before the literal is, since most pieces are ordinary and few windows are.
    bytes: [u8; WINDOW],
    /// How far into it the piece lies.
    before: u32,
    literal: u32,
    /// How far into the literal the window begins.
    into: u32,
}

impl Anchors {
    /// A finder of `literals`; those shorter than eight bytes are never found.
    pub(super) fn new(literals: &[String]) -> Self {
        let common = common(literals);
        let mut anchors = Self {
            literals: Vec::new(),
            bits: vec![0; BITS / 64].into_boxed_slice(),
            pieces: FxHashMap::default(),
        };
        for (number, literal) in (0_u32..).zip(literals) {
            let bytes = literal.as_bytes();
            let window = bytes
                .windows(WINDOW)
                .enumerate()
                .min_by_key(|(_, w)| w.windows(PIECE).map(|p| seen(&common, p)).sum::<u32>());
            if let Some((at, window)) = window
                && let (Some(bytes), Ok(into)) = (window.first_chunk(), u32::try_from(at))
            {
                for (before, piece) in (0_u32..).zip(window.windows(PIECE)) {
                    anchors.expect(
                        piece,
                        Window {
                            bytes: *bytes,
                            before,
                            literal: number,
                            into,
                        },
                    );
                }
            }
            anchors.literals.push(bytes.into());
        }
        anchors
    }

    fn expect(&mut self, piece: &[u8], window: Window) {
        let Some(piece) = piece.first_chunk::<PIECE>() else {
            return;
        };
        let (word, bit) = place(*piece);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
        self.pieces.entry(*piece).or_default().push(window);
    }

    /// Calls `hit` with the position of the last byte and the number of the literal, for each occurrence, in no
    /// particular order.
    pub fn find(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let Some(bits) = self.bits.first_chunk::<{ BITS / 64 }>() else {
            return;
        };
        let (strides, rest) = text.as_chunks::<STRIDE>();
        for (number, [a, b, c, d, _]) in strides.iter().enumerate() {
            let piece = [*a, *b, *c, *d];
            let (word, bit) = place(piece);
            // The number of bits and the width of the hash agree, so no bound is checked here.
            if bits.get(word).is_some_and(|w| w & bit != 0) {
                self.look(text, number * STRIDE, piece, &mut hit);
            }
        }
        if let Some(piece) = rest.first_chunk::<PIECE>() {
            self.look(text, strides.len() * STRIDE, *piece, &mut hit);
        }
    }

    /// Compares the literals whose window holds the piece found at `at`.
    fn look(&self, text: &[u8], at: usize, piece: [u8; PIECE], hit: &mut impl FnMut(usize, usize)) {
        for window in self.pieces.get(&piece).into_iter().flatten() {
            let Some(from) = at.checked_sub(window.before as usize) else {
                continue;
            };
            if text.get(from..).and_then(<[u8]>::first_chunk) != Some(&window.bytes) {
                continue;
            }
            let number = window.literal as usize;
            let (Some(start), Some(literal)) = (
                from.checked_sub(window.into as usize),
                self.literals.get(number),
            ) else {
                continue;
            };
            if text.get(start..).is_some_and(|t| t.starts_with(literal)) {
                hit(start + literal.len() - 1, number);
            }
        }
    }
}

/// Word and bit of a piece.
fn place(piece: [u8; PIECE]) -> (usize, u64) {
    const SHIFT: u32 = 32 - BITS.trailing_zeros();
    let hash = u32::from_le_bytes(piece).wrapping_mul(SPREAD) >> SHIFT;
    ((hash / 64) as usize, 1 << (hash % 64))
}

/// How often each piece is in ordinary text; a piece of many anchors is ordinary as well.
fn common(literals: &[String]) -> FxHashMap<&[u8], u32> {
    let mut common = FxHashMap::default();
    for piece in literals.iter().flat_map(|l| l.as_bytes().windows(PIECE)) {
        *common.entry(piece).or_insert(0) += 1;
    }
    for piece in ORDINARY.as_bytes().windows(PIECE) {
        *common.entry(piece).or_insert(0) += 100;
    }
    common
}

fn seen(common: &FxHashMap<&[u8], u32>, piece: &[u8]) -> u32 {
    common.get(piece).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(literals: &[&str], text: &[u8]) -> Vec<(usize, usize)> {
        let literals: Vec<String> = literals.iter().map(|l| (*l).to_owned()).collect();
        let mut hits = Vec::new();
        Anchors::new(&literals).find(text, |end, literal| hits.push((end, literal)));
        hits.sort_unstable();
        hits
    }

    /// The same, by looking at every position for every literal.
    fn expected(literals: &[&str], text: &[u8]) -> Vec<(usize, usize)> {
        let mut hits: Vec<(usize, usize)> = literals
            .iter()
            .enumerate()
            .flat_map(|(n, l)| {
                text.windows(l.len())
                    .enumerate()
                    .filter(|(_, w)| *w == l.as_bytes())
                    .map(move |(at, _)| (at + l.len() - 1, n))
            })
            .collect();
        hits.sort_unstable();
        hits
    }

    #[test]
    fn at_every_position_and_at_both_ends() {
        let literals = [
            "the server is currently unable",
            "currently unable",
            "PLEG is not healthy",
            "no space",
        ];
        for before in 0..12 {
            for after in 0..12 {
                for literal in literals {
                    let text = format!("{}{literal}{}", "x".repeat(before), "y".repeat(after));
                    assert_eq!(
                        found(&literals, text.as_bytes()),
                        expected(&literals, text.as_bytes()),
                        "{text}"
                    );
                }
            }
        }
    }

    #[test]
    fn occurrences_overlap() {
        let literals = ["aaaaaaaa", "aaaaaaaaa", "baaaaaaa"];
        let text = b"baaaaaaaaaaaaab";
        assert_eq!(found(&literals, text), expected(&literals, text));
    }

    proptest! {
        #[test]
        fn as_by_looking_everywhere(text in "[abc ]{0,300}") {
            let literals = ["abc abc ", "aabbccaa", "cabcabcab", "a b c a b c"];
            prop_assert_eq!(found(&literals, text.as_bytes()), expected(&literals, text.as_bytes()));
        }

        #[test]
        fn any_bytes(text: Vec<u8>) {
            found(&["the server", "abcdefgh"], &text);
        }
    }
}
