"""commands of powerd, found by this folder."""
