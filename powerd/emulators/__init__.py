"""emulators of powerd, found by this folder."""
