//! Runs a graph: ingress, workers, egress, recovery, accounting.
