"""List the benchmarks, their scenarios, what each needs and what is installed."""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness import extras, registry
from harness.scenarios import BY_NAME
from harness.system_types import DEFAULT
from schemas.errors import UserError
from schemas.rounds import Round, load_round

NAME = "list"
HELP = "benchmarks, scenarios, what each needs, what is installed"
SCHEMA = "edgewatt/benchmarks/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Round and form."""
    parser.add_argument("--round", default="v4.1", metavar="R")
    parser.add_argument("--system-type", default=DEFAULT, metavar="TYPE", help="edge (default), datacenter …")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    round_ = load_round(args.round)
    if args.system_type not in round_.facts["system_types"]:
        raise UserError(registry.unknown("system type", args.system_type, round_.facts["system_types"]))
    document = describe(round_, args.system_type)
    if args.json:
        print(json.dumps(document, indent=2))
        return 0
    for row in document["benchmarks"]:
        print(f"{row['name']}: {row['help']}")
        for scenario in row["scenarios"]:
            need = "required" if scenario["required"] else "optional"
            state = "" if scenario["runs_here"] else ", not run by this version"
            print(f"  {scenario['name']} ({need}{state})")
        print(f"  needs --model and --dataset, or: mlharness make-fixture {row['name']} DIR")
    missing = document["missing_packages"]
    print(f"backends: {', '.join(document['backends'])}")
    print(
        f"not installed: {', '.join(missing)} (pip install 'edgewatt[harness]')"
        if missing
        else "all installed"
    )
    return 0


def describe(round_: Round, system_type: str = DEFAULT) -> dict[str, Any]:
    """The list as a document ``edgewatt/benchmarks/1``."""
    known = [b for b in registry.benchmarks().values() if b.official in round_.benchmark_names]
    return {
        "schema": SCHEMA,
        "round": round_.name,
        "benchmarks": [
            {
                "name": b.name,
                "official": b.official,
                "help": b.help,
                "scenarios": _scenarios(round_, b.official, system_type),
            }
            for b in known
        ],
        "backends": registry.backend_names(),
        "missing_packages": list(extras.missing()),
    }


def _scenarios(round_: Round, official: str, system_type: str) -> list[dict[str, Any]]:
    rules = round_.benchmark(official).scenarios(system_type)
    if rules is None:
        return []
    return [
        {"name": name, "required": name in rules.required, "runs_here": name in BY_NAME}
        for name in (*rules.required, *rules.optional)
    ]
