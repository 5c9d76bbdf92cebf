//! Sources from outside: files on a disk, a real broker, and the generator between both.

mod files;
mod generator;
mod kafka;
mod reading;
mod secrets;
