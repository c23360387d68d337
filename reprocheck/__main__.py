"""The process of the `reprocheck` command and of `python -m reprocheck`.

Signals are heard from the first line, since the imports take longer than a hasty Ctrl-C.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from reprocheck.cli.signals import EXIT_CODE, LINE, listen, stop_listening


def main() -> NoReturn:
    """Run the command line and exit with one of the codes of `reprocheck --help`."""
    listen()
    # A command makes many values and hardly any cycles, and then it ends.
    gc.set_threshold(200_000, 50, 100)
    try:
        from reprocheck.cli.main import main as run

        run()
    except KeyboardInterrupt:  # while importing, or behind the error boundary
        os.write(2, f"{LINE}\n".encode())
        sys.exit(EXIT_CODE)
    finally:
        stop_listening()


if __name__ == "__main__":
    main()
