"""Tables of the store, and the way of a record into a row and back. Raw readings are never
changed, and only retention removes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from powerd.clock import ClockFix
from powerd.exchange import Exchange
from powerd.model import Quality, Reading, Stamps, Values

VERSION = 3
SCHEMA = """
CREATE TABLE IF NOT EXISTS boots(boot_id TEXT PRIMARY KEY, seen_unix_ns INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs(
  id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, started_ns INTEGER NOT NULL, version TEXT NOT NULL,
  stopped_ns INTEGER);
CREATE TABLE IF NOT EXISTS meters(
  id INTEGER PRIMARY KEY, meter TEXT NOT NULL, boot_id TEXT NOT NULL, since_ns INTEGER NOT NULL,
  info TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readings(
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, meter TEXT NOT NULL, channel TEXT NOT NULL,
  sequence INTEGER NOT NULL, boot_id TEXT NOT NULL, request_ns INTEGER NOT NULL, first_byte_ns INTEGER NOT NULL,
  last_byte_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, end_u95_ns INTEGER NOT NULL,
  interval_ns INTEGER NOT NULL, power_w REAL, voltage_v REAL, current_a REAL, power_factor REAL,
  frequency_hz REAL, voltage_range_v REAL, current_range_a REAL, crest_factor INTEGER, quality TEXT NOT NULL,
  simulated INTEGER NOT NULL, raw BLOB NOT NULL, integrator_j REAL);
CREATE INDEX IF NOT EXISTS readings_by_time ON readings(meter, channel, boot_id, end_ns);
CREATE TABLE IF NOT EXISTS fixes(
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, boot_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL,
  utc_ns INTEGER NOT NULL, u95_ns INTEGER NOT NULL, source TEXT NOT NULL, utc_bound_ns INTEGER,
  asleep_ns INTEGER, raw_ns INTEGER, leap INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS fixes_by_time ON fixes(boot_id, boottime_ns);
CREATE INDEX IF NOT EXISTS fixes_by_utc ON fixes(utc_ns);
CREATE TABLE IF NOT EXISTS exchanges(
  id INTEGER PRIMARY KEY, clock TEXT NOT NULL, boot_id TEXT NOT NULL, t1_ns INTEGER NOT NULL,
  t2_ns INTEGER NOT NULL, t2_boottime_ns INTEGER NOT NULL, t3_ns INTEGER NOT NULL,
  t3_boottime_ns INTEGER NOT NULL, t4_ns INTEGER NOT NULL, t1_mono_ns INTEGER, t4_mono_ns INTEGER);
CREATE INDEX IF NOT EXISTS exchanges_by_clock ON exchanges(clock, boot_id, t2_boottime_ns);
CREATE TABLE IF NOT EXISTS windows(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, meter TEXT NOT NULL, channel TEXT NOT NULL, labels TEXT NOT NULL,
  state TEXT NOT NULL, boot_id TEXT NOT NULL, opened_ns INTEGER NOT NULL, request TEXT, document TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_lease ON windows(meter, channel) WHERE state = 'open';
CREATE TABLE IF NOT EXISTS marks(
  id INTEGER PRIMARY KEY, window_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revisions(
  window_id TEXT NOT NULL, revision INTEGER NOT NULL, document TEXT NOT NULL, PRIMARY KEY(window_id, revision));
CREATE TABLE IF NOT EXISTS sessions(id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS owners(kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY(kind, id));
CREATE TABLE IF NOT EXISTS events(
  id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL, kind TEXT NOT NULL,
  meter TEXT NOT NULL, message TEXT NOT NULL);
"""

READING_COLUMNS = (
    "run, meter, channel, sequence, boot_id, request_ns, first_byte_ns, last_byte_ns, end_ns, end_u95_ns, "
    "interval_ns, power_w, voltage_v, current_a, power_factor, frequency_hz, voltage_range_v, "
    "current_range_a, crest_factor, quality, simulated, raw, integrator_j"
)
FIX_COLUMNS = "run, boot_id, boottime_ns, utc_ns, u95_ns, source, utc_bound_ns, asleep_ns, raw_ns, leap"
EXCHANGE_COLUMNS = (
    "clock, boot_id, t1_ns, t2_ns, t2_boottime_ns, t3_ns, t3_boottime_ns, t4_ns, t1_mono_ns, t4_mono_ns"
)


def insert(table: str, columns: str) -> str:
    """The INSERT statement for these columns."""
    marks = ", ".join("?" for _ in columns.split(","))
    return f"INSERT INTO {table}({columns}) VALUES ({marks})"


def reading_row(run: int, r: Reading) -> tuple[Any, ...]:
    """A reading in the order of ``READING_COLUMNS``."""
    s, v = r.stamps, r.values
    return (
        run, r.meter, v.channel, r.sequence, r.boot_id, s.request_ns, s.first_byte_ns, s.last_byte_ns, r.end_ns,
        r.end_u95_ns, r.interval_ns, v.power_w, v.voltage_v, v.current_a, v.power_factor, v.frequency_hz,
        v.voltage_range_v, v.current_range_a, v.crest_factor, v.quality.value, int(r.simulated), r.raw,
        v.integrator_j,
    )  # fmt: skip


def row_reading(row: Sequence[Any]) -> Reading:
    """The inverse of ``reading_row``, without the run."""
    (meter, channel, sequence, boot, request, first, last, end, u95, interval) = row[1:11]
    power, volts, amps, factor, hertz, volts_range, amps_range, crest = row[11:19]
    quality = Quality(row[19])
    values = Values(
        channel, power, volts, amps, factor, hertz, volts_range, amps_range, crest, quality, row[22]
    )
    stamps = Stamps(request, first, last)
    return Reading(meter, sequence, boot, stamps, end, u95, interval, values, bool(row[20]), row[21])


def fix_row(run: int, fix: ClockFix) -> tuple[Any, ...]:
    """A clock fix in the order of ``FIX_COLUMNS``."""
    return (
        run, fix.boot_id, fix.boottime_ns, fix.utc_ns, fix.u95_ns, fix.source, fix.utc_bound_ns, fix.asleep_ns,
        fix.raw_ns, fix.leap,
    )  # fmt: skip


def exchange_row(e: Exchange) -> tuple[Any, ...]:
    """An exchange in the order of ``EXCHANGE_COLUMNS``."""
    return (
        e.clock, e.boot_id, e.t1_ns, e.t2_ns, e.t2_boottime_ns, e.t3_ns, e.t3_boottime_ns, e.t4_ns,
        e.t1_mono_ns, e.t4_mono_ns,
    )  # fmt: skip
