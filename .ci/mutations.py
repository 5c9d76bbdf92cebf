#!/usr/bin/env python3
"""Takes a protection out of the real program, one at a time, and says which drill finds it and how soon.

    .ci/mutations.py [NAME...]

Works in a copy of the tree at HEAD, and needs what the drills need. A mutation that no drill finds is told as such, and
is a failure unless it is known as a second belt.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Name, file, what stands there, what stands there instead, drills with their arguments, whether something must find it.
MUTATIONS = [
    (
        "an epoch is shown before its binding is in the log",
        "pipelines/runtime/src/ingress/sealer.rs",
        "self.log.append(std::slice::from_ref(&binding))?;",
        "if self.late.len() > 3 { let late = std::mem::take(&mut self.late); self.log.append(&late)?; } "
        "self.late.push(binding.clone());",
        [["crash", "--rounds", "20"]],
        True,
    ),
    (
        "the offsets are not in the commit of the input table",
        "pipelines/runtime/src/egress/inputs.rs",
        "let positions: Vec<(String, i64)> = offsets.chain(last).collect();",
        "let positions: Vec<(String, i64)> = offsets.chain(last).filter(|_| false).collect();",
        [["crash", "--rounds", "5"]],
        True,
    ),
    (
        "no fence is put when a table is opened",
        "sinks/lake/src/table.rs",
        "table.fence()?;",
        "if table.position(\"generation\").is_none() { table.fence()?; }",
        [["rolling", "--rounds", "3"], ["crash", "--rounds", "5"]],
        True,
    ),
    (
        "the view store is not claimed",
        "sinks/views/src/decide.rs",
        "Some(marker) => Marker {\n            generation,\n            ..marker\n        },",
        "Some(marker) => marker,",
        [["rolling", "--rounds", "3"], ["redis", "--rounds", "2"], ["crash", "--rounds", "5"]],
        False,
    ),
]

# What a mutation needs beside its own replacement.
ALSO = {
    "an epoch is shown before its binding is in the log": [
        (
            "pipelines/runtime/src/ingress/sealer.rs",
            "    pub(crate) pending: Pending,\n}",
            "    pub(crate) pending: Pending,\n    pub(crate) late: Vec<Binding>,\n}",
        ),
        (
            "pipelines/runtime/src/job/reading.rs",
            "pending: Pending::default(),",
            "pending: Pending::default(), late: Vec::new(),",
        ),
    ],
}


def replace(tree: Path, file: str, old: str, new: str) -> None:
    path = tree / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{file}: {old!r} stands there {text.count(old)} times, not once: bring the mutation up to date")
    path.write_text(text.replace(old, new))


def build(tree: Path, target: Path) -> Path:
    for source in [*tree.rglob("*.rs"), *tree.rglob("Cargo.toml")]:
        source.touch()
    subprocess.run(
        ["cargo", "build", "--locked", "--quiet", "-p", "mesoflow", "--bin", "mesoflow"],
        cwd=tree,
        env=os.environ | {"CARGO_TARGET_DIR": str(target)},
        check=True,
    )
    return target / "debug" / "mesoflow"


def drilled(binary: Path, arguments: list[str]) -> tuple[str | None, float]:
    begun = time.monotonic()
    ran = subprocess.run(
        [str(binary), "drill", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begun
    if ran.returncode == 0:
        return None, seconds
    for verdict in json.loads(ran.stdout):
        if verdict["failure"]:
            first = verdict["failure"].splitlines()[0]
            before = sum(v["seconds"] for v in json.loads(ran.stdout) if v["seed"] <= verdict["seed"])
            return f"{verdict['drill']} --seed {verdict['seed']}: {first}", before
    return f"ended with {ran.returncode}: {ran.stderr[-400:]}", seconds


def main() -> None:
    wanted = sys.argv[1:]
    cache = Path(os.environ.get("MESOFLOW_CACHE", Path.home() / ".cache" / "mesoflow"))
    target = Path(os.environ.get("CARGO_TARGET_DIR", cache / "target"))
    missed = 0
    for name, file, old, new, drills, must in MUTATIONS:
        if wanted and not any(word in name for word in wanted):
            continue
        with tempfile.TemporaryDirectory(prefix="mesoflow-mutation-") as folder:
            tree = Path(folder) / "tree"
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tree)], check=True)
            for also in ALSO.get(name, []):
                replace(tree, *also)
            replace(tree, file, old, new)
            binary = Path(folder) / "mesoflow"
            shutil.copy2(build(tree, target), binary)
            found, took = None, 0.0
            for arguments in drills:
                found, seconds = drilled(binary, arguments)
                took += seconds
                if found:
                    break
        if found:
            print(f"{name}\n  found after {took:.0f} s by {found}", flush=True)
        else:
            tried = ", ".join(" ".join(arguments) for arguments in drills)
            print(f"{name}\n  not found in {took:.0f} s by {tried}", flush=True)
            missed += must
    # The next build of the tree itself must not take the mutated one for its own.
    for source in ROOT.rglob("*.rs"):
        source.touch()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
