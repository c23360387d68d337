"""Plain tables. Versions stay text: without `disable_numparse` tabulate prints 2.10 as 2.1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reprocheck.render.safe import show


def table(rows: Iterable[Sequence[str]], headers: Sequence[str] = ()) -> str:
    """Return an aligned table; every cell is made safe."""
    from tabulate import tabulate

    cells = [[show(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=list(headers), tablefmt="plain", disable_numparse=True)
