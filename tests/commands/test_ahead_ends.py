"""Nothing of a run ahead is left, whichever of its processes is killed, and nobody waits for one that is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillcache.commands.ahead import running
from skillcache.core import processes
from tests.commands.ahead import SAID, Place
from tests.conftest import until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield (made := Place(tmp_path))
    running.stop(str(made.cache))


def family(place: Place) -> dict[str, int]:
    """The processes of a run ahead that has begun, by what they are."""
    check = place.command()
    way = processes.parent_of(check)
    first = processes.parent_of(way)
    keeper = processes.parent_of(first)
    assert place.current().pid == keeper
    assert place.current().group == way
    below = [int(name) for name in Path(f"/proc/{way}/task/{way}/children").read_text().split()]
    (guard,) = [number for number in below if number != check]
    return {"keeper": keeper, "first": first, "way": way, "command": check, "guard": guard}


@pytest.mark.parametrize("which", ["keeper", "first", "way", "command", "guard"])
def test_whichever_is_killed_the_rest_ends(place: Place, which: str) -> None:
    place.ahead("check one")
    numbers = family(place)
    os.kill(numbers[which], signal.SIGKILL)
    if which == "guard":  # of no use to a run that ends well
        place.open("one")
    until(lambda: not place.processes() and not any(map(is_running, numbers.values())))
    assert [*(place.cache / "runs").iterdir()] == []

    place.open("one")
    assert place.call("check one").stdout == SAID
    assert place.runs() == (1 if which == "guard" else 2)


def is_running(number: int) -> bool:
    return bool(processes.describe(number))


def test_a_keeper_that_was_killed_is_nobody(place: Place) -> None:
    place.ahead("check one")
    os.kill(place.current().pid, signal.SIGKILL)
    until(lambda: not place.processes())
    assert running.current(str(place.cache)) is None
    place.call("unheard of")
    assert not (place.cache / "ahead/running").exists()
    place.open("two")
    place.ahead("check two")
    place.settle()
    assert place.became() == ["stored"]


def test_nobody_is_ended_for_having_a_keepers_number(place: Place) -> None:
    place.ahead("check one")
    found = place.current()
    running.stop(str(place.cache))
    place.settle()
    found.pid, found.group = os.getpid(), os.getpgrp()
    running.keep(str(place.cache), found)
    running.stop(str(place.cache))
    assert not (place.cache / "ahead/running").exists()


LEAVING = """#!/bin/sh
trap '' INT TERM HUP
setsid sh -c 'trap "" INT; exec sleep 1001' "$0" &
(setsid sh -c 'trap "" INT TERM HUP; (exec sh -c "sleep 1002; :" "$0") & exit' "$0" >/dev/null 2>&1 &)
(cd / && exec setsid env -i /bin/sh -c "sleep 1003; : $0" </dev/null >/dev/null 2>&1) &
echo x >>"$COUNTER"
while [ ! -e "$GATES/$1" ]; do sleep 0.02; done
echo "$1 is done"
"""


def left(of: set[int]) -> set[int]:
    return {number for number in of if is_running(number)}


def below(number: int) -> set[int]:
    from skillcache.commands.ahead.tree import descendants

    return set(descendants(number))


@pytest.mark.parametrize("how", ["stopped", "keeper", "first", "way", "ended"])
def test_what_has_left_its_group_ends_as_well(place: Place, how: str) -> None:
    place.tool("check", LEAVING)
    place.ahead("check one")
    keeper = place.current().pid
    until(lambda: sum("sleep" in words(number) for number in below(keeper)) >= 3)
    everything = below(keeper) | {keeper}
    if how == "stopped":
        running.stop(str(place.cache))
        assert not left(everything - {keeper})
    elif how == "ended":
        place.open("one")
    else:
        first = next(number for number in below(keeper) if processes.parent_of(number) == keeper)
        os.kill({"keeper": keeper, "first": first, "way": place.current().group}[how], signal.SIGKILL)
    until(lambda: not left(everything))


def words(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return ""


def test_a_zombie_of_nobody_is_reaped(place: Place) -> None:
    """What waits for the end of its own daemon would wait for ever."""
    place.tool(
        "check",
        "#!/bin/sh\necho x >>\"$COUNTER\"\ndaemon=$(sh -c 'sleep 0.05 >/dev/null 2>&1 & echo $!')\n"
        'while kill -0 "$daemon" 2>/dev/null; do sleep 0.02; done\necho ended\n',
    )
    place.ahead("check one")
    place.settle()
    assert place.became() == ["stored"]
