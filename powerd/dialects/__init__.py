"""dialects of powerd, found by this folder."""
