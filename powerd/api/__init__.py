"""The HTTP API: one module per resource, each with ``router(service)``; found by this folder."""
