"""Seed twenty realistic faults into a copy of a valid submission, for trying out what a report is worth.

    python tools/seed_faults.py VALID-TREE NEW-TREE                    # make the broken copy; does not tell what it did
    mlcheck NEW-TREE                                                   # cure it from the report alone
    python tools/seed_faults.py VALID-TREE NEW-TREE --answers          # say what was done, and write nothing

The faults are those that people really make before a deadline: a file of the desktop, a field left out, a log of a
short run, a file of the power session that was opened in an editor. VALID-TREE is a closed submission of ResNet50 on
an edge system, of a round from v4.0 to v5.1, with power in SingleStream: ``mlharness demo`` makes one, and tests build
one (``tests/checker/trees.py``). The same tree gets the same faults each time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Tree:
    """The first system of a submission that measured power, by its folders."""

    def __init__(self, root: Path) -> None:
        """ValueError when there is none."""
        found = sorted(root.glob("closed/*/results/*/resnet50/[sS]ingle[sS]tream/performance/power"))
        if not found:
            raise ValueError(f"{root} holds no closed ResNet50 result with power in SingleStream")
        self.root, self.benchmark = root, found[0].parents[2]
        self.system = self.benchmark.parent.name
        self.submitter = self.benchmark.parents[2]
        self.names = {p.name.lower(): p.name for p in self.benchmark.iterdir() if p.is_dir()}
        missing = {"singlestream", "multistream", "offline"} - set(self.names)
        if missing:
            raise ValueError(f"{self.benchmark} lacks {', '.join(sorted(missing))}")

    def result(self, scenario: str, name: str = "") -> Path:
        """A file of a result."""
        return self.benchmark / self.names[scenario] / name

    def beside(self, part: str, scenario: str, name: str = "") -> Path:
        """A file of the measurements or of the compliance tests of a result."""
        return self.submitter / part / self.system / "resnet50" / self.names[scenario] / name

    def session(self, name: str) -> Path:
        """A file of the power session."""
        return self.result("singlestream", f"performance/power/{name}")

    def measured(self, scenario: str) -> Path:
        """The JSON file of the measurements."""
        return next(iter(sorted(self.beside("measurements", scenario).glob(f"{self.system}*.json"))))

    @property
    def description(self) -> Path:
        """The system description."""
        return self.submitter / "systems" / f"{self.system}.json"


def set_field(path: Path, key: str, value: Any) -> None:
    """A value of a JSON file; None takes the key out."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document[key] = value
    if value is None:
        del document[key]
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def set_logged(path: Path, key: str, value: Any) -> None:
    """A value of LoadGen's detail log."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        entry = json.loads(line.partition(" ")[2]) if line.startswith(":::MLLOG ") else {}
        if entry.get("key") == key:
            lines[at] = ":::MLLOG " + json.dumps(entry | {"value": value})
            break
    else:
        raise ValueError(f"{path} has no entry {key}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write(path: Path, text: str) -> None:
    """A file of this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def rewrite(path: Path, pattern: str, text: str) -> None:
    """What a pattern finds, replaced; ValueError when it finds nothing."""
    before = path.read_text(encoding="utf-8")
    after = re.sub(pattern, text, before, flags=re.MULTILINE)
    if before == after:
        raise ValueError(f"{path} has nothing like {pattern}")
    path.write_text(after, encoding="utf-8")


def whole_log(path: Path) -> None:
    """An accuracy log as LoadGen leaves it, with its own hash beside it."""
    text = "[" + "{},\n" * 6000 + "{}]"
    write(path, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    rewrite(path.with_name("accuracy.txt"), r"^hash=.*$", f"hash={digest}")


DETAIL = "performance/run_1/mlperf_log_detail.txt"


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done, the rule that must tell it, and how."""

    what: str
    rule: str
    do: Callable[[Tree], object]


FAULTS = (
    Fault("a file of the desktop in the code", "structure/hidden-names",
          lambda t: write(t.submitter / "code/resnet50/.DS_Store", "x")),
    Fault("a file name with a blank", "structure/space-names",
          lambda t: write(t.submitter / "code/resnet50/run notes.txt", "x\n")),
    Fault("a summary left in the root", "structure/root-files", lambda t: write(t.root / "summary.csv", "a,b\n")),
    Fault("a misspelt status", "system/status", lambda t: set_field(t.description, "status", "availble")),
    Fault("a field of the description left out", "system/required-fields",
          lambda t: set_field(t.description, "host_memory_capacity", None)),
    Fault("a number where a text must stand", "system/non-empty",
          lambda t: set_field(t.description, "accelerators_per_node", 0)),
    Fault("a field of the measurements left blank", "measurements/json-non-empty",
          lambda t: set_field(t.measured("multistream"), "retraining", "")),
    Fault("an empty README", "measurements/files-non-empty",
          lambda t: write(t.beside("measurements", "offline", "README.md"), "")),
    Fault("a forgotten user.conf", "measurements/files",
          lambda t: t.beside("measurements", "singlestream", "user.conf").unlink()),
    Fault("a run of one minute", "performance/min-duration",
          lambda t: set_logged(t.result("offline", DETAIL), "effective_min_duration_ms", 60_000)),
    Fault("a seed of another round", "performance/seeds",
          lambda t: set_logged(t.result("multistream", DETAIL), "effective_qsl_rng_seed", 10003631887983097364)),
    Fault("a run that LoadGen calls invalid", "performance/validity",
          lambda t: set_logged(t.result("multistream", DETAIL), "result_validity", "INVALID")),
    Fault("an accuracy below the target", "accuracy/target",
          lambda t: rewrite(t.result("singlestream", "accuracy/accuracy.txt"), r"^accuracy=[\d.]+", "accuracy=75.101")),
    Fault("no hash of the accuracy log", "accuracy/hash",
          lambda t: rewrite(t.result("offline", "accuracy/accuracy.txt"), r"^hash=.*\n?", "")),
    Fault("an accuracy log that was not truncated", "accuracy/log-truncated",
          lambda t: whole_log(t.result("multistream", "accuracy/mlperf_log_accuracy.json"))),
    Fault("a compliance test that failed", "compliance/perf-verdict",
          lambda t: write(t.beside("compliance", "offline", "TEST04/verify_performance.txt"), "TEST FAIL\n")),
    Fault("a compliance test left out", "compliance/test-dir",
          lambda t: shutil.rmtree(t.beside("compliance", "multistream", "TEST01"))),
    Fault("a power session of another run", "power/session-name",
          lambda t: set_field(t.session("client.json"), "session_name", "2024-07-01_10-00-00")),
    Fault("a power session in debug mode", "power/debug",
          lambda t: set_field(t.session("server.json"), "debug", True)),
    Fault("a power log that was edited", "power/results-hash",
          lambda t: rewrite(t.session("server.log"), r"\Z", "# looked at on Friday\n")),
)  # fmt: skip
"""The twenty, from all families of rules."""


def seed(root: Path) -> None:
    """Break a tree in place."""
    tree = Tree(root)
    for fault in FAULTS:
        fault.do(tree)


def answers() -> str:
    """What is done and which rule tells it."""
    rows = (f"{at:2}  {f.what:42} {f.rule}" for at, f in enumerate(FAULTS, start=1))
    return "\n".join(rows) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy and break, or tell."""
    about = (__doc__ or "").split("\n", 1)[0]
    parser = argparse.ArgumentParser(description=about, prog="seed_faults.py")
    parser.add_argument("valid", type=Path, metavar="VALID-TREE")
    parser.add_argument("new", type=Path, metavar="NEW-TREE")
    parser.add_argument("--answers", action="store_true", help="say what is done, and write nothing")
    args = parser.parse_args(arguments)
    if args.answers:
        sys.stdout.write(answers())
        return 0
    if args.new.exists():
        parser.error(f"{args.new} exists; name a folder that does not")
    try:
        Tree(args.valid)
        shutil.copytree(args.valid, args.new, symlinks=True)
        seed(args.new)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(
        f"{args.new} has {len(FAULTS)} faults that {args.valid} has not; cure it from the report of mlcheck"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
