//! Whole jobs over real services: Kafka and Redis, started by the test command.

mod answer;
mod breakdown;
mod end_to_end;
mod memo;
mod relay;
mod rows;
mod rules;
mod scrub;
mod scrub_tables;
mod topics;
mod view_store;
mod world;
