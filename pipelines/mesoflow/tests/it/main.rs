//! The program as its users run it: exit codes, JSON, messages.

mod after_a_job;
mod blocked;
mod crash;
mod deleted;
mod doctor;
mod doctor_services;
mod explain;
mod generate;
mod get;
mod history;
mod kafka;
mod live;
mod process;
mod rejected;
mod replays;
mod scene;
mod scrub;
mod secured;
mod services;
mod status;
mod support;
mod switch;
mod tables;
mod usage;
mod value;
mod whole;
