//! Delta tables: sealed epochs in, acknowledged epochs out.
