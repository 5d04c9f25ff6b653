"""``python -m editing``."""

import sys

from editing.cli import main

if __name__ == "__main__":
    sys.exit(main())
