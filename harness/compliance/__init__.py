"""compliance tests of harness, found by this folder: one file per test."""
