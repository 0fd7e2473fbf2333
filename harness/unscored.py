"""What a work folder keeps of runs that are over, so that they can be scored without being made again.

``runs.json`` beside the logs: the request, what came of each run, what was known of power and of the machine. It is
written when the last run has ended and before anything is scored; a result that could not be scored, or a process that
was ended meanwhile, is taken up from there. With the result in the tree the file goes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.model import Plan, RunRequest
from harness.results import Done, PowerEvidence
from schemas import __version__
from schemas.errors import UserError

NAME = "runs.json"
SCHEMA = "edgewatt/runs/1"
PATHS = ("output", "model", "dataset", "fixture", "user_conf")
"""Of a request; they are kept in full, because it may be taken up in another folder."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """Runs that are over: what was asked for, what came of it, power, the description of the system.

    ``model`` are size and time of the files of the model: answers of another one are not these.
    """

    request: RunRequest
    done: Done
    power: PowerEvidence | None
    system: Mapping[str, str]
    samples: int
    model: Mapping[str, tuple[int, ...]]


def write(
    folder: Path, plan: Plan, done: Done, power: PowerEvidence | None, system: Mapping[str, str]
) -> None:
    """Write it, whole or not at all."""
    kept = Unscored(in_full(plan.request), done, power, system, plan.samples, marks(plan.workload.model))
    document = {"schema": SCHEMA, "version": __version__, **plain(kept)}
    new = folder / f"{NAME}.new"
    new.write_text(json.dumps(document, indent=1), encoding="utf-8", errors="surrogateescape")
    os.replace(new, folder / NAME)


@contextlib.contextmanager
def over(folder: Path) -> Iterator[None]:
    """The result is written: nothing waits to be scored any more, unless the machine fails (a full disk)."""
    try:
        yield
    except OSError:
        raise
    except BaseException:
        (folder / NAME).unlink(missing_ok=True)
        raise
    (folder / NAME).unlink(missing_ok=True)


def newest(place: Path, request: RunRequest, since: str) -> Path | None:
    """The folder below ``place`` with runs of this request that were begun since then and wait to be scored.

    ``since`` as RFC 3339 has it, in UTC; folders are named by the second.
    """
    begin = "".join(c for c in since[:19] if c not in "-:")
    for path in sorted(place.glob(f"*/{NAME}"), reverse=True):
        if path.parent.name[: len(begin)] >= begin:
            with contextlib.suppress(UserError):
                if read(path.parent).request == in_full(request):
                    return path.parent
    return None


def in_full(request: RunRequest) -> RunRequest:
    """A request that means the same in every folder."""
    paths = {name: p.absolute() for name in PATHS if (p := getattr(request, name)) is not None}
    return dataclasses.replace(request, **paths)


def read(folder: Path) -> Unscored:
    """What is kept in a folder; ``UserError`` when there is nothing, or its logs or its model are not as they were."""
    path = folder / NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        if document.pop("schema") != SCHEMA:
            raise ValueError("it is of another version")
        document.pop("version")
        kept: Unscored = made(Unscored, document)
    except FileNotFoundError:
        raise UserError(
            f"there is no {path}, so no runs wait there to be scored; give the folder that mlharness run named when it "
            "began"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read ({type(error).__name__}: {error}); make the runs again"
        ) from error
    _refuse_changed(kept)
    return kept


def _refuse_changed(kept: Unscored) -> None:
    for result in kept.done.results.values():
        if not result.log_dir.is_dir():
            raise UserError(
                f"the logs of {result.spec.name} are not in {result.log_dir}; put them back there"
            )


def refuse_other_model(kept: Unscored, plan: Plan) -> None:
    """``UserError`` when model or data set are not those of the runs. What scores may have been put right meanwhile."""
    if dict(kept.model) != marks(plan.workload.model):
        raise UserError(
            f"{plan.workload.model} was changed since these runs; make them again, or put that model back"
        )
    if kept.samples != plan.samples:
        raise UserError(
            f"{plan.workload.dataset} has {plan.samples} samples now and had {kept.samples} in these runs; put the "
            "data set back, or make them again"
        )


def marks(model: Path) -> dict[str, tuple[int, ...]]:
    """Size and time of change of each file of a model, by its name below it."""
    files = [model] if model.is_file() else sorted(p for p in model.rglob("*") if p.is_file())
    return {
        str(p.relative_to(model)): (found.st_size, found.st_mtime_ns) for p in files for found in (p.stat(),)
    }


def plain(value: Any) -> Any:
    """Records as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def made(kind: Any, value: Any) -> Any:
    """The inverse of ``plain`` by the annotations of the records."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else made(next(k for k in inner if k is not types.NoneType), value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: made(hints[name], each) for name, each in value.items()})  # type: ignore[operator]
    if kind is Path:
        return Path(value)
    if origin in (list, tuple):
        kinds = [inner[0]] * len(value) if origin is list or inner[1:] == (...,) else inner
        return origin(made(k, each) for k, each in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: made(inner[1], each) for key, each in value.items()}
    return value
