"""commands of harness, found by this folder."""
