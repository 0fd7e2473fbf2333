-- The tables of a store of version 1 (powerd 0.1.0), as that powerd made them.
PRAGMA user_version=1;
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
  simulated INTEGER NOT NULL, raw BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS readings_by_time ON readings(meter, channel, boot_id, end_ns);
CREATE TABLE IF NOT EXISTS fixes(
  id INTEGER PRIMARY KEY, run INTEGER NOT NULL, boot_id TEXT NOT NULL, boottime_ns INTEGER NOT NULL,
  utc_ns INTEGER NOT NULL, u95_ns INTEGER NOT NULL, source TEXT NOT NULL);
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
