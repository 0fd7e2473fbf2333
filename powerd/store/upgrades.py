"""From the store of an older powerd to that of this one, step by step; a step that breaks leaves the file as it was.

Version 2 gives free pages back (``auto_vacuum``) and keeps what a meter's own integrator says with each reading.
Version 3 keeps with each clock fix who kept the clock right, and what sleep, slews and leap seconds are seen by.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from powerd.errors import Refused
from powerd.store.tables import SCHEMA, VERSION

log = logging.getLogger(__name__)
ROOM = 1.3
"""Rewriting the file needs so many times its size on the disk."""


def _to_2(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE readings ADD COLUMN integrator_j REAL")


def _to_3(connection: sqlite3.Connection) -> None:
    for column in (
        "utc_bound_ns INTEGER",
        "asleep_ns INTEGER",
        "raw_ns INTEGER",
        "leap INTEGER NOT NULL DEFAULT 0",
    ):
        connection.execute(f"ALTER TABLE fixes ADD COLUMN {column}")


STEPS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_2, 2: _to_3}
"""What leads from each version to the next one."""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or bring those of an older version up; ``Refused`` for one of a newer powerd."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise Refused(f"the database is of version {version}, this powerd knows {VERSION}: update powerd")
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        # Only an empty file, or one that is written anew, takes this setting.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("VACUUM")
    connection.execute("PRAGMA journal_mode=WAL")
    for step in range(version or VERSION, VERSION):
        _step(connection, step)
    connection.executescript(SCHEMA)
    connection.execute(f"PRAGMA user_version={VERSION}")
    if 0 < version < VERSION:
        log.warning("the store of %s was brought from version %d to %d", path, version, VERSION)
    if (
        connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 0
    ):  # of version 1, or its upgrade was cut off
        _write_anew(connection, path)


def _step(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        STEPS[version](connection)
        connection.execute(f"PRAGMA user_version={version + 1}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _write_anew(connection: sqlite3.Connection, path: Path) -> None:
    """So that the file can shrink from now on; where the disk has no room for it, the next start tries again."""
    if shutil.disk_usage(path.parent).free < ROOM * path.stat().st_size:
        log.warning("%s cannot be written anew, the disk has no room: it does not shrink", path)
        return
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("VACUUM")
    except sqlite3.Error as error:
        log.warning("%s was not written anew, it does not shrink: %s", path, error)
