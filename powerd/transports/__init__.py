"""Lines to a meter: bytes in and out with a deadline."""
