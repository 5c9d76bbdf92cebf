//! All failpoints, in the order in which a job comes to them.

use crate::Failpoint;

macro_rules! points {
    ($($constant:ident = $make:ident($name:literal, $about:literal);)*) => {
        $(
            #[doc = $about]
            pub static $constant: Failpoint = Failpoint::$make($name, $about);
        )*

        /// All of them.
        pub static ALL: &[&Failpoint] = &[$(&$constant),*];
    };
}

points! {
    GENERATION_MADE = starting("generation.made", "the file of the generation is there, empty and not synced");
    GENERATION_TAKEN = starting("generation.taken", "the generation is taken and durable; nothing is fenced");
    FENCE_PUT = new("fence.put", "a table's fence is committed; other tables may have none");
    FENCED = starting("fenced", "all tables are fenced; the logs of older generations are not read");
    CLAIMED = starting("claimed", "the view store is claimed; there is no log of the generation");
    LOG_WRITTEN = new("log.written", "header and inherited bindings are synced under a temporary name");
    LOG_RENAMED = new("log.renamed", "the log has its name; the folder is not synced");
    LOG_BEGUN = starting("log.begun", "the log is durable; older ones are still there");
    LOADED = starting("loaded", "state is loaded from the input tables; nothing is read again");
    REPLAYED = starting("replayed", "bound epochs are read again; no new one is minted");
    BINDING_WRITTEN = fallible("binding.written", "a binding is in the log, not synced");
    BINDING_SYNCED = new("binding.synced", "a binding is durable; the generation is not read again");
    RELEASED = new("released", "an epoch may be shown; nobody has it");
    DELIVERED = new("delivered", "an epoch is with workers and input tables");
    FILES_WRITTEN = fallible("files.written", "the files of a commit are written and synced; no commit names them");
    COMMIT_STAGED = fallible("commit.staged", "a commit is synced under a temporary name");
    COMMIT_PUT = new("commit.put", "a commit has its version; the folder is not synced");
    COMMIT_DONE = new("commit.done", "a commit is durable; nobody was told");
    SEALED_FIRST = new("sealed.first", "rejected, accounting and likes are sealed through a cut; the input tables are not");
    INPUTS_SEALED = new("inputs.sealed", "all input tables are sealed through a cut; the log may still be trimmed");
    LOG_TRIMMED = new("log.trimmed", "bindings that all have committed are dropped from the log");
    CALL_BUILT = new("call.built", "a call for the view store is complete; nothing is sent");
    CALL_ANSWERED = new("call.answered", "the view store has answered a call; nobody was told");
    PART_WRITTEN = new("part.written", "a part of a write of several calls is applied; others are not");
    REWRITE_BEGUN = new("rewrite.begun", "the marker says that the views are rewritten; no value is");
    REWRITE_LISTED = new("rewrite.listed", "keys are listed of which some are to be deleted");
    REWRITE_WRITTEN = new("rewrite.written", "all values are written, the others deleted; the marker says that the views are rewritten");
    COMPACTION_WRITTEN = fallible("compaction.written", "the files of a compaction are written; no commit names them");
    COMPACTION_DONE = new("compaction.done", "a compaction is committed; the files that it replaces are there");
    CHECKPOINT_WRITTEN = fallible("checkpoint.written", "a checkpoint of a table's log is written, not synced");
    CLEANING = new("cleaning", "some files that nobody needs are deleted, others are not");
    NOW_WRITTEN = fallible("now.written", "the files of a table of what stands now are written; no commit names them");
    RULES_SWITCHED = starting("rules.switched", "the epoch that begins under other rules is bound; nobody has it");
}

/// The point of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Failpoint> {
    ALL.iter().copied().find(|point| point.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        for (number, point) in ALL.iter().enumerate() {
            let others = &ALL[..number];
            assert!(others.iter().all(|other| other.name() != point.name()));
        }
    }
}
