mod brute_force;
mod keys;
mod totals;
