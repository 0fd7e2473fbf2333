"""Does to a valid tree what an example of ``mlcheck explain`` says, so that the words shown are words tried out.

An applier takes the tree and the text of the example. Names of the examples stand for those of the test trees:
Krai the submitter, rpi5 the system, resnet50 the benchmark.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.rounds import load_round
from tests.checker import trees, trees_v6
from tests.checker.trees import BENCHMARK, SUBMITTER, SYSTEM, TreeUnderTest
from tests.checker.trees_old import LABELS, OLD_ROUNDS, SPELLED, OldTree, build_old

Apply = Callable[[TreeUnderTest, str], None]

LOGGED = re.compile(r"([\w. ()/]+): ([^;]+)")
FIELD = re.compile(r'"(\w+)": (.+?)(?= under | in | beside |$)')
MORE_LABELS = {"result_samples_per_second": "Samples per second"}


def valid_tree(root: Path, name: str, **about: Any) -> TreeUnderTest:
    """The valid tree of any round, with power where the round knows it."""
    round_ = load_round(name)
    about.setdefault("power", bool(round_.facts["power"]))
    if name in OLD_ROUNDS:
        return build_old(root, name, **about)
    if round_.reading.get("first_line_marked"):
        return trees_v6.build(root, round_name=name, **about)
    return trees.build(root, round_name=name, **about)


def spelled_here(t: TreeUnderTest, text: str) -> str:
    """The text with the names of the tree, and without a remark in parentheses at its end."""
    plain = re.sub(r" \([^()]*\)$", "", text)
    return plain.replace("Krai", SUBMITTER).replace("rpi5", SYSTEM).replace(BENCHMARK, t.benchmark)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def logged(scenario: str = "offline", folder: str = "") -> Apply:
    """``key: value`` in the detail log (early rounds: the summary) of a run; ``no key`` takes it out."""

    def apply(t: TreeUnderTest, text: str) -> None:
        where = t.result(scenario) / folder if folder else t.run(scenario)
        text = spelled_here(t, text)
        if text.startswith("no "):
            changes: dict[str, Any] = {text.removeprefix("no "): None}
        else:
            changes = {key.strip(): _value(value) for key, value in LOGGED.findall(text)}
        assert changes, text
        for key, value in changes.items():
            change_log(t, where, key, value)

    return apply


def change_log(t: TreeUnderTest, where: Path, key: str, value: Any) -> None:
    """One value of a run, wherever the round keeps it."""
    if isinstance(t, OldTree) and t.in_summary:
        label = (LABELS | MORE_LABELS).get(key, key)
        shown = None if value is None else SPELLED.get(str(value), str(value))
        before = (where / "mlperf_log_summary.txt").read_text()
        assert value is None or f"{label} :" in before, label
        t.set_summary(where, label, shown)
    else:
        t.set_log(where, **{key.replace(".", "__"): value})


def errors_logged(find: Callable[[TreeUnderTest], Path]) -> Apply:
    """An entry with the metadata that the example shows."""

    def apply(t: TreeUnderTest, text: str) -> None:
        path = find(t) / "mlperf_log_detail.txt"
        metadata = json.loads("{" + text + "}")["metadata"] | {"is_warning": False}
        if isinstance(t, OldTree) and t.in_summary:
            kind = "ERROR" if metadata["is_error"] else "note"
            line = f'"pid": 1, "tid": 1, "ts": 9ns : {kind} : queries were lost'
        else:
            entry = {"key": "generic_message", "value": "queries", "time_ms": 1.0, "metadata": metadata}
            line = ":::MLLOG " + json.dumps(entry)
        path.write_text(path.read_text() + line + "\n")

    return apply


def fields(find: Callable[[TreeUnderTest], Path], inside: str = "") -> Apply:
    """``"key": value`` in a JSON file; ``no key`` takes it out. ``inside``: in an object of the file."""

    def apply(t: TreeUnderTest, text: str) -> None:
        path, text = find(t), spelled_here(t, text)
        document = json.loads(path.read_text())
        at = document[inside] if inside else document
        at = at[0] if isinstance(at, list) else at
        if text.startswith("no "):
            del at[text.removeprefix("no ")]
        else:
            found = FIELD.findall(text)
            assert found, text
            at |= {key: json.loads(value) for key, value in found}
        path.write_text(json.dumps(document))

    return apply


def system_json(t: TreeUnderTest) -> Path:
    """The system description."""
    return t.base / "systems" / f"{SYSTEM}.json"


def measurements_json(t: TreeUnderTest) -> Path:
    """The JSON file of the measurements of Offline."""
    return next(p for p in sorted(t.measurements("offline").glob("*.json")) if p.name != "edgewatt.json")


def session_json(name: str) -> Callable[[TreeUnderTest], Path]:
    """``client.json`` or ``server.json``."""
    return lambda t: t.power() / name


def lines(find: Callable[[TreeUnderTest], Path]) -> Apply:
    """The first line of the file that begins as the example does, replaced by it; ``no X`` takes lines out."""

    def apply(t: TreeUnderTest, text: str) -> None:
        path = find(t)
        rows = path.read_text().splitlines()
        text = re.sub(r" \([^()]*\)$", "", text).replace("…", "0" * 56)
        gone = text.removeprefix("no ").split(" ")[0]
        start = gone if text.startswith("no ") else re.split(r"[=:]", text, maxsplit=1)[0]
        at = [n for n, row in enumerate(rows) if start in row]
        assert at, f"{start!r} is in no line of {path}"
        indent = re.match(r"\s*", rows[at[0]])
        kept = [] if text.startswith("no ") else [(indent.group() if indent else "") + text]
        path.write_text("\n".join([*rows[: at[0]], *kept, *rows[at[0] + 1 :]]) + "\n")

    return apply


def holds(find: Callable[[TreeUnderTest], Path]) -> Apply:
    """The example, after the name of its file, is the whole text of the file."""

    def apply(t: TreeUnderTest, text: str) -> None:
        path = find(t)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.removeprefix(f"{path.name}: ") + "\n")

    return apply


def places(t: TreeUnderTest) -> list[Path]:
    """Where a path of an example may begin."""
    result = t.result("offline")
    run = [t.run(), t.run().parent] if t.run().is_dir() else []
    return [t.root, t.base, result, t.measurements("offline"), t.compliance("", "offline"),
            t.base / "systems", t.base / "code", *run, result.parent]  # fmt: skip


def _paths(t: TreeUnderTest, text: str) -> list[str]:
    return [x.strip() for x in re.split(r",| and | to ", spelled_here(t, text)) if x.strip()]


def paths(start: Callable[[TreeUnderTest], Path] = lambda t: t.root) -> Apply:
    """Files and directories: made where they are not there yet, and after ``no`` taken away."""

    def apply(t: TreeUnderTest, text: str) -> None:
        gone = text.startswith("no ")
        for name in _paths(t, text.removeprefix("no ")):
            there = [at / name for at in [start(t), *places(t)] if (at / name).exists()]
            if gone:
                assert there, f"{name} is nowhere in {t.root}"
                shutil.rmtree(there[0]) if there[0].is_dir() else there[0].unlink()
            elif not there:
                make(start(t) / name, directory=name.endswith("/"))

    return apply


def make(path: Path, *, directory: bool = False) -> None:
    """A file with something in it, or a directory with such a file."""
    file = path / "notes.md" if directory else path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("something\n")


def moved(find: Callable[[TreeUnderTest], Path], start: Callable[[TreeUnderTest], Path]) -> Apply:
    """A file or directory under the name that the example shows."""

    def apply(t: TreeUnderTest, text: str) -> None:
        target = start(t) / spelled_here(t, text).rstrip("/")
        if find(t) != target:
            find(t).rename(target)

    return apply


def sized(find: Callable[[TreeUnderTest], Path]) -> Apply:
    """A file of as many bytes as the example says."""

    def apply(t: TreeUnderTest, text: str) -> None:
        match = re.search(r"(\d+) (bytes|MB|kB)", text)
        assert match, text
        size = int(match[1]) * {"bytes": 1, "kB": 1000, "MB": 1_000_000}[match[2]]
        path = find(t)
        path.write_bytes(b"a" * min(size, 8192))
        with path.open("ab") as file:
            file.truncate(size)

    return apply


def told(bad: str, edit: Callable[[TreeUnderTest], object]) -> Apply:
    """A bad example that only words can show: they must be these, and the edit does what they say."""

    def apply(t: TreeUnderTest, text: str) -> None:
        if text == bad:
            edit(t)

    apply.__dict__["bad"] = bad
    return apply
