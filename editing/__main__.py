"""``python -m editing``."""

import sys

from editing.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
