//! The corpus of the fuzz target: made of golden messages, and run here with mutations.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::admit::admit;
use crate::messages::{complete, golden, input};

const FOLDER: &str = "datasets/model/fuzz/corpus/admission";
const FILES_MAX: usize = 60;

/// The files of the corpus by name. Written anew if `MODEL_WRITE` is set.
fn files() -> BTreeMap<String, Vec<u8>> {
    let messages = complete().into_iter().chain(golden()).take(FILES_MAX);
    let name = |index, topic: model::Topic| format!("{index:02}-{}", topic.name());
    messages
        .enumerate()
        .map(|(index, (topic, text))| (name(index, topic), input(topic, text.as_bytes())))
        .collect()
}

fn folder() -> PathBuf {
    crate::repository(FOLDER)
}

#[test]
fn the_corpus_is_made_of_golden_messages() {
    let files = files();
    if std::env::var_os("MODEL_WRITE").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for (name, bytes) in &files {
            std::fs::write(folder().join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in &files {
        let found = std::fs::read(folder().join(name)).expect(name);
        assert!(
            found == *bytes,
            "{name} differs; MODEL_WRITE=1 writes it anew"
        );
    }
}

#[test]
fn every_file_of_the_corpus_is_an_event_or_a_rejection() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        admit(&bytes);
        // As current documents, and cut short anywhere.
        let mut current = bytes.clone();
        current[0] |= 0b100;
        admit(&current);
        for end in 0..bytes.len() {
            admit(&bytes[..end]);
        }
        count += 1;
    }
    assert!(count >= 40, "{count}");
}
