"""``python -m product``: see :mod:`shop.command`."""

import sys

from shop.command import main

sys.exit(main("product", sys.argv[1:]))
