"""``python -m user``: see :mod:`shop.command`."""

import sys

from shop.command import main

sys.exit(main("user", sys.argv[1:]))
