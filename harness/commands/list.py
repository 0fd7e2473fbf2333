"""List the benchmarks, their scenarios, what each needs and what is installed."""

from __future__ import annotations

import argparse
import json
from typing import Any

from harness import extras, registry, retired
from harness.benchmarks.base import Benchmark, Contract, traits
from harness.computing import SHORT
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
        _print_benchmark(row, args.system_type)
    for runtime in document["runtimes"]:
        _print_runtime(runtime)
    for package in document["packages"]:
        wanted = f", the round wants {package['wanted']}" if package["wanted"] else ""
        print(f"{package['name']}: {package['installed'] or 'not installed'}{wanted}")
    missing = document["missing_packages"]
    print(
        f"not installed: {', '.join(missing)} (pip install 'edgewatt[harness]')"
        if missing
        else "what every benchmark needs is installed"
    )
    return 0


def _print_benchmark(row: dict[str, Any], system_type: str) -> None:
    print(f"{row['name']}: {row['help']}")
    if not row["scenarios"]:
        print(f"  no scenario on {system_type} systems (--system-type)")
    for scenario in row["scenarios"]:
        need = "required" if scenario["required"] else "optional"
        state = "" if scenario["runs_here"] else ", not run by this version"
        print(f"  {scenario['name']} ({need}{state})")
    needs = row["needs"]
    print(f"  needs --model: {', '.join(needs['model'])}")
    print(f"  needs --dataset: {needs['dataset']} ({needs['samples']} samples)")
    print(f"  or both made up: mlharness make-fixture {row['name']} DIR")
    print(f"  runs with {' or '.join(row['runtimes']) or 'every backend that opens its model'}")
    if row["not_installed"]:
        cure = extras.cure(row["not_installed"])
        print(f"  not installed: {', '.join(row['not_installed'])} ({cure})")
    print(f"  compliance tests outside the open division: {', '.join(row['compliance_tests']) or 'none'}")


def _print_runtime(row: dict[str, Any]) -> None:
    missing = row["not_installed"]
    state = f", not installed: {', '.join(missing)}" if missing else ""
    source = f", from {row['from']}" if row["from"] else ""
    print(f"backend {row['name']}{source}{state}")
    for key, meaning in row["options"].items():
        option = f"--{key} NAME" if key in SHORT else f"--option {key}=…"
        print(f"  {option}: {meaning}")
    if row["fault"]:
        print(f"  {row['fault']}")


def _runtime(name: str) -> dict[str, Any]:
    """A runtime with its options; one of another distribution may be broken, which is told and no more."""
    found: dict[str, Any] = {"name": name, "from": None, "options": {}, "not_installed": [], "fault": None}
    for distribution, version in registry.distribution_of(name).items():
        found["from"] = f"{distribution} {version}"
    try:
        found["options"] = dict(getattr(registry.backend(name), "options", {}))
        absent = [m for m in registry.needs_of(name) if not extras.is_there(m)]
    except UserError as error:
        found["fault"] = str(error)
    else:
        found["not_installed"] = [extras.distribution(m) for m in absent]
    return found


def describe(round_: Round, system_type: str = DEFAULT) -> dict[str, Any]:
    """The list as a document ``edgewatt/benchmarks/1``."""
    known = [b for b in registry.benchmarks().values() if round_listed(round_, b)]
    return {
        "schema": SCHEMA,
        "round": round_.name,
        "benchmarks": [_benchmark(round_, b, system_type) for b in known],
        "backends": registry.backend_names(),
        "runtimes": [_runtime(name) for name in registry.backend_names()],
        "packages": _packages(round_),
        "missing_packages": list(extras.missing()),
    }


def _benchmark(round_: Round, bench: Benchmark, system_type: str) -> dict[str, Any]:
    official = round_listed(round_, bench)[0]
    rules = round_.benchmark(official)
    return {
        "name": bench.name,
        "official": official,
        "also": list(round_listed(round_, bench)[1:]),
        "help": bench.help,
        "scenarios": _scenarios(round_, bench, official, system_type),
        "needs": {
            **_form(bench),
            "samples": bench.full_set,
            "performance_sample_count": rules.performance_sample_count,
        },
        "compliance_tests": list(rules.compliance_tests) if retired.of(bench) is None else [],
        "runtimes": list(traits(bench).backends),
        "not_installed": _lacking(bench),
    }


def _lacking(bench: Benchmark) -> list[str]:
    """Distributions that a benchmark and its usual runtime need besides those of every run, and that are not there."""
    modules = dict.fromkeys((*bench.extra, *registry.needs_of(registry.backend_for(bench, None))))
    return [extras.distribution(m) for m in modules if m not in extras.PACKAGES and not extras.is_there(m)]


def round_listed(round_: Round, bench: Benchmark) -> tuple[str, ...]:
    """The names of a benchmark that a round lists; of a retired one those that it may stand for."""
    return tuple(name for name in retired.names(bench) if name in round_.benchmark_names)


def _form(bench: Benchmark) -> dict[str, Any]:
    """What model and data set must look like, as far as the benchmark says it."""
    if isinstance(bench, Contract) and not bench.tensors:
        return {"model": [traits(bench).model_about], "dataset": bench.dataset_form}
    if isinstance(bench, Contract):
        return {"model": [f"{t.kind} {t}" for t in bench.tensors], "dataset": bench.dataset_form}
    names = [*(f"input {n}" for n in bench.inputs), *(f"output {n}" for n in bench.outputs)]
    return {"model": names, "dataset": "the folder of the data set"}


def _packages(round_: Round) -> list[dict[str, str | None]]:
    """Every package of the extra: the version that is installed, and that of the round where it matters."""
    facts = round_.facts.get("loadgen") or {}
    wanted = {facts.get("package"): facts.get("version")}
    return [
        {"name": name, "installed": extras.version(name), "wanted": wanted.get(name)}
        for name in extras.PACKAGES.values()
    ]


def _scenarios(round_: Round, bench: Benchmark, official: str, system_type: str) -> list[dict[str, Any]]:
    """Those of the benchmark in the round; the open division, where retired ones run, requires none."""
    rules = round_.benchmark(official).scenarios(system_type)
    if rules is None:
        return []
    return [
        {
            "name": name,
            "required": name in rules.required and retired.of(bench) is None,
            "runs_here": name in BY_NAME,
        }
        for name in (*rules.required, *rules.optional)
    ]
