"""How the window, the command line and every error say how large something is: one unit for memory, disk and downloads.

In: bytes. Out: "11.7 MiB".
"""

from __future__ import annotations


def size(count: float | None) -> str:
    """Bytes in the unit that suits them, with a factor of 1024; "" for None."""
    if count is None:
        return ""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GiB"
