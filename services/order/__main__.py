"""``python -m order``: see :mod:`shop.command`."""

import sys

from shop.command import main

sys.exit(main("order", sys.argv[1:]))
