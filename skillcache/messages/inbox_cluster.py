"""The post in a cluster: an agent's inbox lies with the agent, what a project's agents share with the project.

So what is one round trip on one server is a few here, one after the other, and each of them may be the last that is
done: a message is put into its inbox once somebody is to look after that, is out of the hands of whom it was sent to
before its sender has it again, and is known to the sender by then, so that it comes back once. What is left half done
is taken up by the next who looks into the project (`scripts_cluster`).

What an agent came for is done by the first step; where the node of the project, or of another agent, is away then, the
rest of it waits.
"""

from skillcache.core.outcomes import StoreError
from skillcache.messages import message, scripts_cluster
from skillcache.messages.inbox import WORK, Denied, Letter, Meeting, Taken
from skillcache.messages.inbox_redis import (
    RedisPost,
    anything,
    as_bytes,
    count_of,
    fields_of,
    garbage,
    items,
    number,
    pairs,
    taken,
    text_of,
)
from skillcache.messages.message import proof_of, stamped
from skillcache.stores.cluster import tag_of
from skillcache.stores.contract import agent_key, agent_keys, channel, edits_key, registry_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from skillcache.stores.connection import Command, Reply, Request

    T = TypeVar("T")
    # What a script of an agent says beside its answer: the project, what goes back, whether it was not active of late.
    Waiting = list[tuple[str, str, str, bytes, bytes]]
    Beside = tuple[str, Waiting, bool]

_SOME = 512  # agents whose fields are asked for at a time


class ClusterPost(RedisPost):
    """Holds to the contract, but that only what concerns one agent happens whole, and in more round trips."""

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        who, _ = self._agent(scripts_cluster.WHO, id_, self.token)
        if who is None:
            raise Denied(id_)
        held, name, theirs = [text_of(word) for word in items(who, 3)]
        project, proof = fields["project"], proof_of(self.token)
        if theirs not in ("", proof) or (base and held != project):
            name = ""
        wanted = fields.get("name", name)
        given = (id_, proof, base, wanted, name, fields.get("session", ""))
        named = self._project(scripts_cluster.NAME, project, *given)
        if named is None:
            raise Denied(id_)
        called, beside = self._agent(scripts_cluster.REGISTER, id_, self.token, text_of(named), project, *pairs(fields))
        if called is None:
            raise Denied(id_)
        if held not in ("", project):
            _later(lambda: self._project(scripts_cluster.LEAVE, held, id_))
        self._return(id_, beside)
        return text_of(called)

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        given = (moment, str(most))
        answer, beside = self._agent(scripts_cluster.LOOK, id_, self.token, *given, "", *pairs(fields))
        if count_of(answer) < 0:
            return count_of(answer)
        self._return(id_, beside)
        reached = self._tend(beside[0], id_, "active")
        if id_ not in reached and not ends:
            return count_of(answer)
        # Only now it is known whether something of its own has come back.
        answer, beside = self._agent(scripts_cluster.LOOK, id_, self.token, *given, "1" if ends else "")
        waiting = count_of(answer)
        if ends and not waiting:
            self._tend(beside[0], id_, "ended")
            self._return(id_, beside)
        return waiting

    def note(self, id_: str, fields: dict[str, str]) -> None:
        self._agent(scripts_cluster.NOTE, id_, self.token, *pairs(fields))

    def end(self, id_: str) -> bool:
        who, (project, _, _) = self._agent(scripts_cluster.WHO, id_, self.token)
        if who is None:
            return False
        others: list[str] = []
        if project:
            given = (id_, proof_of(self.token))
            others = [text_of(word) for word in items(self._project(scripts_cluster.ENDING, project, *given))]
        ending = [(id_, ""), *[(other, id_) for other in others]]
        asked = [self._of_agent(scripts_cluster.FINISH, each, self.token, session) for each, session in ending]
        for (each, _), reply in zip(ending, self._link.ask_all(asked), strict=True):
            self._return(each, _answered(reply)[1])
        return True

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        now, *ids = items(self._project(scripts_cluster.AGENTS_OF, project)) or [None]
        known = [text_of(id_) for id_ in ids]
        found: list[dict[str, str]] = []
        counts = {True: 0, False: 0}
        for start in range(0, len(known), _SOME):
            some = known[start : start + _SOME]
            for id_, (_, fields) in self._fields(some).items():
                has_ended = "ended" in fields
                if fields.get("project") == project and counts[has_ended] < message.AGENTS:
                    counts[has_ended] += 1
                    found.append({**fields, "id": id_})
            if min(counts.values()) >= message.AGENTS:
                break
        return number(text_of(now)), found

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        given = list(letters)
        watched: dict[str, list[str | bytes]] = {}
        for letter in given:
            watched.setdefault(letter.project, []).extend((str(letter.ttl), letter.to))
        self._link.ask_all(
            [self._of_project(scripts_cluster.WATCH, project, *words) for project, words in watched.items()]
        )
        posted: dict[str, list[int]] = {}
        for place, letter in enumerate(given):
            posted.setdefault(letter.to, []).append(place)
        asked = []
        for to, places in posted.items():
            own = [(str(each.ttl), each.envelope, each.value) for each in [given[place] for place in places]]
            asked.append(self._of_agent(scripts_cluster.SEND, to, *[word for words in own for word in words]))
        found, told = [0] * len(given), [""] * len(given)
        for (to, places), reply in zip(posted.items(), self._link.ask_all(asked), strict=True):
            answer, beside = _answered(reply)
            now, *counts = items(answer, 1 + len(places))
            for place, count in zip(places, counts, strict=True):
                found[place] = count_of(count)
                if found[place] >= 0:
                    told[place] = _stamped(given[place], number(text_of(now)))
            self._return(to, beside)
        heard = self._tell(list(zip(given, told, strict=True)))
        return [
            max(count, heard.get(letter.to, 0)) if count >= 0 else count
            for letter, count in zip(given, found, strict=True)
        ]

    def take(self, id_: str, count: int) -> Taken:
        answer, beside = self._agent(scripts_cluster.TAKE, id_, self.token, str(count))
        if answer is None:
            raise Denied(id_)
        found = taken(answer, count)
        self._return(id_, beside)
        if beside[2]:
            self._tend(beside[0], id_)
        return found

    def settle(
        self,
        id_: str,
        shown: "Iterable[tuple[str, str]]",
        returned: "Iterable[tuple[str, str]]" = (),
        *,
        size: int = 0,
        stopped: bool = False,
    ) -> None:
        first, last = [word for pair in shown for word in pair], [word for pair in returned for word in pair]
        given = ("1" if stopped else "", str(size), str(len(first) // 2), *first, *last)
        answer, beside = self._agent(scripts_cluster.SETTLE, id_, self.token, *given)
        if answer is None:
            raise Denied(id_)
        self._return(id_, beside)

    def edited(self, id_: str, place: str) -> list[Meeting]:
        who, _ = self._agent(scripts_cluster.WHO, id_, self.token)
        project, name, _ = [text_of(word) for word in items(who, 3)] if who is not None else ("", "", "")
        if not project:
            return []
        met = [Meeting(id_, name, 0)]
        keys = (edits_key(place),)
        found = self._link.ask((self._command(scripts_cluster.EDITED, keys, id_, place), items))
        since = {text_of(other): number(text_of(ago)) for other, ago in [items(each, 2) for each in found]}
        there = [(other, fields) for other, (gone, fields) in self._fields(list(since)).items()
                 if fields.get("project") and not gone]  # fmt: skip
        if there:
            command = self._command(scripts_cluster.MEET, keys, id_, place, *[other for other, _ in there])
            first = self._link.ask((command, lambda reply: items(reply, len(there))))
            met += [
                Meeting(other, fields.get("name", ""), since[other])
                for (other, fields), is_first in zip(there, first, strict=True)
                if is_first == 1
            ]
        return met

    def _fields(self, ids: list[str]) -> dict[str, tuple[bool, dict[str, str]]]:
        """Of each agent in their order whether it is gone, and its fields, of which there may be none."""
        by_tag: dict[str, list[str]] = {}
        for id_ in ids:
            by_tag.setdefault(tag_of(agent_key(id_)), []).append(id_)
        requests: list[Request[Reply]] = [
            (self._command(scripts_cluster.FIELDS, tuple(map(agent_key, own))), anything) for own in by_tag.values()
        ]
        found = {}
        for own, reply in zip(by_tag.values(), self._link.ask_all(requests), strict=True):
            for id_, item in zip(own, items(reply, len(own)), strict=True):
                gone, fields = items(item, 2)
                found[id_] = (gone == 1, fields_of(fields))
        return {id_: found[id_] for id_ in ids}

    def _return(self, id_: str, beside: "Beside") -> None:
        """What waits with an agent is taken to its senders; what cannot be now, by somebody else."""
        _later(lambda: self._hand_over(id_, beside))

    def _hand_over(self, id_: str, beside: "Beside") -> set[str]:
        """Who has got something back. Raises StoreError where a sender's node is away, once the others have theirs."""
        reached: set[str] = set()
        while waiting := beside[1]:
            came, fault = self._come_back(id_, waiting)
            told: dict[str, list[str | bytes]] = {}
            for _, sender, project, envelope, _ in waiting:
                if next(came.get(sender, iter(())), 0) == 1:
                    told.setdefault(project, []).append(envelope)
                    reached.add(sender)
            for project, texts in told.items():
                self._project(scripts_cluster.TALK, project, *texts)
            marks = [mark for mark, sender, *_ in waiting if sender in came]
            if marks:
                _, beside = self._agent(scripts_cluster.CAME, id_, *marks)
            if fault is not None:
                raise fault
        return reached

    def _come_back(self, id_: str, waiting: "Waiting") -> "tuple[dict[str, Iterator[Reply]], StoreError | None]":
        """What each sender's inbox says of its messages, in their order; the fault of those that could not be asked."""
        by_sender: dict[str, list[str | bytes]] = {}
        for mark, sender, _, envelope, value in waiting:
            by_sender.setdefault(sender, []).extend((f"{id_} {mark}", envelope, value))
        came, fault = {}, None
        for sender, words in by_sender.items():
            try:
                answer, _ = self._agent(scripts_cluster.COME_BACK, sender, *words)
                came[sender] = iter(items(answer))
            except StoreError as error:
                fault = error
        return came, fault

    def _tell(self, sent: "list[tuple[Letter, str]]") -> dict[str, int]:
        """Tells the projects what was said, and looks after inboxes. As each recipient so many listen.

        Over clients of ours, that is: those ask one node, wherever the inbox lies.
        """
        texts: dict[str, list[str]] = {letter.project: [] for letter, _ in sent}
        for letter, text in sent:
            texts[letter.project] += [text] if text else []
        recipients = list(dict.fromkeys([letter.to for letter, text in sent if text]))

        def ask() -> "list[Reply]":
            asked = [self._of_project(scripts_cluster.TEND, project, "", "", *said) for project, said in texts.items()]
            channels = [channel(id_) for id_ in recipients]
            return self._link.ask_all([*asked, (self._command(scripts_cluster.LISTENERS, (), *channels), anything)])

        *due, counts = _later(ask) or [None]
        for project, those in zip(texts, due, strict=False):
            self._expire(project, those)
        return dict(zip(recipients, map(count_of, counts if isinstance(counts, list) else []), strict=False))

    def _tend(self, project: str, id_: str, is_: str = "") -> set[str]:
        """Tells the project what an agent is, and looks after inboxes where somebody is to.

        Who has got something back by it.
        """
        given = (scripts_cluster.TEND, project, id_, is_)
        return _later(lambda: self._expire(project, self._project(*given))) or set()

    def _expire(self, project: str, due: "Reply") -> set[str]:
        done: list[str] = []
        reached: set[str] = set()
        for each in items(due):
            id_, until = [text_of(word) for word in items(each, 2)]
            try:
                wait, beside = self._agent(scripts_cluster.EXPIRE, id_)
                reached |= self._hand_over(id_, beside)
            except StoreError:  # its node, or a sender's, which holds up nobody else
                continue
            done += [id_, until, "" if wait is None else text_of(wait)]
        if done:
            _later(lambda: self._project(scripts_cluster.AFTER, project, *done))
        return reached

    def _agent(self, script: bytes, id_: str, *words: "str | bytes") -> "tuple[Reply, Beside]":
        return _answered(self._link.ask(self._of_agent(script, id_, *words)))

    def _of_agent(self, script: bytes, id_: str, *words: "str | bytes") -> "Request[Reply]":
        return self._command(script, agent_keys(id_), id_, *words), anything

    def _project(self, script: bytes, project: str, *words: "str | bytes") -> "Reply":
        return self._link.ask(self._of_project(script, project, *words))

    def _of_project(self, script: bytes, project: str, *words: "str | bytes") -> "Request[Reply]":
        return self._command(script, registry_keys(project), project, *words), anything

    def _command(self, script: bytes, keys: tuple[str, ...], *words: "str | bytes") -> "Command":
        """keys: all that it may touch, so that a slot on its way is where all of them are, or is refused."""
        return ("EVAL", script, str(len(keys)), *map(as_bytes, keys), self._now, *map(as_bytes, words))


def _later(act: "Callable[[], T]") -> "T | None":
    """What others will do where we cannot."""
    try:
        return act()
    except StoreError:
        return None


def _answered(reply: "Reply") -> "tuple[Reply, Beside]":
    answer, project, waiting, is_late = items(reply, 4)
    back = []
    for item in items(waiting):
        mark, sender, of, envelope, value = items(item, 5)
        if not isinstance(envelope, bytes) or not isinstance(value, bytes):
            raise garbage()
        back.append((text_of(mark), text_of(sender), text_of(of), envelope, value))
    return answer, (text_of(project), back, is_late == 1)


def _stamped(letter: Letter, at: int) -> str:
    return stamped(letter.envelope.decode("ascii"), at=at, expires=at + letter.ttl * 1000)
