"""The journal in Redis: scripts of `session_scripts`, one round trip for all that a hook has to say and to ask."""

from skillcache.core.errors import StoreError
from skillcache.core.outcomes import STORE_GARBAGE, STORE_REFUSED, STORE_UNREACHABLE
from skillcache.sessions import record
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.sessions.scripts import FORGET, READ, RECORD, RESTORE
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.redis_keys import notes_key
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.core.outcomes import Outcome
    from skillcache.stores.resp import Reply

    Command = tuple[str | bytes, ...]


class RedisJournal(Journal):
    def __init__(self, address: Address, limits_: Limits | None = None) -> None:
        self._connection = Connection(address, limits_ or Limits())
        self._fault: tuple[Outcome, str] | None = None

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        commands: list[Command] = [*_record(before, ttl)]
        place = len(commands)
        if question is not None:
            commands.append(_read(question))
        commands += _record(after, ttl)
        if not commands:
            return None
        replies = self._ask(tuple(commands))
        return None if question is None else self._history(replies[place], question)

    def past(self, session: str, entries: int) -> Past | None:
        question = Question("", own=session, sessions=0, near=0, any=0, entries=entries, files=record.FILES)
        (reply,) = self._ask((_read(question),))
        return next(iter(self._history(reply, question).sessions), None)

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        runs: list[list[str]] = [
            [word for pair in past.state.items() for word in pair],
            past.log[::-1],
            [word for path, count in past.files for word in (path, str(count))],
            [word for pair in past.tasks.items() for word in pair],
        ]
        words = [word for run in runs for word in (str(len(run)), *run)]
        self._ask((("EVAL", RESTORE, "0", past.id, project, str(at), str(ttl), *map(_bytes, words)),))

    def forget(self, session: str, project: str) -> bool:
        return self._ask((("EVAL", FORGET, "0", session, project),)) != [0]

    def add_note(self, project: str, id_: str, note: str) -> None:
        self._ask((("HSET", notes_key(project), id_, _bytes(note)),))

    def remove_note(self, project: str, id_: str) -> bool:
        return self._ask((("HDEL", notes_key(project), id_),)) == [1]

    def close(self) -> None:
        self._connection.close()

    def _ask(self, commands: "tuple[Command, ...]") -> "list[Reply]":
        if self._fault is not None:
            raise StoreError(*self._fault)
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            replies = self._connection.exchange_all(commands)
        except StoreError as error:
            raise self._die(error.outcome, error.detail) from None
        self._fault = None
        for reply in replies:
            if isinstance(reply, Refusal):
                raise self._die(STORE_REFUSED, reply.detail)
        return replies

    def _die(self, outcome: "Outcome", detail: str) -> StoreError:
        self._fault = (outcome, detail)
        self.close()
        return StoreError(outcome, detail)

    def _history(self, reply: "Reply", question: Question) -> History:
        """No more than was asked for, whatever comes."""
        try:
            notes, *pasts = _items(reply)
            return History(_pairs(notes), [_past(item, question) for item in pasts[: question.sessions + 1]])
        except (TypeError, ValueError, OverflowError):
            raise self._die(STORE_GARBAGE, "a history of another shape") from None


def _record(records: "Iterable[bytes]", ttl: int) -> "list[Command]":
    lines = tuple(records)
    if not lines:
        return []
    caps = (ttl, record.LOG, record.FILES, record.TASKS, record.SESSIONS, record.TOLD, record.TOLD_TTL)
    return [("EVAL", RECORD, "0", *map(str, caps), *lines)]


def _read(question: Question) -> "Command":
    counts = (question.sessions, question.near, question.any, question.entries, question.files)
    return ("EVAL", READ, "0", question.project, question.branch, question.own, *map(str, counts))


def _past(reply: "Reply", question: Question) -> Past:
    id_, state, log, files, tasks = _items(reply)
    return Past(
        _text(id_),
        _pairs(state),
        [_text(entry) for entry in _items(log)[: question.entries]],
        [(path, int(float(count))) for path, count in _couples(files)[: question.files]],
        _pairs(tasks),
    )


def _pairs(reply: "Reply") -> dict[str, str]:
    return dict(_couples(reply))


def _couples(reply: "Reply") -> list[tuple[str, str]]:
    words = [_text(word) for word in _items(reply)]
    return list(zip(words[::2], words[1::2], strict=True))


def _items(reply: "Reply") -> "list[Reply]":
    if not isinstance(reply, list):
        raise TypeError
    return reply


def _text(reply: "Reply") -> str:
    """What others wrote may be any bytes."""
    if not isinstance(reply, bytes):
        raise TypeError
    return reply.decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
