//! Members by name: one list drives the reader and the schema test.

use crate::json::Checked;

/// The members of an object that are read, each with its name on the wire.
pub(crate) trait Named: Copy + 'static {
    /// The names on the wire, in the order of the members.
    const NAMES: &'static [&'static str];
    /// The members.
    const ALL: &'static [Self];

    /// The place of the member in the two lists.
    fn index(self) -> usize;

    /// The member whose name has that index.
    #[inline(always)]
    fn of(index: usize) -> Self {
        Self::ALL[index]
    }

    /// The name on the wire.
    fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// What was read of the member: a fault is within it.
    #[inline(always)]
    fn at<T>(self, read: Checked<T>) -> Checked<T> {
        read.map_err(|fault| fault.within(self.name()))
    }
}

/// Declares the members of an object with their names.
macro_rules! members {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($member,)+ }

        impl $crate::named::Named for $name {
            const NAMES: &'static [&'static str] = &[$($text,)+];
            const ALL: &'static [Self] = &[$(Self::$member,)+];

            #[inline(always)]
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

pub(crate) use members;
