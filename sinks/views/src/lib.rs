//! Views for readers: Redis and an embedded store behind one trait, with a fence.
