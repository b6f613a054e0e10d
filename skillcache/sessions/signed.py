"""The journal of a team: each text is signed for its session and its field, and one that is not counts as not there.

Numbers are not signed, for the store itself counts and compares them: when something was, how often, which process.
A path is signed for its project, as the store adds up the edits of sessions.
"""

from skillcache.core import json
from skillcache.core.outcomes import MISSIGNED, UNSIGNED
from skillcache.sessions.journal import History, Journal, Past, Question, decode
from skillcache.stores.contract import notes_key, session_key, session_keys, sessions_key
from skillcache.stores.signed import LOG, NOTE, PATH, SESSION, TASK, Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_DIGITS = 16
_PLACED, _PLACE = "signed", "place"  # a group of fields, and in it the project's name, which the store needs plain
# What the store counts and compares of a state; in all else a number would be a word.
_NUMBERS = (
    *("active", "compacted", "edited", "ended", "failed_at", "listed", "opened", "passed_at", "placed", "prompted"),
    *("prompts", "replied", "signed", "started", "titled"),
)
_STATUSES = ("pending", "in_progress", "completed", "deleted")
_OF_LOG, _OF_TASKS = 1, 4  # of `session_keys`


def field_of(session: str, field: str) -> str:
    """What a field of a session's state is signed for."""
    return f"{session_key(session)}\n{field}"


class SignedJournal(Journal):
    def __init__(self, journal: Journal, keys: Keys) -> None:
        self._journal = journal
        self._keys = keys

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        lines = [[self._signed(line) for line in part] for part in (before, after)]
        found = self._journal.tell(lines[0], question, lines[1], ttl=ttl)
        return None if found is None or question is None else self._opened(found, question.project)

    def past(self, session: str, entries: int) -> Past | None:
        found = self._journal.past(session, entries)
        return None if found is None else self._past(found, "")

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        keys, id_ = self._keys, past.id
        state = {
            name: text if name == "project" or _is_number(name, text) else self._of_state(id_, name, text)
            for name, text in past.state.items()
        }
        state[_PLACE] = self._of_state(id_, _PLACE, project)
        log = [keys.seal(LOG, session_keys(id_)[_OF_LOG], text) for text in past.log]
        files = [(self._path(project, path), count) for path, count in past.files]
        tasks = {name: text if ":" in name else self._task(id_, name, text) for name, text in past.tasks.items()}
        self._journal.restore(Past(id_, state, log, files, tasks), project=project, at=at, ttl=ttl)

    def forget(self, session: str, project: str) -> bool:
        return self._journal.forget(session, project)

    def add_note(self, project: str, id_: str, note: str) -> None:
        self._journal.add_note(project, id_, self._keys.seal(NOTE, f"{notes_key(project)}\n{id_}", note))

    def remove_note(self, project: str, id_: str) -> bool:
        return self._journal.remove_note(project, id_)

    def close(self) -> None:
        self._journal.close()

    # What is written.

    def _signed(self, line: bytes) -> bytes:
        record: Any = decode(line)
        if record is None:
            return line
        id_ = record["session"]
        for fields in record["state"].values():
            fields.update({name: self._of_state(id_, name, text) for name, text in fields.items() if text})
        if record["log"]:
            record["log"] = self._keys.seal(LOG, session_keys(id_)[_OF_LOG], record["log"])
        project = record["project"]
        if project:
            record["state"][_PLACED] = {_PLACE: self._of_state(id_, _PLACE, project)}
        record["files"] = [self._path(project, path) for path in record["files"]] if project else []
        tasks = record["tasks"]
        record["tasks"] = [[name, text and self._task(id_, name, text), status] for name, text, status in tasks]
        return json.dumps(record).encode("ascii")

    def _of_state(self, session: str, name: str, text: str) -> str:
        return self._keys.seal(SESSION, field_of(session, name), text)

    def _path(self, project: str, path: str) -> str:
        return self._keys.seal(PATH, sessions_key(project), path)

    def _task(self, session: str, name: str, subject: str) -> str:
        return self._keys.seal(TASK, f"{session_keys(session)[_OF_TASKS]}\n{name}", subject)

    # What is read.

    def _opened(self, found: History, project: str) -> History:
        notes = {
            id_: note
            for id_, sealed in found.notes.items()
            if (note := self._keys.opened(NOTE, f"{notes_key(project)}\n{id_}", sealed)) is not None
        }
        sessions = [past for each in found.sessions if (past := self._past(each, project)) is not None]
        return History(notes, sessions, self._counted(found.edited, project))

    def _past(self, found: Past, project: str) -> Past | None:
        """None where nothing in it is signed for this session: then it may be anybody's."""
        id_, keys = found.id, self._keys
        numbers = {name: text for name, text in found.state.items() if _is_number(name, text)}
        sealed_ones = {name: text for name, text in found.state.items() if name != "project" and name not in numbers}
        opened = {name: keys.opened(SESSION, field_of(id_, name), text) for name, text in sealed_ones.items()}
        texts = {name: text for name, text in opened.items() if text is not None}
        if not texts:
            if not opened:
                keys.note(UNSIGNED, SESSION)
            return None
        place = texts.pop(_PLACE, "")
        if project and place != project:  # put among those of another project
            keys.note(MISSIGNED, SESSION)
            return None
        project = place
        state = {**numbers, **texts, **({"project": project} if project else {})}
        log = dict.fromkeys([keys.opened(LOG, session_keys(id_)[_OF_LOG], sealed) for sealed in found.log])
        tasks: dict[str, str] = {}
        for name, sealed in found.tasks.items():
            subject = None if ":" in name else keys.opened(TASK, f"{session_keys(id_)[_OF_TASKS]}\n{name}", sealed)
            if subject is not None:
                status = found.tasks.get(f"{name}:status", "")
                tasks |= {name: subject, **({f"{name}:status": status} if status in _STATUSES else {})}
        return Past(id_, state, [text for text in log if text is not None], self._counted(found.files, project), tasks)

    def _counted(self, found: "list[tuple[str, int]]", project: str) -> "list[tuple[str, int]]":
        """Paths and counts, most first: one path may be signed with more than one key."""
        counts: dict[str, int] = {}
        for sealed, count in found:
            path = self._keys.opened(PATH, sessions_key(project), sealed)
            if path is not None:
                counts[path] = counts.get(path, 0) + count
        return sorted(counts.items(), key=lambda each: -each[1])


def _is_number(name: str, text: str) -> bool:
    return name in _NUMBERS and text.isascii() and text.isdecimal() and len(text) <= _DIGITS
