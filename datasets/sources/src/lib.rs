//! Where records come from: Kafka, files, the generator.
