"""JSON without the json package, whose `re` costs a hook 9 ms, and the one text of each value: RFC 8785.

`loads` accepts bytes (UTF-8, a BOM allowed) or str and raises ValueError for anything that is not one JSON
value. `dumps` writes compact ASCII. Where the C scanner is missing, the json package takes over.

Names are sorted by their UTF-16 code units, numbers are written as ECMAScript writes them (1 and 1.0 are one number),
strings escape what they must and nothing else, and there is no space.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # another interpreter than CPython
    import json

    def loads(text: str | bytes) -> object:
        value: object = json.loads(text)
        return value

    def dumps(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

else:

    class _Context:
        strict = True
        object_hook = None
        object_pairs_hook = None
        parse_float = float
        parse_int = int

        @staticmethod
        def parse_constant(name: str) -> object:
            raise ValueError(f"{name} is not JSON")

    _scan = make_scanner(_Context())  # type: ignore[arg-type] # the stubs want a decoder
    _SPACE = " \t\n\r"

    def loads(text: str | bytes) -> object:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        text = text.removeprefix("\ufeff").strip(_SPACE)
        try:
            value, end = _scan(text, 0)
        except StopIteration as stop:
            raise ValueError(f"not JSON at character {stop.value}") from None
        except SystemError:  # the scanner takes its exception from json.decoder, which is not imported
            raise ValueError("not JSON") from None
        except RecursionError:
            raise ValueError("JSON nested too deeply") from None
        if end != len(text):
            raise ValueError(f"more text after the JSON value at character {end}")
        result: object = value
        return result

    def _default(value: object) -> object:
        raise TypeError(f"{type(value).__name__} is not JSON")

    def dumps(value: object) -> str:
        # markers, default, encoder, indent, key separator, item separator, sort_keys, skipkeys, allow_nan
        encode = make_encoder({}, _default, encode_basestring_ascii, None, ":", ",", False, False, False)
        return "".join(encode(value, 0))


try:
    # Escapes `"`, `\` and what is below a space, in the RFC's own forms.
    from _json import encode_basestring as _quote
except ImportError:  # another interpreter than CPython
    from json.encoder import encode_basestring as _quote


_WORDS = {None: "null", True: "true", False: "false"}


def canonical(value: object) -> str:
    """The canonical text.

    Raises TypeError for what is not JSON (sets, bytes, names that are not text), and ValueError for what has no sure
    text: a number that is not finite or not exactly a double, half a surrogate pair, a value nested too deeply.
    """
    pieces: list[str] = []
    try:
        _write(value, pieces.append)
    except RecursionError:
        raise ValueError("JSON nested too deeply or within itself") from None
    return "".join(pieces)


def _write(value: object, put: "Callable[[str], None]") -> None:
    if isinstance(value, str):
        put(quoted(value))
    elif value is None or value is True or value is False:
        put(_WORDS[value])
    elif isinstance(value, int):
        put(_integer(int(value)))
    elif isinstance(value, float):
        put(_number(float(value)))
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            put(mark)
            _write(item, put)
            mark = ","
        put("]" if value else "[]")
    elif isinstance(value, dict):
        mark = "{"
        for name in sorted(value, key=_units):
            put(mark + quoted(name) + ":")
            _write(value[name], put)
            mark = ","
        put("}" if value else "{}")
    else:
        raise TypeError(f"{type(value).__name__} is not JSON")


def _units(name: object) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"a name that is {type(name).__name__} is not JSON")
    return name.encode("utf-16-be", "surrogatepass")


def quoted(text: str) -> str:
    """A string as JSON, escaped no more than it must be. Raises ValueError for half a surrogate pair."""
    if not text.isascii():
        text.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair
    return _quote(text)


def _integer(value: int) -> str:
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("an integer that is no double") from None
    text = _number(number)
    # What ECMAScript wrote of a large double reads back as another integer than the double's own value.
    if number != value and text != str(value):
        raise ValueError(f"{value} is not exactly a double")
    return text


def _number(value: float) -> str:
    """ECMAScript's Number::toString."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 # NaN
        raise ValueError(f"{value} is not JSON")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")  # the shortest digits that read back
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))  # place of the point in digits
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"
