"""The report as a page to look at: the results explorer of the tree, one file without a network.

It is the page of ``mlcheck report TREE --html FILE``, with the judgement that was asked for: findings that are waived,
known or forgiven are marked as such.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from checker.model import Report

FORMAT = "html"


def write(report: Report, stream: TextIO) -> None:
    """Write the page. Its links to files of the tree are relative to the file that ``stream`` writes; where it writes
    none, there are no links."""
    from checker.explorer.book import volume_of
    from checker.explorer.data import page_document
    from checker.explorer.links import link
    from checker.explorer.page import html

    href = link(None, report.round, Path(report.tree), _file_of(stream))
    stream.write(html(page_document((volume_of(report),), [href])))


def _file_of(stream: TextIO) -> Path | None:
    """The plain file behind a stream; standard output and what lies in memory have none."""
    name = getattr(stream, "name", None)
    return Path(name) if isinstance(name, str) and Path(name).is_file() else None
