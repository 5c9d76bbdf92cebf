//! Differential operators and the building blocks of the graphs.
