//! One event under two clocks.

use crate::base::time::RawStamp;

/// A moment of a machine and one of the API server of which one comes before the other, whatever the clocks say: a kubelet
/// writes a time into an event, then the API server creates the event.
///
/// Many pairs bound by how much the clock of the machine is off. A pair alone says little: between the two moments any time
/// may pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// The machine.
    pub machine: String,
    /// What its clock showed.
    pub own: RawStamp,
    /// What the clock of the API server showed.
    pub server: RawStamp,
    /// Which of the two came first.
    pub order: Order,
    /// The line of the machine's time.
    pub line: u64,
    /// What it says.
    pub quote: String,
}

/// Which moment of a pair comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// The machine's.
    MachineFirst,
    /// The API server's.
    ServerFirst,
}
