"""Numbers, and differences between texts, as people read them."""

import difflib

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def duration(milliseconds: float) -> str:
    if milliseconds < 0:
        return "-" + duration(-milliseconds)
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1_000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(count: float) -> str:
    for unit in _UNITS:
        if count < 1_000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1_000
    raise AssertionError


def several(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share(part: float, whole: float) -> str:
    """A part in whole percent; never 100 % unless it is all of it, nor 0 % unless it is nothing."""
    percent = round(100 * part / whole)
    if percent == 100 and part < whole:
        return "over 99 %"
    if percent == 0 and part > 0:
        return "under 1 %"
    return f"{percent} %"


def unified(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(_lines(before), _lines(after), fromfile=path, tofile=path)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds only: a form feed or a line separator inside a string is no line end."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
