"""Checks the image and compose files as far as it goes without a Docker engine.

Dockerfile: known instructions, stages that exist, copied files that are not left out, exec-form entry point, a last
stage that is slim and not root. Compose: names that are used are declared, mounted files exist, only local ports.
Command: a subcommand that the binary has, over a file that is mounted. Job file: its keys are settings that exist, with
values of the same kind; its metrics, folder, broker and Redis are what compose gives. (`docker-compose config`, which `run` calls
beside this, holds the compose file against its schema.)
"""

import json
import re
import tomllib

import yaml

from workspace import ROOT, finish

INSTRUCTIONS = set(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split()
)


def instructions(text: str) -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple((line.strip() + " ").split(" ", 1)) for line in joined.splitlines() if line.strip()]


def dockerfile() -> list[str]:
    faults, stages, last = [], [], {}
    found = instructions((ROOT / "docker/Dockerfile").read_text())
    if not found or found[0][0] != "FROM":
        faults.append("Dockerfile: the first instruction is not FROM")
    for name, arguments in found:
        words = arguments.split()
        if name not in INSTRUCTIONS:
            faults.append(f"Dockerfile: unknown instruction {name}")
        elif not words:
            faults.append(f"Dockerfile: {name} has no arguments")
        elif name == "FROM":
            stages.append(words[2] if len(words) == 3 and words[1].upper() == "AS" else "")
            last = {"FROM": words[0]}
            if ":" not in words[0]:
                faults.append(f"Dockerfile: {words[0]} has no version")
        elif name == "COPY":
            source = [word for word in words if not word.startswith("--")][:-1]
            stage = [word.removeprefix("--from=") for word in words if word.startswith("--from=")]
            if stage and stage[0] not in stages[:-1]:
                faults.append(f"Dockerfile: COPY from {stage[0]}, which is no earlier stage")
            faults += [f"Dockerfile: {path} does not exist" for path in source if not stage and not (ROOT / path).exists()]
        elif name in ("ENTRYPOINT", "CMD", "USER"):
            last[name] = arguments.strip()
    for name in ("ENTRYPOINT", "CMD"):
        try:
            json.loads(last.get(name, "missing"))
        except ValueError:
            faults.append(f"Dockerfile: {name} is not in exec form")
    if last.get("USER", "root").split(":")[0] in ("root", "0"):
        faults.append("Dockerfile: the last stage runs as root")
    if len(stages) < 2 or "slim" not in last.get("FROM", ""):
        faults.append("Dockerfile: the last stage is not a slim one of several")
    return faults


def compose() -> list[str]:
    faults = []
    file = yaml.safe_load((ROOT / "docker/compose.yml").read_text())
    services, volumes = file["services"], file.get("volumes") or {}
    for name, service in services.items():
        if "image" not in service and "build" not in service:
            faults.append(f"compose: {name} has neither image nor build")
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                faults.append(f"compose: {name} depends on {other}, which does not exist")
            elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                faults.append(f"compose: {name} waits for the health of {other}, which has no check")
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                if not (ROOT / "docker" / source).exists():
                    faults.append(f"compose: {name} mounts {source}, which does not exist")
            elif source not in volumes:
                faults.append(f"compose: {name} uses volume {source}, which is not declared")
        faults += [
            f"compose: {name} opens {port} to the network"
            for port in service.get("ports", [])
            if not str(port).startswith("127.0.0.1:")
        ]
        if "build" in service:
            context = ROOT / "docker" / service["build"]["context"]
            if not (context / service["build"]["dockerfile"]).exists():
                faults.append(f"compose: {name} builds from a Dockerfile that does not exist")
    return faults


def command() -> list[str]:
    """What the job's container runs."""
    service = yaml.safe_load((ROOT / "docker/compose.yml").read_text())["services"]["mesoflow"]
    name, *arguments = service["command"]
    main = (ROOT / "pipelines/mesoflow/src/main.rs").read_text()
    known = {variant.lower() for variant in re.findall(r"^    (\w+)\(command::", main, re.MULTILINE)}
    mounted = {mount.split(":")[1] for mount in service["volumes"]}
    faults = [] if name in known else [f"compose: mesoflow has no command {name}"]
    return faults + [f"compose: {path} is not mounted" for path in arguments if path.startswith("/") and path not in mounted]


def unknown_settings(given: dict, defaults: dict, prefix: str = "") -> list[str]:
    """Settings that the defaults do not have, or have with another kind of value."""
    faults = []
    for key, value in given.items():
        if key not in defaults or type(value) is not type(defaults[key]):
            faults.append(f"job.toml: {prefix}{key} is no such setting")
        elif isinstance(value, dict):
            faults += unknown_settings(value, defaults[key], f"{prefix}{key}.")
    return faults


def job() -> list[str]:
    defaults = tomllib.loads((ROOT / "pipelines/runtime/default.toml").read_text())
    given = tomllib.loads((ROOT / "docker/job.toml").read_text())
    faults = unknown_settings(given, defaults)
    services = yaml.safe_load((ROOT / "docker/compose.yml").read_text())["services"]
    job = services["mesoflow"]
    for what, address in (("brokers", given["source"]["brokers"]), ("url", given["views"]["url"].removeprefix("redis://"))):
        if address.split(":")[0] not in services:
            faults.append(f"job.toml: {what} {address} is no service of compose.yml")
    port = given["metrics"].rsplit(":", 1)[1]
    if not any(str(opened).endswith(f":{port}") for opened in job["ports"]):
        faults.append(f"job.toml: the port of the metrics, {port}, is not opened by compose.yml")
    kept = [mount.split(":")[1] for mount in job["volumes"] if not mount.startswith(".")]
    if not any(given["folder"].startswith(f"{folder}/") for folder in kept):
        faults.append(f"job.toml: folder {given['folder']} is not in a volume")
    return faults


finish("docker files", dockerfile() + compose() + command() + job())
