//! The published odds tables: loaded, checked, content-hashed.
