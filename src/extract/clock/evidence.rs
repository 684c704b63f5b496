//! What one source tells about its clock.

use crate::base::time::{Instant, RawStamp};

/// Clock evidence of one source, for the solver.
#[derive(Clone, Debug, Default)]
pub(in crate::extract) struct Evidence {
    /// Machine.
    pub(in crate::extract) node: Option<String>,
    /// Whether its process runs in a container (its zone may differ from the host's).
    pub(in crate::extract) contained: bool,
    /// First and last reading.
    pub(in crate::extract) first: Option<RawStamp>,
    pub(in crate::extract) last: Option<RawStamp>,
    /// Zones that wrappers of this source show.
    pub(in crate::extract) zones: Vec<(i32, u64)>,
    /// A zone that this file states.
    pub(in crate::extract) stated_zone: Option<i32>,
    /// The collection time that this file states.
    pub(in crate::extract) collected: Option<RawStamp>,
    /// A local reading, with its year, after which nothing in it was written.
    pub(in crate::extract) end: Option<RawStamp>,
    /// The offsets that its zone abbreviation may mean.
    pub(in crate::extract) offsets: &'static [i32],
    /// Year that this file states.
    pub(in crate::extract) year: Option<i32>,
    /// How long the machine had been up when this output was made, in nanoseconds.
    pub(in crate::extract) up: Option<i64>,
    /// Boot time that this file states.
    pub(in crate::extract) boot: Option<RawStamp>,
    /// When the file was written.
    pub(in crate::extract) mtime: Option<Instant>,
    /// Whether it is an output of a state, not a log.
    pub(in crate::extract) state: bool,
    /// Instants in it that carry their offset: earliest, latest.
    pub(in crate::extract) absolute: Option<(Instant, Instant)>,
    /// When the collector ran, by the name of its folder.
    pub(in crate::extract) collector: Option<Instant>,
}

impl Evidence {
    /// The evidence of a log of which `next` is the next part, which begins so many New Years after the log.
    pub(in crate::extract) fn followed_by(mut self, (mut next, turn): (Self, u8)) -> Self {
        self.node = self.node.or(next.node);
        self.contained |= next.contained;
        self.first = self.first.or(next.first);
        self.last = match next.last {
            Some(RawStamp::Local {
                year: None,
                month,
                day,
                ns,
                res,
                turn: within,
            }) => Some(RawStamp::Local {
                year: None,
                month,
                day,
                ns,
                res,
                turn: turn.saturating_add(within),
            }),
            // Lines with an offset need no clock, but the older ones do.
            Some(RawStamp::Utc { .. }) if matches!(self.last, Some(RawStamp::Local { .. })) => {
                let told = [next.first, next.last].into_iter().flatten();
                let told = told.filter_map(|stamp| match stamp {
                    RawStamp::Utc { ns, .. } => Some((Instant(ns), Instant(ns))),
                    _ => None,
                });
                next.absolute = told.chain(next.absolute).reduce(wider);
                self.last
            }
            last => last.or(self.last),
        };
        self.absolute = [self.absolute, next.absolute]
            .into_iter()
            .flatten()
            .reduce(wider);
        for (zone, n) in next.zones {
            match self.zones.iter_mut().find(|(z, _)| *z == zone) {
                Some((_, sum)) => *sum = sum.saturating_add(n),
                None => self.zones.push((zone, n)),
            }
        }
        self.year = self
            .year
            .or(next.year.map(|y| y.saturating_sub(i32::from(turn))));
        // The end of an older part does not bound the log.
        self.end = next.end;
        if self.offsets.is_empty() {
            self.offsets = next.offsets;
        }
        self.mtime = self.mtime.max(next.mtime);
        self.state &= next.state;
        self.collector = self.collector.or(next.collector);
        self
    }
}

/// What both stretches of time lie in.
fn wider(a: (Instant, Instant), b: (Instant, Instant)) -> (Instant, Instant) {
    (a.0.min(b.0), a.1.max(b.1))
}
