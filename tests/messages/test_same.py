"""A cluster, where a call is several steps, answers each call as one server does, whatever came before."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from skillcache.messages.inbox import STOP, STOP_AGAIN, WORK, Denied, Post
from skillcache.messages.message import decode
from tests.clusters import Cluster
from tests.conftest import RedisServer
from tests.messages.conftest import NOW, agent, letter, open_at

_IDS = [*(f"agent-{number}" for number in range(6)), "person:somebody@box:0123456789ab"]
_PROJECTS = ("one", "two")
_TOKENS = ("", "mine", "theirs")
_CALLS = 100


class Same:
    """The same calls, said to both."""

    def __init__(self, urls: tuple[str, str], seed: int) -> None:
        self._urls = urls
        self._chance = Random(seed)
        self._now = NOW
        self._token = ""
        self._sent = 0
        self._entries: list[dict[str, str]] = [{}, {}]  # of each what it was taken as, by the message's id

    def call(self) -> tuple[str, list[object]]:
        """What was asked, and both answers."""
        chance = self._chance
        self._now += chance.choice((0, 0, 0, 0.5, 4, 30, 400))
        for url in self._urls:
            self._look_after(url)
        self._token = chance.choice(_TOKENS)
        name, act = chance.choice(
            [self._register, self._look, self._look, self._send, self._send, self._take, self._take, self._settle,
             self._end, self._agents, self._edited, self._talk, self._find]
        )()  # fmt: skip
        return f"{name} at {self._now - NOW:g} by {self._token!r}", [
            self._answer(url, act, entries) for url, entries in zip(self._urls, self._entries, strict=True)
        ]

    def _look_after(self, url: str) -> None:
        """Until nothing is left that has expired, of which a call returns some."""
        post = open_at(url, self._now)
        for project in _PROJECTS:
            post.register(f"watch-{project}", agent(project=project, session="watch"), "watch")
            for _ in range(4):
                post.look(f"watch-{project}", {})
        post.close()

    def _answer(self, url: str, act: Callable[[Post, dict[str, str]], object], entries: dict[str, str]) -> object:
        post = open_at(url, self._now)
        post.token = self._token
        try:
            return act(post, entries)
        except Denied:
            return "denied"
        finally:
            post.close()

    def _id(self) -> str:
        return self._chance.choice(_IDS)

    def _register(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_, session = self._id(), self._chance.choice(("s1", "agent-0"))
        base = "" if id_.startswith("person:") else self._chance.choice(("main", "reviewer"))
        fields = agent(session=session, project=self._chance.choice(_PROJECTS), name="somebody")
        return f"register {id_} {fields} {base}", lambda post, _: post.register(id_, fields, base)

    def _look(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_, moment, ends = self._id(), self._chance.choice((WORK, STOP, STOP_AGAIN)), self._chance.random() < 0.2
        most = self._chance.randrange(3)
        return f"look {id_} {moment} {most} {ends}", lambda post, _: post.look(
            id_, {"tool": str(most)}, moment=moment, most=most, ends=ends
        )

    def _send(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        letters = []
        for _ in range(self._chance.randint(1, 3)):
            self._sent += 1
            to, writer = self._chance.sample(_IDS, 2)
            more = {"project": self._chance.choice(_PROJECTS), "from": writer}
            ttl = self._chance.choice((1, 20, 1_000))
            kind = self._chance.choice(("text", "text", "notice"))
            letters.append(letter(str(self._sent), to=to, ttl=ttl, kind=kind, **more))
        return f"send {[(each.to, each.ttl) for each in letters]}", lambda post, _: post.send(letters)

    def _take(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_ = self._id()

        def take(post: Post, entries: dict[str, str]) -> object:
            taken = post.take(id_, 100)
            found = []
            for each in taken.deliveries:
                message = decode(each.text)
                assert message is not None
                entries[f"{id_} {message['id']}"] = each.entry
                found.append((message["id"], message.bounce, message.times, each.again))
            # What comes back from several inboxes has no order.
            return taken.now, taken.name, [each for each in found if not each[1]], sorted(filter(lambda m: m[1], found))

        return f"take {id_}", take

    def _settle(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        known = sorted(self._entries[0].keys() & self._entries[1].keys())
        if not known:
            return self._take()
        id_ = self._chance.choice(known).split()[0]
        own = [name.split()[1] for name in known if name.split()[0] == id_][:4]
        refused = self._chance.random() < 0.4
        size = self._chance.choice((0, 100, 30_000))

        def settle(post: Post, entries: dict[str, str]) -> object:
            pairs = [(entries[f"{id_} {name}"], "refused" if refused else name) for name in own]
            post.settle(id_, () if refused else pairs, pairs if refused else (), size=size, stopped=not refused)
            for name in own:
                del entries[f"{id_} {name}"]
            return None

        return f"settle {id_} {own} {refused}", settle

    def _end(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_ = self._id()
        return f"end {id_}", lambda post, _: post.end(id_)

    def _agents(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        project = self._chance.choice(_PROJECTS)

        def agents(post: Post, _: dict[str, str]) -> object:
            now, found = post.agents(project)
            return now, sorted(found, key=lambda each: each["id"])

        return f"agents {project}", agents

    def _edited(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_, place = self._id(), self._chance.choice(("file", "another"))

        def edited(post: Post, _: dict[str, str]) -> object:
            found = [(each.id, each.name, each.ago) for each in post.edited(id_, place)]
            return found[:1], sorted(found[1:])

        return f"edited {id_} {place}", edited

    def _talk(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        project = self._chance.choice(_PROJECTS)

        def talk(post: Post, _: dict[str, str]) -> object:
            return sorted(text for _, text in post.talk(project))

        return f"talk {project}", talk

    def _find(self) -> tuple[str, Callable[[Post, dict[str, str]], object]]:
        id_ = self._id()
        return f"find {id_}", lambda post, _: post.find(id_)


@pytest.mark.parametrize("seed", range(8))
def test_a_cluster_answers_as_one_server_does(redis_cluster: Cluster, redis_server: RedisServer, seed: int) -> None:
    same = Same((redis_server.url, redis_cluster.url), seed)
    asked = []
    for _ in range(_CALLS):
        what, (one, spread) = same.call()
        asked.append(what)
        assert spread == one, "\n".join(asked[-40:])
