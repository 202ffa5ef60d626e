"""``python -m notifier``: see :mod:`shop.command`."""

import sys

from shop.command import main

sys.exit(main("notifier", sys.argv[1:]))
