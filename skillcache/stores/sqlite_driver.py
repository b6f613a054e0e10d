"""`_sqlite3` without what it drags in: 1 ms instead of 5 (and 7 for `sqlite3`), on every embedded lookup.

The C module asks `functools` for one thing, `lru_cache`, and with it come `collections`, `reprlib` and more.
Where functools is not loaded yet, a stand-in offers that one thing, over the same C function, while the module
is imported. Where that does not work, `sqlite3` takes over.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _lru_cache(maxsize: int) -> "Callable[[Callable[[str], object]], object]":
    from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]

    def wrap(function: "Callable[[str], object]") -> object:
        return _lru_cache_wrapper(function, maxsize, False, None)

    return wrap


_stand_in = None
if "functools" not in sys.modules:
    _stand_in = type(sys)("functools")
    _stand_in.lru_cache = _lru_cache  # type: ignore[attr-defined]
    sys.modules["functools"] = _stand_in
try:
    from _sqlite3 import Connection, Error, OperationalError, connect
except (ImportError, AttributeError, TypeError):
    sys.modules.pop("functools", None)
    from sqlite3 import Connection, Error, OperationalError, connect
finally:
    if _stand_in is not None and sys.modules.get("functools") is _stand_in:
        del sys.modules["functools"]

__all__ = ["Connection", "Error", "OperationalError", "connect"]
