"""Why a call or a command is answered or not, from what makes its key and consults the store; for people."""

import os
import shlex
import shutil
import time
from typing import NamedTuple

from skillcache import key
from skillcache.call import Call
from skillcache.commands.process import Program
from skillcache.commands.ruled import ruled
from skillcache.commands.stand_in import without_shims
from skillcache.consent import approved
from skillcache.consultation import Consultation, consult
from skillcache.decision import Answer, Inquiry, decide
from skillcache.entry import STREAMS, Entry, Unreadable, decode
from skillcache.errors import Bypass
from skillcache.fingerprint.difference import differences
from skillcache.lanes import refusal
from skillcache.lookup import Lookup
from skillcache.outcome import HIT, NO_RULE, UNDECIDED, Outcome
from skillcache.plan import BASH, Plan
from skillcache.project import identity
from skillcache.redis_keys import entry_key, project_name, record_key, team_name


class Explanation(NamedTuple):
    """What is known of one call.

    outcome, detail: what would become of it; rule: that names it, "" for none; rows: of its key, empty when none was
    made; digest: of the key; served: the entry of a hit; size: the bytes it would print; nearest: for a miss, the
    newest entry of the same command in the same directory; changes: what differs from that entry, in words.
    """

    command: str
    outcome: Outcome
    detail: str
    rule: str = ""
    rows: tuple[key.Row, ...] = ()
    digest: str = ""
    served: Entry | None = None
    size: int = 0
    nearest: Entry | None = None
    changes: tuple[str, ...] = ()


class _Found(NamedTuple):
    planned: Plan
    looked: Lookup
    answer: Answer
    outcome: Outcome


def explain(call: Call) -> Explanation:
    """Raises StoreError and OSError. Nothing is counted, stored or claimed."""
    is_command = call.event.tool == BASH
    command = str(call.event.input.get("command")) if is_command else call.event.tool
    named: list[str] = []
    try:
        found = (_of_command if is_command else _of_call)(call, named)
    except Bypass as bypass:
        return Explanation(command, bypass.outcome, bypass.detail, "".join(named))
    looked, answer = found.looked, found.answer
    known = Explanation(command, found.outcome, "", found.planned.rule, looked.rows, looked.digest)
    if found.outcome.kind == HIT:
        return known._replace(served=answer.entry, size=len(answer.output) + len(answer.error))
    nearest = _nearest(call, found)
    if nearest is None or nearest.key == looked.key:
        return known._replace(nearest=nearest)
    captured = [row for row in key.rows_of(nearest.key) if row not in looked.called]
    return known._replace(nearest=nearest, changes=tuple(differences(nearest.details, captured, looked.fingerprint)))


def _of_call(call: Call, named: list[str]) -> _Found:
    """`named`: takes the rule that names it. Raises Bypass."""
    planned = call.plan()
    named.append(planned.rule)
    refusal.admit(call, planned)
    consulted: Consultation = consult(call, planned)
    answer, entry = consulted.answer, consulted.answer.entry
    allowed = entry is None or approved(call, entry, consulted.project)
    return _Found(planned, consulted.found, answer, answer.outcome if allowed else UNDECIDED)


def _of_command(call: Call, named: list[str]) -> _Found:
    """As a shim of it would. Raises Bypass."""
    try:
        words = tuple(map(os.path.expanduser, shlex.split(str(call.event.input.get("command")))))
    except ValueError:  # a quote that nothing closes
        words = ()
    if not words:
        raise Bypass(NO_RULE)
    environ, cwd = without_shims(dict(call.world.environ)), call.event.cwd
    program = Program(shutil.which(words[0], path=environ["PATH"]) or words[0], words, environ)
    task = ruled(program, cwd, environ, call.settings, fresh=False, joined=False)
    planned = task.plan
    named.append(planned.rule)
    looked = task.look((), seconds=call.settings.number("capture_time"))
    team = call.team(planned)
    asked = (*planned.names, project_name(identity(looked.fingerprint.root)), *((team_name(team),) if team else ()))
    store = call.open_store()
    try:
        shared = entry_key(planned.name, looked.digest, team) if team else None
        stored = store.get(entry_key(planned.name, looked.digest), asked, shared)
        inquiry = Inquiry(
            key=looked.key,
            names=planned.names,
            generations=dict(zip(asked, stored.generations, strict=True)),
            root=looked.fingerprint.root,
            place=looked.workplace.place if looked.workplace is not None else "",
            now=time.time(),
            form=STREAMS,
            failures=planned.failures,
            most=int(call.settings.number("max_output")),
        )
        answer = decide(planned, inquiry, stored.entry, stored.also)
        if answer.unknown:
            more = store.get(entry_key(planned.name, looked.digest), answer.unknown).generations
            inquiry.generations.update(zip(answer.unknown, more, strict=True))
            answer = decide(planned, inquiry, stored.entry, stored.also)
    finally:
        store.close()
    return _Found(planned, looked, answer, answer.outcome)


def _nearest(call: Call, found: _Found) -> Entry | None:
    store = call.open_store()
    try:
        (digest,) = store.read((record_key("latest", found.looked.command_digest),))
        if digest is None:
            return None
        stored = store.get(entry_key(found.planned.name, digest.decode("ascii", "replace")), ()).entry
        return None if stored is None else decode(stored, details=True, most=int(call.settings.number("max_output")))
    except Unreadable:
        return None
    finally:
        store.close()
