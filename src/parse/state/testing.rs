//! What the tests of states share.

use super::Reading;

/// Asserts that the reading tells of this relation.
#[track_caller]
pub(super) fn related(reading: &Reading, from: &str, to: &str) {
    assert!(
        reading
            .relations
            .iter()
            .any(|(a, b, _)| a.as_str() == from && b.as_str() == to),
        "{from} - {to}: {:?}",
        reading.relations
    );
}
