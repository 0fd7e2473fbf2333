"""``Store``: readings, clock fixes, exchanges, windows, sessions and events of one data directory."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powerd.clock import ClockFix
from powerd.errors import NotThere, Refused
from powerd.exchange import Exchange
from powerd.model import MeterInfo, Reading, Settings
from powerd.store import tables
from powerd.store.lock import take_lock
from powerd.store.writer import Writer, WriterState, connect
from schemas.records import Moment, Run, StoredReading, StoredWindow
from schemas.units import NS_PER_S
from schemas.witness import meter_info, settings

FILE_NAME = "powerd.sqlite"
REMOVED_AT_ONCE = 5000
PAGES_AT_ONCE = 1000
THINNED_NS = 600 * NS_PER_S


class Store:
    """One data directory. Putting is quick and durable within half a second; everything else is durable on return."""

    def __init__(self, folder: Path, boot: str) -> None:
        self._lock_file = take_lock(folder)
        self._path = folder / FILE_NAME
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        try:
            self.writer = Writer(self._path)
        except Refused:
            os.close(self._lock_file)
            raise
        except sqlite3.Error as error:
            os.close(self._lock_file)
            raise NotThere(
                f"{self._path} cannot be opened as a database ({error}): see that the disk has room and the file may "
                "be written, or choose another --data-dir"
            ) from error
        self.boot_id = boot
        self.run_id = 0

    def begin_run(self, started_ns: int, unix_ns: int, version: str) -> None:
        """Note that a daemon started; everything put from now on belongs to this run."""
        self.writer.write(
            [
                ("INSERT OR IGNORE INTO boots VALUES (?, ?)", (self.boot_id, unix_ns)),
                (
                    "INSERT INTO runs(boot_id, started_ns, version) VALUES (?, ?, ?)",
                    (self.boot_id, started_ns, version),
                ),
            ]
        )
        self.run_id = self._one("SELECT max(id) FROM runs")[0]

    def end_run(self, stopped_ns: int) -> None:
        """Note a clean end."""
        self.writer.write([("UPDATE runs SET stopped_ns = ? WHERE id = ?", (stopped_ns, self.run_id))])

    def close(self) -> None:
        """Write what waits, close the file and free the data directory."""
        self.writer.close()
        for connection in self._readers:
            connection.close()
        os.close(self._lock_file)

    @property
    def state(self) -> WriterState:
        """How writing goes."""
        return self.writer.state

    # putting

    def put_reading(self, reading: Reading) -> None:
        """Keep a reading as it came."""
        self.writer.put(_PUT_READING, tables.reading_row(self.run_id, reading))

    def put_fix(self, fix: ClockFix) -> None:
        """Keep a clock fix."""
        self.writer.put(_PUT_FIX, tables.fix_row(self.run_id, fix))

    def put_exchange(self, exchange: Exchange) -> None:
        """Keep a finished exchange."""
        self.writer.put(_PUT_EXCHANGE, tables.exchange_row(exchange))

    def put_event(self, boottime_ns: int, kind: str, meter: str, message: str) -> None:
        """Keep an event."""
        sql = "INSERT INTO events(boot_id, boottime_ns, kind, meter, message) VALUES (?, ?, ?, ?, ?)"
        self.writer.put(sql, (self.boot_id, boottime_ns, kind, meter, message))

    def put_meter(self, meter: str, since_ns: int, info: MeterInfo, settings: Settings) -> None:
        """Keep who answers as ``meter`` and its settings in force from ``since_ns`` on."""
        sql = "INSERT INTO meters(meter, boot_id, since_ns, info, settings) VALUES (?, ?, ?, ?, ?)"
        texts = json.dumps(asdict(info)), json.dumps(asdict(settings))
        self.writer.put(sql, (meter, self.boot_id, since_ns, *texts))

    # reading back

    def readings(
        self,
        meter: str,
        channel: str,
        boot: str,
        begin_ns: int,
        end_ns: int,
        *,
        after: int = 0,
        limit: int = -1,
    ) -> list[StoredReading]:
        """Readings of one boot with their end in ``[begin_ns, end_ns]``, by end, then in order of arrival."""
        sql = (
            f"SELECT id, {tables.READING_COLUMNS} FROM readings WHERE meter = ? AND channel = ? AND boot_id = ? "
            "AND end_ns BETWEEN ? AND ? AND id > ? ORDER BY end_ns, id LIMIT ?"
        )
        rows = self._all(sql, (meter, channel, boot, begin_ns, end_ns, after, limit))
        return [StoredReading(row[0], row[1], tables.row_reading(row[1:])) for row in rows]

    def last_sequence(self, meter: str) -> int:
        """The highest sequence number of a meter so far, 0 without readings."""
        row = self._one("SELECT sequence FROM readings WHERE meter = ? ORDER BY id DESC LIMIT 1", (meter,))
        return int(row[0]) if row else 0

    def fixes(self, boot: str, begin_ns: int, end_ns: int) -> list[tuple[int, ClockFix]]:
        """Numbered fixes of one boot in ``[begin_ns, end_ns]`` and the nearest one on either side."""
        columns = tables.FIX_COLUMNS.replace("run", "id", 1)
        sql = (
            f"SELECT {columns} FROM fixes WHERE boot_id = :b AND boottime_ns BETWEEN "
            "coalesce((SELECT max(boottime_ns) FROM fixes WHERE boot_id = :b AND boottime_ns < :begin), :begin) AND "
            "coalesce((SELECT min(boottime_ns) FROM fixes WHERE boot_id = :b AND boottime_ns > :end), :end) "
            "ORDER BY boottime_ns"
        )
        rows = self._all(sql, {"b": boot, "begin": begin_ns, "end": end_ns})
        return [(row[0], ClockFix(*row[1:])) for row in rows]

    def boots_between(self, begin_utc_ns: int, end_utc_ns: int) -> list[str]:
        """Boots that have clock fixes in this stretch of UTC."""
        sql = "SELECT DISTINCT boot_id FROM fixes WHERE utc_ns BETWEEN ? AND ?"
        return [row[0] for row in self._all(sql, (begin_utc_ns, end_utc_ns))]

    def boots_in_order(self) -> list[str]:
        """All boots that were ever seen, oldest first."""
        return [row[0] for row in self._all("SELECT boot_id FROM boots ORDER BY seen_unix_ns")]

    def fixes_around(self, boot: str, begin_utc_ns: int, end_utc_ns: int) -> list[tuple[int, ClockFix]]:
        """Numbered fixes of one boot around a stretch of UTC, which a clock that was set back may have shown twice."""
        edges = self._one(
            "SELECT coalesce(max(CASE WHEN utc_ns <= ? THEN boottime_ns END), 0), "
            "coalesce(min(CASE WHEN utc_ns >= ? THEN boottime_ns END), ?) FROM fixes WHERE boot_id = ?",
            (begin_utc_ns, end_utc_ns, 1 << 62, boot),
        )
        return self.fixes(boot, min(edges), max(edges))

    def exchanges(self, clock: str) -> list[tuple[int, Exchange]]:
        """Numbered exchanges of one client clock, in order."""
        sql = f"SELECT id, {tables.EXCHANGE_COLUMNS} FROM exchanges WHERE clock = ? ORDER BY id"
        return [(row[0], Exchange(*row[1:])) for row in self._all(sql, (clock,))]

    def runs(self, boot: str) -> list[Run]:
        """Lives of the daemon in this boot, in order."""
        sql = (
            "SELECT r.id, r.boot_id, r.started_ns, max(r.started_ns, coalesce(r.stopped_ns, 0), "
            "coalesce((SELECT boottime_ns FROM fixes WHERE run = r.id ORDER BY id DESC LIMIT 1), 0), "
            "coalesce((SELECT last_byte_ns FROM readings WHERE run = r.id ORDER BY id DESC LIMIT 1), 0)) "
            "FROM runs r WHERE r.boot_id = ? ORDER BY r.id"
        )
        return [Run(*row) for row in self._all(sql, (boot,))]

    def meter_history(self, meter: str) -> list[tuple[str, int, MeterInfo, Settings]]:
        """Who answered as ``meter`` with which settings: boot, since when, info, settings; in order."""
        sql = "SELECT boot_id, since_ns, info, settings FROM meters WHERE meter = ? ORDER BY id"
        return [
            (row[0], row[1], meter_info(json.loads(row[2])), settings(json.loads(row[3])))
            for row in self._all(sql, (meter,))
        ]

    def events(self, limit: int = 50) -> list[dict[str, Any]]:
        """The latest events, oldest first."""
        names = ("id", "boot_id", "boottime_ns", "kind", "meter", "message")
        rows = self._all(f"SELECT {', '.join(names)} FROM events ORDER BY id DESC LIMIT ?", (limit,))
        return [dict(zip(names, row, strict=True)) for row in reversed(rows)]

    def moment(self, boottime_ns: int) -> Moment:
        """What is known now: the highest number of every kind of record."""
        tops = self._one(
            "SELECT (SELECT coalesce(max(id), 0) FROM readings), (SELECT coalesce(max(id), 0) FROM fixes), "
            "(SELECT coalesce(max(id), 0) FROM exchanges), (SELECT coalesce(max(id), 0) FROM runs)"
        )
        return Moment(self.boot_id, boottime_ns, *tops)

    # retention

    def channels_of(self, boot: str) -> list[tuple[str, str]]:
        """Meters and channels that have readings in a boot."""
        rows = self._all("SELECT DISTINCT meter, channel FROM readings WHERE boot_id = ?", (boot,))
        return [(row[0], row[1]) for row in rows]

    def span_unix_ns(self, window: str) -> tuple[int, int] | None:
        """The stretch of UTC that the document of a closed window stands for."""
        found = self.window(window)
        if found is None or found.document is None:
            return None
        document = json.loads(found.document)
        return int(document["begin_unix_ns"]), int(document["end_unix_ns"])

    def remove_readings(self, meter: str, channel: str, boot: str, begin_ns: int, end_ns: int) -> bool:
        """Remove some readings with their end in ``[begin_ns, end_ns)``; whether there were any.

        The newest reading of a meter stays, for the sequence numbers go on from it.
        """
        where = "meter = ? AND channel = ? AND boot_id = ? AND end_ns >= ? AND end_ns < ?"
        some = (
            f"SELECT id FROM readings WHERE {where} AND id < (SELECT max(id) FROM readings WHERE meter = ?)"
        )
        values = (meter, channel, boot, begin_ns, end_ns, meter)
        if self._one(f"{some} LIMIT 1", values) is None:
            return False
        self.writer.write([(f"DELETE FROM readings WHERE id IN ({some} LIMIT {REMOVED_AT_ONCE})", values)])
        return True

    def thin_fixes(self, boot: str, begin_ns: int, end_ns: int) -> None:
        """Of the clock fixes of each ten minutes of a run in ``[begin_ns, end_ns)``, leave the first and the last."""
        bucket = f"run, boottime_ns / {THINNED_NS}"
        where = "boot_id = ? AND boottime_ns >= ? AND boottime_ns < ?"
        kept = f"FROM fixes WHERE {where} GROUP BY {bucket}"
        values = (boot, begin_ns, end_ns)
        statement = f"DELETE FROM fixes WHERE {where} AND id NOT IN (SELECT min(id) {kept} UNION SELECT max(id) {kept})"
        self.writer.write([(statement, values * 3)])

    def vacuum(self, keep_pages: int = 256) -> bool:
        """Give some free pages of the file back to the disk; whether there may be more."""
        free = int(self._one("PRAGMA freelist_count")[0]) - keep_pages
        if free <= 0 or int(self._one("PRAGMA auto_vacuum")[0]) == 0:
            return False
        # A line of its own for some milliseconds: only a script takes this pragma through to its end.
        connection = connect(self._path)
        try:
            pages = min(free, PAGES_AT_ONCE)
            connection.executescript(f"PRAGMA incremental_vacuum({pages}); PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()
        return free > PAGES_AT_ONCE

    # owners

    def owner(self, kind: str, ident: str) -> str | None:
        """Whose this is, None when nobody claimed it."""
        row = self._one("SELECT owner FROM owners WHERE kind = ? AND id = ?", (kind, ident))
        return None if row is None else str(row[0])

    def put_owner(self, kind: str, ident: str, owner: str) -> None:
        """Keep whose this is; the first who claims it stays."""
        self.writer.put("INSERT OR IGNORE INTO owners VALUES (?, ?, ?)", (kind, ident, owner))

    # windows and sessions

    def add_window(self, w: StoredWindow) -> None:
        """Keep a new window; ``sqlite3.IntegrityError`` when its id or its channel is taken."""
        row = (
            w.ident,
            w.name,
            w.meter,
            w.channel,
            json.dumps(dict(w.labels)),
            w.state,
            w.boot_id,
            w.opened_ns,
        )
        self.writer.write([(f"INSERT INTO windows({_WINDOW}) VALUES (?,?,?,?,?,?,?,?,NULL,NULL)", row)])

    def update_window(
        self, ident: str, state: str, request: Mapping[str, Any] | None, document: str | None
    ) -> None:
        """Move a window on; a document becomes revision 1, and a closed window is never changed again."""
        text = None if request is None else json.dumps(dict(request))
        sql = "UPDATE windows SET state = ?, request = ?, document = ? WHERE id = ? AND state != 'closed'"
        statements: list[tuple[str, Sequence[Any]]] = [(sql, (state, text, document, ident))]
        if document is not None:
            statements.append(("INSERT INTO revisions VALUES (?, 1, ?)", (ident, document)))
        self.writer.write(statements)

    def window(self, ident: str) -> StoredWindow | None:
        """One window, or None."""
        return next(self._windows("WHERE id = ?", (ident,)), None)

    def windows(self, limit: int = 1000) -> list[StoredWindow]:
        """All windows, newest first."""
        return list(self._windows("ORDER BY rowid DESC LIMIT ?", (limit,)))

    def windows_in(self, *states: str) -> list[StoredWindow]:
        """Windows in one of these states, oldest first."""
        places = ", ".join("?" for _ in states)
        return list(self._windows(f"WHERE state IN ({places}) ORDER BY rowid", states))

    def _windows(self, rest: str, parameters: Sequence[Any]) -> Iterator[StoredWindow]:
        for row in self._all(f"SELECT {_WINDOW} FROM windows {rest}", parameters):
            request = None if row[8] is None else json.loads(row[8])
            ident, name, meter, channel, labels, state, boot, opened = row[:8]
            yield StoredWindow(
                ident, name, meter, channel, json.loads(labels), state, boot, opened, request, row[9]
            )

    def add_mark(self, window: str, boottime_ns: int, text: str) -> None:
        """Keep a mark of a window."""
        sql = "INSERT INTO marks(window_id, boottime_ns, text) VALUES (?, ?, ?)"
        self.writer.write([(sql, (window, boottime_ns, text))])

    def marks(self, window: str) -> list[tuple[int, str]]:
        """Marks of a window in order: instant and text."""
        rows = self._all("SELECT boottime_ns, text FROM marks WHERE window_id = ? ORDER BY id", (window,))
        return [(row[0], row[1]) for row in rows]

    def save_session(self, ident: str, document: str) -> None:
        """Keep the state of a session."""
        self.writer.write([("INSERT OR REPLACE INTO sessions VALUES (?, ?)", (ident, document))])

    def sessions(self, limit: int) -> list[str]:
        """State of the sessions that changed last, newest first."""
        rows = self._all("SELECT document FROM sessions ORDER BY rowid DESC LIMIT ?", (limit,))
        return [str(row[0]) for row in rows]

    def session(self, ident: str) -> str | None:
        """State of a session, or None."""
        row = self._one("SELECT document FROM sessions WHERE id = ?", (ident,))
        return str(row[0]) if row else None

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path, read_only=True)
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def _all(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        return self._reader().execute(sql, parameters).fetchall()

    def _one(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        return self._reader().execute(sql, parameters).fetchone()


_PUT_READING = tables.insert("readings", tables.READING_COLUMNS)
_PUT_FIX = tables.insert("fixes", tables.FIX_COLUMNS)
_PUT_EXCHANGE = tables.insert("exchanges", tables.EXCHANGE_COLUMNS)
_WINDOW = "id, name, meter, channel, labels, state, boot_id, opened_ns, request, document"
