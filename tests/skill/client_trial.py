"""A skill in sessions of the real client: each spelling twice, outputs gone, an edited input, against fresh runs.

A case is that of tests/skill/trial.py, of layout "home" or "project".
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.project import Place, after
from tests.skill.declaring import declared

Told = tuple[str, bool, list[bytes]]  # text, whether it failed, outputs


def client_trial(case: dict[str, Any], collections: Path, base: Path, client: str) -> tuple[int, int, list[str]]:
    """Calls, replays, and what differed from a fresh run."""
    place = Place(base / "place", client)
    place.make()
    place.skillcache("install", "--scope", "user")
    name = case["skill"].rpartition("/")[2]
    folder = (place.home if case["layout"] == "home" else place.project) / ".claude/skills" / name
    shutil.copytree(collections / case["collection"] / case["skill"], folder)
    for shared in case.get("shared", ()):
        shutil.copytree((collections / case["collection"] / case["skill"]).parent / shared, folder.parent / shared)
    (folder / "SKILL.md").write_text(declared((folder / "SKILL.md").read_text(), case["block"]))
    outputs = [place.project / output for output in case.get("outputs", ())]

    def put(texts: dict[str, str]) -> None:
        for file, text in texts.items():
            place.write(file, text)
        for output in outputs:
            output.unlink(missing_ok=True)

    def line(start: str, given: str = "") -> str:
        words = [f"{given}{word[1:]}" if word.startswith("@") else word for word in case["arguments"]]
        return " ".join([case["program"], f"{start}{case['script']}", *map(shlex.quote, words)])

    top, mark = (place.home, "~") if case["layout"] == "home" else (place.project, ".")
    lines = [
        line(f"{folder}/"),
        line(f"{mark}/{os.path.relpath(folder, top)}/"),
        f"cd {folder} && {line('', f'{place.project}/')}",
    ]
    calls, wrong = 0, []
    for texts in (case["inputs"], {**case["inputs"], **case["edited"]}):
        told: list[list[bytes]] = []

        def fresh_start(texts: dict[str, str] = texts, told: list[list[bytes]] = told) -> None:
            told.append([output.read_bytes() for output in outputs if output.exists()])
            put(texts)

        turns = [each for each in lines for _ in range(2)]
        session = place.play(*[after(fresh_start, turn) for turn in turns])
        fresh_start()
        for number, each in enumerate(turns):
            calls += 1
            result = session.results[number]
            text, status = _bare(place, each)
            left = [output.read_bytes() for output in outputs if output.exists()]
            put(texts)
            if result.is_error is not (status != 0) or text.strip() not in result.text or told[number + 1] != left:
                wrong.append(f"{each}: {result.text!r} is not {text!r} with {status}")
    return calls, place.replayed(), wrong


def _bare(place: Place, line: str) -> tuple[str, int]:
    done = subprocess.run(
        ["/bin/bash", "-c", line],
        cwd=place.project,
        env=place.client.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode
