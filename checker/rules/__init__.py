"""rules of checker, found by this folder."""
