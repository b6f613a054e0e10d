"""Why a call is answered or not, and what differs from the state that was recorded, in words for people.

What was recorded may be anything: whoever can write to the store may have made it up.
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skillcache.cache.decision import CallKey, Plan
from skillcache.core.files import keyed
from skillcache.core.git import Git
from skillcache.core.outcomes import HIT, UNDECIDED, Bypass, Outcome
from skillcache.fingerprint.capture import Fingerprint
from skillcache.stores.contract import Store, entry_key, record_key
from skillcache.stores.entry import Entry, Row, Unreadable, decode, rows_of
from skillcache.tools.before import REFUSAL, approved
from skillcache.tools.lookup import Call, consult

_MOST = 20  # files or packages named one by one
_SECONDS = 5.0
_HEX = frozenset("0123456789abcdef")

_WORDS = {
    "depends": "{name}, which a skill depends on,",
    "env": "the variable {name}",
    "folder": "the empty folder {name}",
    "mode": "the permissions of {name}",
    "asked": "that a text asks for {name}",
    "kept": "{name}, where the suite keeps something from run to run,",
    "machine": "the machine's {name}",
    "beside": "the ignored {name}",
    "ignored": "the ignored {name}",
    "output": "{name}, which the command writes,",
    "unread": "{name}, which the command leaves alone,",
    "named": "{name}, which a variable names,",
    "link": "what the link {name} leads to",
    "place": "the project's place, {name},",
    "outside": "{name}, outside the project",
    "packages": "the packages of {name}",
    "read": "{name}, which the command names",
    "reads": "{name}, which a rule names,",
    "rewritten": "{name}, which each run writes anew,",
    "settings": "the settings file {name}",
    "shell": "the shell's {name}",
    "skill": "{name} of a skill",
    "mention": "{name}, which the project's files name,",
    "superproject": "the repository around it at {name}",
    "tool": "the tool {name}",
}


def differences(
    old_details: Mapping[str, Any], old_rows: Sequence[tuple[str, str, str]], new: Fingerprint
) -> list[str]:
    """One sentence for each thing that differs; none when the states are the same."""
    before = {(label, name): value for label, name, value in old_rows}
    after = {(label, name): value for label, name, value in new.rows}
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, now = before.get(key), after.get(key)
        if old == now:
            continue
        label, name = key
        if label == "mention" and before.get(("named", name)) != after.get(("named", name)):
            continue  # a variable names it, which says more
        if label == "content":
            found += _files(old_details, new)
        elif label == "packages" and old and now:
            found += _packages(name, old_details, new.details)
        elif key == ("ignored", ""):
            found += _ignored(old_details, new.details)
        elif label == "system":
            found.append(f"the system was {old or 'another'} and is {now or 'another'}")
        else:
            found.append(_sentence(_WORDS.get(label, "{name}").format(name=name), old, now))
    return found


def _sentence(what: str, old: str | None, new: str | None) -> str:
    absent = (None, "unset", "absent")
    if old in absent:
        return f"{what} was not there"
    if new in absent:
        return f"{what} is no longer there"
    return f"{what} changed"


def _ignored(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Of so many that one row stands for all of them."""
    before, after = _object(old.get("ignored")), _object(new.get("ignored"))
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    named = [_sentence(f"the ignored {name}", before.get(name), after.get(name)) for name in names[:_MOST]]
    return named if named and len(names) <= _MOST else [*named, "more ignored files changed"]


def _files(old: Mapping[str, Any], new: Fingerprint) -> list[str]:
    before, after = _overlay(old), _overlay(new.details)
    heads = _commit(old.get("head")), _commit(new.details.get("head"))
    committed: dict[str, tuple[object, object]] = {}
    if heads[0] != heads[1]:
        found = _between(new.root, *heads) if all(heads) else None
        if found is None:
            return [f"files changed since commit {heads[0][:12] or 'none'}, which is not known here"]
        committed = found
    alone = (before.keys() ^ after.keys()) - committed.keys()
    tree = _tree(new.root, heads[1], sorted(alone)) if heads[1] else {}
    changed = []
    for path in sorted(before.keys() | after.keys() | committed.keys()):
        head_before, head_after = committed.get(path, (tree.get(path), tree.get(path)))
        was, is_ = before.get(path, head_before), after.get(path, head_after)
        if was != is_:
            changed.append(_file(path, was, is_))
    more = "overlay" in (*_list(old.get("cut")), *_list(new.details.get("cut")))
    if not changed or more or len(changed) > _MOST:
        rest = len(changed) - _MOST
        return [*changed[:_MOST], f"{rest} more files changed" if rest > 0 and not more else "more files changed"]
    return changed


def _file(path: str, old: object, new: object) -> str:
    absent = (None, (None, None))
    if old in absent:
        return f"{path} is new"
    if new in absent:
        return f"{path} was deleted"
    if isinstance(old, tuple) and isinstance(new, tuple) and old[1:] == new[1:]:
        return f"{path} changed its mode"
    return f"{path} changed"


def _overlay(details: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    found: dict[str, tuple[object, object]] = {}
    for row in _list(details.get("overlay")):
        match row:
            case [str() as path, str() as mode, str() as oid]:
                found[path] = (mode, oid.partition(" ")[0])  # an object id may carry the file's size
            case [str() as path, None, None]:
                found[path] = (None, None)
    return found


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> set[str]:
    return {each for each in _list(value) if isinstance(each, str)}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _commit(value: object) -> str:
    """An object's whole name, "" for anything else, which git might take for an option."""
    return value if isinstance(value, str) and len(value) in (40, 64) and set(value) <= _HEX else ""


def _between(root: str, old: str, new: str) -> dict[str, tuple[object, object]] | None:
    """For each path (mode, object id) in one commit and the other, None where it is not; None when git cannot say."""
    fields = _git(root, "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", old, new, "--")
    if fields is None:
        return None
    found: dict[str, tuple[object, object]] = {}
    for head, path in zip(fields[:-1:2], fields[1::2], strict=False):
        old_mode, new_mode, old_oid, new_oid, _ = head[1:].split(" ")
        found[path] = (
            None if old_mode == "000000" else (old_mode, keyed(old_oid)),
            None if new_mode == "000000" else (new_mode, keyed(new_oid)),
        )
    return found


def _tree(root: str, head: str, paths: list[str]) -> dict[str, tuple[object, object]]:
    """(mode, object id) of those of `paths` that the commit holds."""
    found: dict[str, tuple[object, object]] = {}
    for line in (_git(root, "ls-tree", "-r", "-z", head, "--", *paths) if paths else None) or ():
        if line:
            head_, _, path = line.partition("\t")
            found[path] = (head_.split(" ")[0], keyed(head_.split(" ")[2]))
    return found


def _git(root: str, *arguments: str) -> list[str] | None:
    """The fields that git prints; None when it fails."""
    try:
        printed = Git(root, os.environ, time.monotonic() + _SECONDS).run(*arguments)
    except Bypass:
        return None
    return os.fsdecode(printed).split("\0")


def _packages(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    before, after = (_object(details.get("packages")).get(name) for details in (old, new))
    gone, come = sorted(_texts(before) - _texts(after)), sorted(_texts(after) - _texts(before))
    if before is None or after is None or not (gone or come):
        return [f"the packages of {name} changed"]
    found = [f"{package} is new in {name}" for package in come] + [f"{package} is gone from {name}" for package in gone]
    return found if len(found) <= _MOST else [*found[:_MOST], f"{len(found) - _MOST} more packages changed in {name}"]


class Explanation(NamedTuple):
    """What is known of one call.

    outcome, detail: what would become of it; rule: that names it, "" for none; rows: of its key, empty when none was
    made; digest: of the key; served: the entry of a hit; size: the bytes it would give; nearest: for a miss, the
    newest entry of the same call in the same directory; changes: what differs from that entry, in words.
    """

    command: str
    outcome: Outcome
    detail: str
    rule: str = ""
    rows: tuple[Row, ...] = ()
    digest: str = ""
    served: Entry | None = None
    size: int = 0
    nearest: Entry | None = None
    changes: tuple[str, ...] = ()


def explain(call: Call) -> Explanation:
    """Of a call that hooks answer. Raises StoreError and OSError. Nothing is counted, stored or claimed."""
    command, rule = call.event.tool, ""
    try:
        planned = call.plan()
        command, rule = planned.command, planned.rule
        REFUSAL.admit(call, planned)
        consulted = consult(call, planned)
        answer = consulted.answer
        allowed = answer.entry is None or approved(call, answer.entry, consulted.project)
    except Bypass as bypass:
        return Explanation(command, bypass.outcome, bypass.detail, rule)
    outcome, found = (answer.outcome if allowed else UNDECIDED), consulted.found
    known = Explanation(command, outcome, "", rule, found.rows, found.digest)
    if outcome.kind == HIT:
        return known._replace(served=answer.entry, size=len(answer.output))
    store = call.open_store()
    try:
        return compared(known, found, nearest(store, planned, found, int(call.settings.number("max_output"))))
    finally:
        store.close()


def nearest(store: Store, planned: Plan, found: CallKey, most: int) -> Entry | None:
    """The newest entry of the same call. `most`: bytes of its output. Raises StoreError."""
    (digest,) = store.read((record_key("latest", found.command_digest),))
    if digest is None:
        return None
    stored = store.get(entry_key(planned.name, digest.decode("ascii", "replace")), ()).entry
    if stored is None:
        return None
    try:
        entry = decode(stored, details=True, most=most)
        rows_of(entry.key)
    except (Unreadable, TypeError, ValueError):  # others may have written it
        return None
    return entry


def compared(known: Explanation, found: CallKey, newest: Entry | None) -> Explanation:
    """`known`, and what differs from `newest`."""
    if newest is None or newest.key == found.key:
        return known._replace(nearest=newest)
    captured = [row for row in rows_of(newest.key) if row not in found.called]
    changes = tuple(differences(newest.details, captured, found.fingerprint))
    return known._replace(nearest=newest, changes=changes)
