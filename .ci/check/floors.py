"""Proves the floors of `.ci/floors.toml` with `cargo tree` and a look at the sources."""

import tomllib

from workspace import ROOT, TOKEN, cargo, code, finish, members, sources


def under(package: str) -> set[str]:
    """Names of all packages that a package is built on, itself left out."""
    tree = cargo("tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}")
    return {line.split()[0] for line in tree.splitlines() if line.strip()} - {package}


TEST = "#[cfg(test)]"


def without_tests(text: str) -> str:
    """Code without the items and statements that are compiled for tests only."""
    kept, at = [], 0
    while (start := text.find(TEST, at)) >= 0:
        kept.append(text[at:start])
        at = end_of_item(text, start + len(TEST))
    return "".join(kept) + text[at:]


def end_of_item(text: str, start: int) -> int:
    """Where an item ends: behind its own block or semicolon, or before the end of the block that it stands in."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        mark = token["mark"]
        if mark in ("(", "[", "{"):
            depth += 1
        elif mark in (")", "]", "}"):
            depth -= 1
        if depth < 0:
            return token.start()
        if depth == 0 and mark in ("}", ";"):
            return token.end()
    return len(text)


def is_test(file) -> bool:
    return "tests" in file.parts or file.name == "tests.rs"


def main() -> None:
    faults = []
    listed = {entry["path"]: entry for entry in tomllib.loads((ROOT / ".ci/floors.toml").read_text())["crate"]}
    packages = members()
    faults += [f"{path} is not in floors.toml" for path in packages.keys() - listed.keys()]
    apart = listed.keys() - packages.keys()
    faults += [f"floors.toml lists {path}, which is no crate" for path in apart if not (ROOT / path / "Cargo.toml").exists()]
    floor = {packages[path]["name"]: entry["floor"] for path, entry in listed.items() if path in packages}

    for path, entry in listed.items():
        if path not in packages:
            continue
        name = packages[path]["name"]
        below = under(name)
        direct = {dependency["name"] for dependency in packages[path]["dependencies"] if dependency["kind"] is None}
        for other in sorted(below & floor.keys()):
            if floor[other] > floor[name]:
                faults.append(f"{path} (floor {floor[name]}) stands on {other} (floor {floor[other]})")
        faults += [f"{path} must not know {crate}" for crate in entry.get("crates", []) if crate in below]
        faults += [f"{path} must not use {crate} itself" for crate in entry.get("direct", []) if crate in direct]
        for file in sources(path, "src"):
            if is_test(file):
                continue
            text = without_tests(code(file))
            faults += [f"{file.relative_to(ROOT)} must not use {word}" for word in entry.get("words", []) if word in text]
        print(f"floor {entry['floor']}  {path}: {len(below)} packages under it")

    finish("floors", faults)


main()
