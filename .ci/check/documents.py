"""Finds links and paths in the documents that lead nowhere."""

import re

from workspace import ROOT, finish

TOP = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".git", "target", "mesoflow-data"}


def documents() -> list:
    """All but the plan, which names what is still to come."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(path for path in found if path.name != "plan.md")


def main() -> None:
    faults, seen = [], 0
    for document in documents():
        text = document.read_text(encoding="utf-8")
        name = document.relative_to(ROOT)
        for link in re.findall(r"\]\(([^)#\s]*)[^)]*\)", text):
            if link and "://" not in link:
                seen += 1
                if not (document.parent / link).exists():
                    faults.append(f"{name}: link to {link}")
        for path in re.findall(r"`(?:\./)?([\w.][\w./-]*/[\w./-]*)`", text):
            if path.split("/")[0] in TOP:
                seen += 1
                if not (ROOT / path).exists():
                    faults.append(f"{name}: path {path}")
    print(f"{seen} links and paths")
    finish("documents", faults)


main()
