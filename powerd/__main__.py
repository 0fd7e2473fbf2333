"""``python -m powerd``."""

from powerd.cli import main

raise SystemExit(main())
