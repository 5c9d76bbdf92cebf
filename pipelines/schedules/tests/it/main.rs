//! The commit protocol, checked: exhaustively in small worlds, by seeds in large ones, and with each protection taken out.

mod checked;
mod mutated;
mod seeds;
mod small;
