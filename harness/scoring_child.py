"""The child of ``scoring``: scores one accuracy log, or looks whether it could, and says what comes of it.

It reads a job as one JSON line on standard input and says JSON lines on standard output; the end of its input ends it.
Whatever scores is imported here and not in the parent.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.backends.pytorch import OFFLINE
from harness.damaged import reason
from harness.registry import benchmark
from harness.scoring import Demanding
from schemas.errors import Failed, UserError


def done(job: Mapping[str, Any]) -> dict[str, Any]:
    """The last word of a job."""
    bench, dataset = benchmark(job["benchmark"]), Path(job["dataset"])
    if job["log"] is not None:
        return {"event": "done", "accuracy": asdict(bench.accuracy(Path(job["log"]), dataset))}
    bench.dataset(dataset)
    if isinstance(bench, Demanding):
        tried(bench, dataset)
    return {"event": "done"}


def tried(bench: Demanding, dataset: Path) -> None:
    """Score something; ``UserError`` whatever keeps that from being done."""
    try:
        bench.refuse_unscorable(dataset)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{dataset} cannot be scored with ({type(error).__name__}: {reason(error)}); copy it again"
        ) from error


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """The last word, also when it is an error."""
    try:
        return done(job)
    except UserError as error:
        return {"event": "error", "kind": "user", "message": str(error)}
    except Failed as error:
        return {"event": "error", "kind": "failed", "message": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a library throws becomes a sentence for the parent
        traceback.print_exc()
        said = f"{type(error).__name__}: {reason(error)}"
        return {"event": "error", "kind": "internal", "message": said}


def main() -> int:
    """Entry point of ``python -m harness.scoring_child``."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # What libraries print goes to the log; the parent's line stays ours.
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ.update(
        {**dict.fromkeys(OFFLINE, "1"), "TOKENIZERS_PARALLELISM": "false"}
    )  # no library asks a network
    job = json.loads(sys.stdin.readline())

    def listen() -> None:
        sys.stdin.readline()  # a word of the parent, or its end: either way nobody waits any more
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    word = answer(job)
    voice.write(json.dumps(word) + "\n")
    voice.flush()
    return 0 if word["event"] == "done" else 1


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
