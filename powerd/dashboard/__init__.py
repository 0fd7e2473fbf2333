"""dashboard of powerd, found by this folder."""
