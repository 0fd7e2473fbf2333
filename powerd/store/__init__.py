"""What powerd keeps: one SQLite file in WAL mode, one writer, many readers."""

from powerd.store.database import FILE_NAME, Store
from powerd.store.writer import StoreFailed, WriterState
from schemas.records import Run, StoredReading, StoredWindow

__all__ = ["FILE_NAME", "Run", "Store", "StoreFailed", "StoredReading", "StoredWindow", "WriterState"]
