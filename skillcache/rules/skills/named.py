"""Outputs that a call names itself: in a list of outputs, a text in braces means words of the command.

{-o}  {--output}  {-o,--output}    the option's value: `-o X`, `-oX`, `--output X`, `--output=X`, each time it is given
{1}  {2}  ...                      the first, second, ... word behind the script that is neither an option nor such a
                                   value; behind `--` every word counts

Which option takes a value is known of those in braces alone. A word that is taken for an output and is none does no
harm: what is named and not written keeps the result from being stored.
"""

import os

_NOWHERE = ("", "-", os.devnull)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def is_named(text: str) -> bool:
    """Whether an output says where in the command it is named, rather than what it is called."""
    return text[:1] == "{"


def fault_of(text: str) -> str:
    """Why a text that begins with a brace names no word of a command, or ''."""
    names = _names(text)
    if text[-1:] == "}" and (all(map(_is_option, names)) or (len(names) == 1 and _is_place(names[0]))):
        return ""
    return "names neither an option, as {-o,--output}, nor an argument, as {1}"


def values_of(texts: tuple[str, ...], given: tuple[str, ...]) -> dict[int, str]:
    """The outputs that the words behind a script name by these texts: by the word's index, what it says."""
    names = [name for text in texts if is_named(text) for name in _names(text)]
    options = {name for name in names if _is_option(name)}
    places = {int(name) for name in names if _is_place(name)}
    found: dict[int, str] = {}
    at, operands, is_ended = 0, 0, not names
    while at < len(given):
        word = given[at]
        if is_ended or word[:1] != "-" or word == "-":
            operands += 1
            if operands in places:
                found[at] = word
        elif word == "--":
            is_ended = True
        elif word in options:
            at += 1
            if at < len(given):
                found[at] = given[at]
        else:
            for option in options:
                start = option if len(option) == 2 else f"{option}="
                if word.startswith(start):
                    found[at] = word[len(start) :]
        at += 1
    return {at: value for at, value in found.items() if value not in _NOWHERE}


def _names(text: str) -> list[str]:
    return [name.strip(" ") for name in text[1:-1].split(",")]


def _is_option(name: str) -> bool:
    if name.startswith("--"):
        return len(name) > 3 and name[2] in _LETTERS and _LETTERS.issuperset(name[2:].replace("-", "").replace("_", ""))
    return len(name) == 2 and name[0] == "-" and name[1] in _LETTERS


def _is_place(name: str) -> bool:
    return name.isascii() and name.isdigit() and name[0] != "0" and len(name) < 4
