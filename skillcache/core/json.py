"""JSON without the json package, whose `re` costs a hook 9 ms; CPython's C scanner does the work.

`loads` accepts bytes (UTF-8, a BOM allowed) or str and raises ValueError for anything that is not one JSON
value. `dumps` writes compact ASCII. Where the C scanner is missing, the json package takes over.
"""

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
