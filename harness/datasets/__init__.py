"""datasets of harness, found by this folder."""
