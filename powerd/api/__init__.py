"""The HTTP API: one file per resource, each with a ``router(service)``; found by this folder."""
