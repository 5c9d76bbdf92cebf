//! Instants as people read them.

use jiff::Timestamp;
use model::{Epoch, Millis};

/// An instant in the form of RFC 3339, in UTC; nothing for one that no calendar has.
pub(crate) fn time_text(millis: Millis) -> Option<String> {
    Timestamp::from_millisecond(millis.0)
        .ok()
        .map(|instant| format!("{instant:.3}"))
}

/// When an epoch was minted.
pub(crate) fn epoch_text(epoch: Epoch) -> Option<String> {
    time_text(Millis(i64::try_from(epoch.0).ok()?))
}

/// An epoch with its time: `1767225600000 (2026-01-01T00:00:00.000Z)`.
pub(crate) fn epoch_with_time(epoch: Epoch) -> String {
    match epoch_text(epoch) {
        Some(time) => format!("{epoch} ({time})"),
        None => epoch.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_shown_with_the_time_of_its_minting() {
        let epoch = Epoch(1_767_225_600_123);
        assert_eq!(
            epoch_with_time(epoch),
            "1767225600123 (2026-01-01T00:00:00.123Z)"
        );
        assert_eq!(epoch_with_time(Epoch(u64::MAX)), u64::MAX.to_string());
    }
}
