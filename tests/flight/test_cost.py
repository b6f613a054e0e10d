"""What waiting costs those who do not wait, in commands that a server is asked."""

from __future__ import annotations

import pytest

from tests.flight.conftest import LINE, Scene


def asked(scene: Scene) -> dict[str, int]:
    """How often the server was asked what since the last time."""
    assert scene.server is not None
    text = scene.server.command("INFO", "commandstats").decode()
    found = {}
    for line in text.split("\r\n"):
        if line.startswith("cmdstat_"):
            name, _, rest = line.removeprefix("cmdstat_").partition(":calls=")
            found[name] = int(rest.partition(",")[0])
    scene.server.command("CONFIG", "RESETSTAT")
    # Those within a script, and our own.
    for name in ("config|resetstat", "info", "get", "pttl", "set", "del", "xrevrange", "xadd", "pexpire", "sadd"):
        found.pop(name, None)
    return found


@pytest.mark.parametrize("wait", ["0", "300"])
def test_a_hit_asks_once_and_a_miss_once_more(redis_scene: Scene, wait: str) -> None:
    scene = redis_scene
    scene.environ["SKILLCACHE_WAIT"] = wait
    asked(scene)
    event = scene.before(LINE)
    assert scene.ask(event) == {}
    assert asked(scene) == {"mget": 1, **({"eval": 1} if wait != "0" else {})}
    scene.tell(event, scene.run(LINE))
    ended = asked(scene)
    assert ended.pop("getrange") == 1
    assert ended == {"eval": 1 + (wait != "0")}
    assert scene.ask(scene.before(LINE, session="s2")) != {}
    assert asked(scene) == {"mget": 1}


def test_a_wait_asks_for_little(redis_scene: Scene) -> None:
    """Three looks, two claims and a read for each two seconds of the wait."""
    first = redis_scene.first()
    asked(redis_scene)
    hook, _ = redis_scene.waiting()
    redis_scene.tell(first, redis_scene.run(LINE))
    assert redis_scene.serve(hook.answer()) == redis_scene.run(LINE)
    counts = asked(redis_scene)
    assert counts["mget"] == 2
    assert counts["eval"] - 2 <= 5  # two are the end of the first
    assert counts["xread"] <= 5


def test_what_no_rule_names_asks_nothing(redis_scene: Scene) -> None:
    asked(redis_scene)
    assert redis_scene.ask(redis_scene.before("ls -la")) == {}
    assert asked(redis_scene) == {}
