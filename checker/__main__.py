"""``python -m checker`` is ``mlcheck``."""

import sys

from checker.cli import main

sys.exit(main())
