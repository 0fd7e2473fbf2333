"""reports of checker, found by this folder."""
