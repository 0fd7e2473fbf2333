"""commands of checker, found by this folder."""
