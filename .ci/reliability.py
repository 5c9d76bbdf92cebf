#!/usr/bin/env python3
"""Writes the verdicts of drills into docs/reliability.md: `mesoflow drill all schedules --json | .ci/reliability.py`."""

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
START, END = "<!-- results: start -->\n", "<!-- results: end -->\n"


def listed(entries: dict[str, float]) -> str:
    return "; ".join(f"{what} {value:,.3g}" if isinstance(value, float) else f"{what} {value:,}" for what, value in entries.items())


def main() -> None:
    verdicts = json.load(sys.stdin)
    failed = [verdict for verdict in verdicts if verdict["failure"]]
    if failed:
        sys.exit(f"{failed[0]['drill']} failed: {failed[0]['failure']}")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {platform.machine()}. "
        "In all of them: 0 lost, 0 doubled, 0 backwards, residual 0.\n",
        "\n",
        "| drill | seed | injected, as counted by the injector | compared | figures | s |\n",
        "|---|---|---|---|---|---|\n",
    ]
    for verdict in verdicts:
        lines.append(
            f"| `{verdict['drill']}` | {verdict['seed']} | {listed(verdict['injected'])} | {listed(verdict['compared'])} "
            f"| {listed(verdict['figures'])} | {verdict['seconds']:.0f} |\n"
        )
    text = PAGE.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    PAGE.write_text(before + START + "".join(lines) + END + after)


if __name__ == "__main__":
    main()
