//! Builds the library that stands between a job and its operating system.

use std::env;
use std::path::PathBuf;

fn main() {
    let source = "src/shim/shim.c";
    println!("cargo::rerun-if-changed={source}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("libshim.so");
    let status = cc::Build::new()
        .get_compiler()
        .to_command()
        .args([
            "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o",
        ])
        .arg(&out)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status()
        .expect("start the C compiler");
    assert!(status.success(), "the C compiler ended with {status}");
}
