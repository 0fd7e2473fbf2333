"""api of powerd, found by this folder."""
