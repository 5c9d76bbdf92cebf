//! What a start and a commit without a clear answer lead to: facts in, decision out.

/// What a copy that opens a table does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Another copy is newer: stop.
    Fenced {
        /// Its generation.
        newer: u64,
    },
    /// Put the fence after the version that was read.
    Fence,
}

/// Decides on opening as generation `mine` a table that `found` fenced last.
#[must_use]
pub fn opening(mine: u64, found: Option<u64>) -> Opening {
    match found {
        Some(newer) if newer > mine => Opening::Fenced { newer },
        Some(_) | None => Opening::Fence,
    }
}

/// What was found after a commit that conflicted or got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The generation that fenced the table last.
    pub generation: Option<u64>,
    /// Whether the commit is in the table.
    pub landed: bool,
    /// Whether the table's position is the one that the commit started from.
    pub unmoved: bool,
}

/// What a commit that conflicted or got no answer leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Another copy is newer: stop.
    Fenced {
        /// Its generation.
        newer: u64,
    },
    /// The commit is in the table.
    Landed,
    /// The commit is not in the table and never will be: its version is taken by something that
    /// left the position alone. Build it anew on what is there.
    Again,
    /// The position is neither before nor after the commit, or the fence is gone: an invariant broke.
    Moved,
}

/// Decides on a commit of generation `mine`.
#[must_use]
pub fn settle(mine: u64, found: Found) -> Settled {
    match found.generation {
        Some(newer) if newer > mine => Settled::Fenced { newer },
        Some(same) if same == mine => match (found.landed, found.unmoved) {
            (true, _) => Settled::Landed,
            (false, true) => Settled::Again,
            (false, false) => Settled::Moved,
        },
        Some(_) | None => Settled::Moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_generation_stops_whoever_opens() {
        assert_eq!(opening(3, None), Opening::Fence);
        assert_eq!(opening(3, Some(2)), Opening::Fence);
        assert_eq!(opening(3, Some(3)), Opening::Fence);
        assert_eq!(opening(3, Some(4)), Opening::Fenced { newer: 4 });
    }

    #[test]
    fn a_newer_generation_counts_before_anything_else() {
        for (landed, unmoved) in [(true, true), (true, false), (false, true), (false, false)] {
            let found = Found {
                generation: Some(4),
                landed,
                unmoved,
            };
            assert_eq!(settle(3, found), Settled::Fenced { newer: 4 });
        }
    }

    #[test]
    fn a_commit_is_repeated_only_from_its_own_base() {
        let found = |landed, unmoved| Found {
            generation: Some(3),
            landed,
            unmoved,
        };
        assert_eq!(settle(3, found(true, false)), Settled::Landed);
        assert_eq!(settle(3, found(false, true)), Settled::Again);
        assert_eq!(settle(3, found(false, false)), Settled::Moved);
    }

    #[test]
    fn a_table_without_its_fence_is_not_written() {
        for generation in [None, Some(2)] {
            let found = Found {
                generation,
                landed: false,
                unmoved: true,
            };
            assert_eq!(settle(3, found), Settled::Moved);
        }
    }
}
