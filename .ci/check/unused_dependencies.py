"""Finds dependencies that a crate declares and does not name, and workspace entries that no crate uses."""

import re
import tomllib

from workspace import ROOT, code, finish, members, sources


def names(text: str, crate: str) -> bool:
    """Whether a crate is used: a path that begins with it, an import of it, or serde's attribute."""
    name = re.escape(crate.replace("-", "_"))
    # A module of that name inside another crate is none: `other::name::`.
    return re.search(rf"(?<![\w>]::)\b{name}\s*(::|;| as )|#\[{name}\(", text) is not None


def main() -> None:
    faults = []
    used_anywhere = set()
    for path, package in members().items():
        library = "\n".join(map(code, sources(path, "src")))
        # Documentation examples are tests of the crate, so comments count there.
        everything = "\n".join(
            file.read_text(encoding="utf-8") for file in sources(path, "src", "tests", "examples", "benches")
        )
        for dependency in package["dependencies"]:
            name = dependency["rename"] or dependency["name"]
            used_anywhere.add(dependency["name"])
            if dependency["kind"] is None and not names(library, name):
                faults.append(f"{path}: {name} is not used by the library or binary")
            if dependency["kind"] == "dev" and not names(everything, name):
                faults.append(f"{path}: {name} is not used by any test or example")
    declared = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["dependencies"]
    for name in sorted(declared.keys() - used_anywhere):
        faults.append(f"Cargo.toml: no crate uses {name}")
    finish("unused dependencies", faults)


main()
