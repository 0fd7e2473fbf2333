"""benchmarks of harness, found by this folder."""
