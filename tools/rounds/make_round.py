"""Make ``schemas/rounds/<round>.json`` from reference facts of a round and our own supplement.

    python tools/rounds/make_round.py FACTS.json tools/rounds/supplement/v4.1.json schemas/rounds/v4.1.json

FACTS is a ``mlcheck-round/1`` document (constants of one round of the official checker as plain data). The
supplement says what the facts on power leave out, how the official checker of an early round reads a tree, and,
for rounds that the harness runs, which LoadGen serves the round and which settings it brings; a round without is
judged, but not run. Where the table that was used for publication is a later one, ``published_with`` of the
supplement names the revision and which of its changes count. Integers stay integers on the whole way: three seeds
of a round do not fit a double. The output is sorted by nothing and changed by nothing but what this file does, so
that running the tool twice gives the same bytes.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

WANTED = (
    "source", "divisions", "availability", "system_types", "scenario_aliases", "layout", "files", "limits",
    "system_fields", "measurement_fields", "seeds", "ignored_loadgen_errors", "early_stopping_scenarios",
    "model_aliases", "power_units", "power", "benchmarks",
)  # fmt: skip
MERGED = ("power", "endpoints")
"""Parts of the facts that the supplement adds names to."""
OPTIONAL = (
    "later_revisions", "endpoints", "enforcement", "log_format", "performance_runs", "multistream",
    "availability_aliases", "accuracy_patterns_metrics", "csv_columns", "loadgen_conf",
)  # fmt: skip


def make_round(facts: dict[str, Any], supplement: dict[str, Any]) -> dict[str, Any]:
    """One round as the document ``edgewatt/round/1``; ValueError when the two inputs do not fit."""
    if facts.get("schema") != "mlcheck-round/1":
        raise ValueError(f"found schema {facts.get('schema')!r}, wanted 'mlcheck-round/1'")
    if facts["round"] != supplement["round"]:
        raise ValueError(f"facts are of {facts['round']}, the supplement is of {supplement['round']}")
    missing = [key for key in WANTED if key not in facts]
    if missing:
        raise ValueError(f"the facts lack {', '.join(missing)}")
    facts = as_published(facts, supplement.get("published_with"))
    if "loadgen" in supplement:
        listed = {name for name, row in facts["benchmarks"].items() if row["listed"]}
        unnamed = sorted(listed - set(supplement["loadgen"]["models"]))
        if unnamed:
            raise ValueError(f"the supplement names no LoadGen model for {', '.join(unnamed)}")
        _seeds_agree(facts["seeds"], supplement["loadgen"]["conf"])
    document: dict[str, Any] = {"schema": "edgewatt/round/1", "round": facts["round"]}
    document |= {key: facts[key] for key in WANTED}
    document |= {key: facts[key] for key in OPTIONAL if key in facts}
    for key in MERGED:
        if key in facts:
            document[key] = {**(facts[key] or {}), **supplement.get(key, {})}
    document |= {key: supplement[key] for key in supplement if key not in ("round", *MERGED)}
    return document


def as_published(facts: dict[str, Any], later: dict[str, Any] | None) -> dict[str, Any]:
    """The facts with those changes of a later revision that ``later`` names, and with its own changes."""
    if later is None:
        return facts
    changed = copy.deepcopy(facts)
    revisions = {r["revision"]: r["changes"] for r in facts.get("later_revisions", [])}
    if later["revision"] not in revisions:
        raise ValueError(f"the facts tell of no later revision {later['revision']}")
    for pattern in later["paths"]:
        chosen = [c for c in revisions[later["revision"]] if fnmatchcase(c["path"], pattern)]
        if not chosen:
            raise ValueError(f"revision {later['revision']} changes nothing at {pattern}")
        for change in chosen:
            _change(changed, change)
    for change in later.get("changes", []):
        _change(changed, change)
    return changed


def _change(document: dict[str, Any], change: dict[str, Any]) -> None:
    *above, last = (p.replace("~1", "/").replace("~0", "~") for p in change["path"].split("/")[1:])
    at = document
    for name in above:
        at = at[name]
    if change["op"] == "remove":
        del at[last]
    else:
        at[last] = change["value"]


def _seeds_agree(seeds: dict[str, Any], conf: dict[str, Any]) -> None:
    for name, value in seeds["default"].items():
        if conf.get(f"*.*.{name}") != value:
            raise ValueError(f"{name}: the checker wants {value}, LoadGen brings {conf.get(f'*.*.{name}')}")


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("facts", type=Path)
    parser.add_argument("supplement", type=Path)
    parser.add_argument("output", type=Path)
    args = parser.parse_args(argv)
    try:
        document = make_round(
            json.loads(args.facts.read_text(encoding="utf-8")),
            json.loads(args.supplement.read_text(encoding="utf-8")),
        )
    except (OSError, ValueError, KeyError) as error:
        print(f"make_round: {error}", file=sys.stderr)
        return 2
    args.output.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
