"""What ``mlcheck report`` writes: the page, the pictures, the tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.explorer import page, pictures, tables
from checker.explorer.book import Book
from checker.explorer.data import page_document
from checker.explorer.links import link
from checker.history import compare, diff, ledger
from checker.wording import count
from schemas.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Files and folders to write, None for what is not wanted."""

    html: Path | None = None
    png: Path | None = None
    svg: Path | None = None
    results: Path | None = None
    samples: Path | None = None
    compare: Sequence[str] | None = None
    ledger: Path | None = None
    links: str | None = None

    @property
    def anything(self) -> bool:
        """Whether something is to be written."""
        return any((self.html, self.png, self.svg, self.results, self.samples))


def refuse_early(wanted: Wanted) -> None:
    """UserError for what is known to fail, before minutes of judging."""
    for path in (wanted.results, wanted.samples):
        if path is not None:
            tables.form_of(path)
    if wanted.png is not None:
        pictures.need_pillow()
    for path in (wanted.html, wanted.results, wanted.samples):
        if path is not None and not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: its folder is not there; make it or name another")


def write(book: Book, paths: Sequence[Path], wanted: Wanted) -> Iterator[str]:
    """Write, and say what was written, a line each. UserError for what cannot be written."""
    if wanted.html is not None:
        text = page.html(_document(book, paths, wanted))
        with _writing(wanted.html):
            wanted.html.write_text(text, encoding="utf-8", newline="\n")
        yield f"{wanted.html}: {count(sum(len(v.rows) for v in book), 'result')}, {len(text) / 1e6:.1f} MB"
    for form, folder in (("png", wanted.png), ("svg", wanted.svg)):
        if folder is not None:
            with _writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                number = sum(1 for _ in pictures.write_all(book, folder, form))
            yield (
                f"{folder}: {count(number, 'picture')}"
                if number
                else f"{folder}: no result has power, no picture"
            )
    for path, kind in ((wanted.results, tables.RESULTS), (wanted.samples, tables.SAMPLES)):
        if path is not None:
            with _writing(path):
                number = tables.write(path, kind, book)
            yield f"{path}: {count(number, 'row')}"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; name a place that can be written"
        ) from error


def _document(book: Book, paths: Sequence[Path], wanted: Wanted) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    reasons = ledger.read(wanted.ledger) if wanted.ledger is not None else ()
    if len(book) > 1:
        logs = [diff.between(a, b) for a, b in itertools.pairwise(book)]
        parts["changes"] = [diff.for_page(ledger.explained(log, reasons)) for log in logs]
    if wanted.compare is not None:
        parts["compare"] = compare.for_page(compare.beside(book, *wanted.compare))
    return page_document(
        book,
        [link(wanted.links, v.report.round, path, wanted.html) for v, path in zip(book, paths, strict=True)],
        **parts,
    )
