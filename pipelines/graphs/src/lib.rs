//! One file a question: the dataflow graphs.
