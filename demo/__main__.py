"""`python -m demo`: the whole demo. PYTHONPATH must name this folder, as the Makefile has it."""

import sys

from walkthrough.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
