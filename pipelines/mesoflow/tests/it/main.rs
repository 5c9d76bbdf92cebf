//! The program as its users run it: exit codes, JSON, messages.

mod after_a_job;
mod crash;
mod doctor;
mod doctor_services;
mod explain;
mod generate;
mod get;
mod support;
mod tables;
mod usage;
mod value;
