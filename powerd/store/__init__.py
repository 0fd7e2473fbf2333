"""What powerd keeps: one SQLite file in WAL mode, one writer, many readers."""

from powerd.store.database import Store
from powerd.store.writer import StoreFailed, WriterState
from schemas.records import Run, StoredReading, StoredWindow

__all__ = ["Run", "Store", "StoreFailed", "StoredReading", "StoredWindow", "WriterState"]
