"""JSON values that come back as they were given, and nothing else."""

import json
import math


def require_json(value: object) -> None:
    """Refuses what `json` would write without a word but not give back, and names the part.

    Raises TypeError for what is not JSON (tuples, names that are not text, subclasses with a life of their own), and
    ValueError for numbers that are not finite and for what is nested too deeply.
    """
    try:
        _require(value, "")
    except RecursionError:
        raise ValueError("JSON nested too deeply or within itself") from None


def _require(value: object, where: str) -> None:
    if type(value) is dict:
        for name, item in value.items():
            if type(name) is not str:
                raise TypeError(f"a name in JSON is a text, not {name!r}{_at(where)}")
            _require(item, f"{where}[{name!r}]")
    elif type(value) is list:
        for at, item in enumerate(value):
            _require(item, f"{where}[{at}]")
    elif type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not JSON{_at(where)}")
    elif type(value) not in (str, int, bool, type(None)):
        raise TypeError(f"{type(value).__name__} is not JSON: {value!r}{_at(where)}")


def _at(where: str) -> str:
    return f", at {where}" if where else ""


def write_json(value: object) -> str:
    """The text that `json.loads` gives back equal, types included. Raises as `require_json` does."""
    require_json(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
