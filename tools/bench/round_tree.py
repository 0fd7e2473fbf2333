"""Make a tree as large as a published round: real submissions repeated under other submitters' names.

    python tools/bench/round_tree.py CORPUS/v4.1 TREE

Every copy has its own submitter name and its own days: dates and epoch times in logs are moved by whole days, and
the checksums that the power session files keep are written anew, so that a copy is as valid as its original and
no two logs are the same. With the defaults and the round v4.1 of the corpus: about 31,500 files, 980 MB of detail
logs.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from schemas.power_session import hash_file

COPIES = {"closed/UntetherAI": 29, "open/Krai": 275}
LOGS = (
    "mlperf_log_detail.txt",
    "spl.txt",
    "client.json",
    "server.json",
    "client.log",
    "server.log",
    "ptd_logs.txt",
)
_ISO = re.compile(rb"\b(20\d\d)-(\d\d)-(\d\d)(?=[T_ \"])")
_AMERICAN = re.compile(rb"\b(\d\d)-(\d\d)-(20\d\d)\b")
_EPOCH = re.compile(rb"\b(1[67]\d{8})(?=\.\d)")
DAY_S = 86_400


def main(argv: list[str] | None = None) -> int:
    """Command line of the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="published tree of round v4.1")
    parser.add_argument("target", type=Path, help="the tree to make; must not exist")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the copies to make (default 1)")
    args = parser.parse_args(argv)
    if args.target.exists():
        print(f"round_tree: {args.target} exists already; name a new folder", file=sys.stderr)
        return 2
    for place, copies in COPIES.items():
        if not (args.source / place).is_dir():
            print(
                f"round_tree: {args.source / place} is not there; give the round v4.1 of the corpus",
                file=sys.stderr,
            )
            return 2
        for number in range(max(1, round(copies * args.scale))):
            copy(args.source / place, args.target / f"{place}{number:03d}", number)
    files = [p for p in args.target.rglob("*") if p.is_file()]
    logs = sum(p.stat().st_size for p in files if p.name == "mlperf_log_detail.txt")
    print(f"{args.target}: {len(files)} files, {logs / 1e6:.0f} MB of detail logs")
    return 0


def copy(source: Path, target: Path, days: int) -> None:
    """One submission under the name of its folder, ``days`` later."""
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile)
    for folder in (target, *(p for p in target.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    for description in (target / "systems").glob("*.json"):
        document = json.loads(description.read_text(encoding="utf-8"))
        document["submitter"] = target.name
        description.write_text(json.dumps(document, indent=2), encoding="utf-8")
    for name in LOGS:
        for path in target.rglob(name):
            path.write_bytes(later(path.read_bytes(), days))
    for path in target.rglob("server.json"):
        sign(path.parent)


def later(text: bytes, days: int) -> bytes:
    """A text with all dates and epoch times ``days`` days later."""
    text = _ISO.sub(_moved(days, "%Y-%m-%d", (0, 1, 2)), text)
    text = _AMERICAN.sub(_moved(days, "%m-%d-%Y", (2, 0, 1)), text)
    return _EPOCH.sub(lambda m: str(int(m[1]) + days * DAY_S).encode(), text)


def _moved(days: int, form: str, order: tuple[int, int, int]) -> Callable[[re.Match[bytes]], bytes]:
    def move(match: re.Match[bytes]) -> bytes:
        parts = [int(g) for g in match.groups()]
        try:
            then = date(*(parts[at] for at in order)) + timedelta(days=days)
        except ValueError:
            return match[0]
        return then.strftime(form).encode()

    return move


def sign(power: Path) -> None:
    """Write the checksums of a power run anew in both session files."""
    for name in ("server.json", "client.json"):
        path = power / name
        document = json.loads(path.read_text(encoding="utf-8"))
        document["results"] = {
            file: hash_file(power.parent / file)
            for file in document["results"]
            if (power.parent / file).is_file()
        }
        path.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
