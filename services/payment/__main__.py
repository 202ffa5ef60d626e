"""``python -m payment``: see :mod:`shop.command`."""

import sys

from shop.command import main

sys.exit(main("payment", sys.argv[1:]))
