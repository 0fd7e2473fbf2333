"""drivers of powerd, found by this folder."""
