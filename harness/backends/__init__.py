"""backends of harness, found by this folder."""
