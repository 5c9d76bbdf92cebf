"""Reads the workspace for the checks beside this file."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What a look at Rust sources must not take apart (comments, strings, characters), and what opens, closes and ends.
TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
    | r(?P<fence>\#*)".*?"(?P=fence) | "(?:\\.|[^"\\])*" | '(?:\\[^']+|\\'|[^'\\])'
    | (?P<mark> [][(){};] )
    """,
    re.DOTALL | re.VERBOSE,
)


def cargo(*arguments: str) -> str:
    """The output of a cargo command; a failing command ends the check."""
    done = subprocess.run(["cargo", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"cargo {' '.join(arguments)} failed")
    return done.stdout


def members() -> dict[str, dict]:
    """Path in the workspace → the package's metadata."""
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version", "1"))
    return {str(Path(package["manifest_path"]).parent.relative_to(ROOT)): package for package in metadata["packages"]}


def sources(package_path: str, *folders: str) -> list[Path]:
    """The Rust files of a package in the folders given."""
    return sorted(file for folder in folders for file in (ROOT / package_path / folder).rglob("*.rs"))


def code(file: Path) -> str:
    """A file's text without comments."""
    text = file.read_text(encoding="utf-8")
    return TOKEN.sub(lambda token: "" if token["comment"] else token[0], text)


def finish(what: str, faults: list[str]) -> None:
    """Prints what was found and ends the process."""
    for fault in faults:
        print(f"!! {fault}")
    print(f"{what}: {'failed, ' + str(len(faults)) + ' to mend' if faults else 'fine'}")
    sys.exit(1 if faults else 0)
