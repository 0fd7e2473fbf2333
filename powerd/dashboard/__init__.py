"""The terminal dashboard: a snapshot record of the daemon, and panels that draw it."""
