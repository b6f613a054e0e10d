"""The lines of the walk: what models write around the commands that are answered."""

from typing import NamedTuple


class Line(NamedTuple):
    """A line of a Bash call. `{out}`: a folder outside every worktree.

    safe: whether repeats of its commands on equal inputs are to be served; calm: whether nothing else of the line
    touches the worktree while they run; ordered: whether what it prints has one order.
    """

    text: str
    safe: bool = True
    calm: bool = True
    ordered: bool = True


LINES = (
    Line("pytest"),
    Line("pytest -q"),
    Line("pytest tests/test_app.py"),
    Line("pytest -k cache"),
    Line("pytest -k loud"),
    Line("ruff check ."),
    Line("mypy sub"),
    Line("flake8 sub"),
    # Filters and redirections.
    Line("pytest -q 2>&1 | tail -3"),
    Line("pytest -q |& grep passed"),
    Line("pytest | grep passed"),
    Line("pytest -k loud 2>&1 | tail -5; echo ${PIPESTATUS[0]}"),
    Line("pytest -k loud | tail -1"),
    Line("pytest -k loud 2>/dev/null"),
    Line("set -o pipefail; ruff check . 2>&1 | tee {out}/ruff.txt | tail -1"),
    Line("pytest -q > {out}/report.txt"),
    Line("pytest -k loud > {out}/report.txt 2>&1; tail -2 {out}/report.txt"),
    Line(": > {out}/log.txt; pytest -q >> {out}/log.txt"),
    Line("pytest > out.txt", calm=False),
    Line("pytest -q | tee build/out.txt | tail -1", calm=False),
    # Lists, conditions, statuses.
    Line('pytest -q; echo "exit: $?"'),
    Line("ruff check . && mypy sub && pytest"),
    Line("pytest -q || ruff check ."),
    Line("if pytest -q > /dev/null 2>&1; then echo good; else echo bad; fi"),
    Line("! mypy sub"),
    Line("set -e; pytest -q; ruff check ."),
    Line("set -u; pytest -q ${NOTHING-}"),
    # Loops and substitutions.
    Line('for tool in "ruff check ." "mypy sub"; do $tool; done'),
    Line("for i in 1 2 3; do pytest -q; done | sort | uniq -c"),
    Line('while read -r name; do pytest "$name"; done < names.txt'),
    Line("xargs -n1 pytest < names.txt"),
    Line("pytest -q $(echo tests)"),
    Line('echo "said: $(pytest -q | tail -1)"'),
    Line('said=$(ruff check . 2>&1); echo "$said" | head -3'),
    # Directories and shells within shells.
    Line("cd sub && pytest -q"),
    Line("cd sub && pytest -q && cd .."),
    Line("(cd sub && pytest -q | tail -1)"),
    Line("pushd sub > /dev/null && ruff check .; popd > /dev/null"),
    Line("bash -c 'pytest -q'"),
    Line('sh -c "ruff check . | tail -1"'),
    # Programs in front.
    Line("CI=1 pytest"),
    Line("timeout 60 pytest -q"),
    Line("nice pytest -q"),
    Line("env pytest -q"),
    Line("command pytest -q"),
    Line('env -i PATH="$PATH" HOME="$HOME" pytest -q'),
    # A virtual environment.
    Line("source .venv/bin/activate && pytest -q"),
    Line(". .venv/bin/activate; cd sub; ruff check . | tail -1"),
    Line(".venv/bin/pytest -q"),
    Line("./.venv/bin/pytest tests"),
    # What starts them.
    Line("make check"),
    Line("make -s check 2>&1 | tail -2"),
    Line("make -j2 both", ordered=False),
    Line("git commit -q --allow-empty -m more"),
    Line("cat .env && pytest -q"),
    Line("git log -1 --format=%T && pytest"),
    Line("echo three > app.py; pytest"),
    Line("rm -rf build && pytest"),
    Line("pytest -q & ruff check . & wait", ordered=False),
    # Failures, and another look at them.
    Line("pytest -k broken"),
    Line("pytest -k broken | tail -1"),
    Line("pytest -k broken 2>&1 | grep failed"),
    Line("pytest -k broken 2>&1 | tail -5"),
    Line("cd sub && pytest -k broken 2>&1 | tail -2"),
    Line("cd sub && pytest -k broken 2>&1 | head -2"),
    # What is never sure, and what always runs.
    Line("pytest -q # fresh", safe=False),
    Line("SKILLCACHE_FRESH=1 pytest -q", safe=False),
    Line("pytest -k writes", safe=False),
    Line("pytest -k flaky"),
    Line("pytest -k flaky | tail -1"),
    Line("ruff check --fix .", safe=False),
)  # fmt: skip
# Of which the later commands are run ahead, where their rules say so.
LISTS = (
    Line("ruff check . && mypy sub && pytest"),
    Line("flake8 sub; mypy sub; pytest -q"),
    Line("ruff check . && cd sub && pytest -q 2>&1 | tail -2"),
    Line("ruff check . && pytest -k loud && mypy ."),
    Line("ruff check .; pytest -k cache; mypy sub"),
    Line("ruff check .; pytest -k broken; mypy sub"),
    Line("ruff check . && pytest -k broken | tail -1 && mypy sub"),
    Line("ruff check . && pytest -k writes; mypy sub", safe=False),
    Line("flake8 sub && pytest -k flaky"),
    Line("ruff check . && . .venv/bin/activate && pytest -q"),
    Line("ruff check . && echo three > app.py && pytest", calm=False),
    Line("CI=1 ruff check . && pytest -q && CI=1 mypy sub"),
)
