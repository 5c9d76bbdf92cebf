//! What is known of the newest accepted record of a key: where it stands, and of a pair whether it is liked.

/// Eight bytes a key: half of `u64::MAX` is room for any offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Newest(u64);

impl Newest {
    const LIKED: u64 = 1;

    /// The place of the record: the offset that it replays, else its own. `None` before any was accepted.
    pub(super) fn place(self) -> Option<i64> {
        (self.0 >> 1).checked_sub(1).map(u64::cast_signed)
    }

    /// Whether the pair is liked.
    pub(super) fn is_liked(self) -> bool {
        self.0 & Self::LIKED != 0
    }

    /// The same with a record at `place`, from 0.
    pub(super) fn at(self, place: i64) -> Self {
        Self((place.cast_unsigned() + 1) << 1 | self.0 & Self::LIKED)
    }

    /// The same of a pair that is liked, or not.
    pub(super) fn liked(self, is_liked: bool) -> Self {
        Self(self.0 & !Self::LIKED | u64::from(is_liked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_and_liking_do_not_touch_each_other() {
        let none = Newest::default();
        assert_eq!((none.place(), none.is_liked()), (None, false));
        assert_eq!(none.liked(true).place(), None);
        for place in [0, 1, 1 << 40] {
            let liked = none.liked(true).at(place);
            assert_eq!((liked.place(), liked.is_liked()), (Some(place), true));
            let not = liked.liked(false);
            assert_eq!((not.place(), not.is_liked()), (Some(place), false));
        }
    }
}
