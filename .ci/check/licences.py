"""Compares the licence of every package in the lock file with the allow-list of `.ci/licences.toml`."""

import json
import re
import tomllib

from workspace import ROOT, cargo, finish


def holds(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met by allowed licences alone; `/` is an old way to write `OR`."""
    words = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    words = ["OR" if word == "/" else word for word in words]
    position = 0

    def take() -> str:
        nonlocal position
        position += 1
        return words[position - 1]

    def peek() -> str | None:
        return words[position] if position < len(words) else None

    def one() -> bool:
        word = take()
        if word == "(":
            inner = either()
            if take() != ")":
                raise ValueError(expression)
            return inner
        if peek() == "WITH":
            take()
            word = f"{word} WITH {take()}"
        return word in allowed

    def both() -> bool:
        value = one()
        while peek() == "AND":
            take()
            right = one()
            value = value and right
        return value

    def either() -> bool:
        value = both()
        while peek() == "OR":
            take()
            right = both()
            value = value or right
        return value

    value = either()
    if peek() is not None:
        raise ValueError(expression)
    return value


def main() -> None:
    rules = tomllib.loads((ROOT / ".ci/licences.toml").read_text())
    allowed, stated = set(rules["allowed"]), rules["stated"]
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    faults = []
    for package in packages:
        licence = package["license"] or stated.get(package["name"])
        if licence is None:
            faults.append(f"{package['name']} {package['version']} names no licence")
        elif not holds(licence, allowed):
            faults.append(f"{package['name']} {package['version']} is under {licence}")
    print(f"{len(packages)} packages")
    finish("licences", faults)


main()
