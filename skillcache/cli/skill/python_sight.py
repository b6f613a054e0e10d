"""What a Python script visibly reads, writes and asks for, by its syntax tree."""

import ast
import os
import re
import warnings
from collections.abc import Iterator

from skillcache.cli.skill.sight import (
    ABOVE,
    CHANCE,
    CLOCK,
    ENDS,
    GIT,
    HOME,
    NETWORK,
    PRESENT,
    READS,
    STOPS,
    VARIABLE,
    WRITES,
    Seen,
)  # fmt: skip

_TROUBLE = re.compile(r"argv|exists|is_?file|is_?dir|which|environ|getenv|(?i:api_?key)")


class Meaning:
    """Of the nodes of one script. depth: of folders between the skill's and the script."""

    def __init__(self, tree: ast.Module, depth: int) -> None:
        self.tree = tree
        self.depth = depth
        self.names: dict[str, str] = {}  # what an import has brought here, by its full name
        self.values: dict[str, ast.expr] = {}  # what is assigned once, to names
        self.trouble: set[int] = set()  # lines that are reached where something is missing or fails
        self.returns: dict[str, list[ast.Return]] = {}
        several: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    first = each.name.partition(".")[0]
                    self.names[each.asname or first] = each.name if each.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.names.update((each.asname or each.name, f"{node.module}.{each.name}") for each in node.names)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                several.update([name] if name in self.values else [])
                self.values[name] = node.value
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self.returns[node.name] = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            elif isinstance(node, ast.ExceptHandler):
                self.trouble.update(range(node.lineno, (node.end_lineno or 0) + 1))
            elif isinstance(node, ast.If) and _TROUBLE.search(ast.unparse(node.test)):
                self.trouble.update(range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1))
        for name in several:
            del self.values[name]
        self.is_seeded = any(
            isinstance(node, ast.Call) and self.dotted(node.func) == "random.seed" and node.args
            for node in ast.walk(tree)
        )

    def dotted(self, node: ast.expr) -> str:
        """`datetime.datetime.now` by what was imported; "" for what is no chain of names."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            head = self.dotted(node.value)
            return f"{head}.{node.attr}" if head else ""
        return ""

    def text(self, node: ast.expr, deepest: int = 8) -> str:
        """The text or path that is written there, home as `~`; "" where it is computed."""
        if not deepest:
            return ""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.Name):
            value = self.values.get(node.id)
            return self.text(value, deepest - 1) if value is not None else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self.joined([node.left, node.right], deepest)
        if isinstance(node, ast.Call):
            full = self.dotted(node.func)
            if full == "pathlib.Path.home":
                return "~"
            if full in ("pathlib.Path", "os.path.join", "str", "os.path.expanduser") and node.args:
                return self.joined(node.args, deepest)
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("expanduser", "resolve"):
                return self.text(node.func.value, deepest - 1)
        return ""

    def joined(self, nodes: list[ast.expr], deepest: int) -> str:
        parts = [self.text(each, deepest - 1) for each in nodes]
        return os.path.join(*parts) if all(parts) else ""

    def first_word(self, node: ast.Call) -> str:
        given = node.args[0] if node.args else None
        if isinstance(given, ast.List) and given.elts:
            return self.text(given.elts[0])
        return self.text(given).partition(" ")[0] if given is not None else ""

    def is_above(self, node: ast.expr, deepest: int = 8) -> bool:
        """Whether a folder that is reckoned from the script's own path lies above the skill's."""
        ups, is_own = self._ups(node, deepest)
        return ups > (self.depth + 1 if is_own else 0)

    def _ups(self, node: ast.AST, deepest: int) -> tuple[int, bool]:
        ups, is_own = 0, False
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and each.attr == "parent":
                ups += 1
            elif isinstance(each, ast.Subscript) and getattr(each.value, "attr", "") == "parents":
                number = getattr(each.slice, "value", 0)
                ups += 1 + (number if isinstance(number, int) else 0)
            elif isinstance(each, ast.Call) and self.dotted(each.func) == "os.path.dirname":
                ups += 1
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                ups += each.value.split("/").count("..")
            elif isinstance(each, ast.Name) and each.id == "__file__":
                is_own = True
            elif isinstance(each, ast.Name) and each.id in self.values and deepest:
                more, owned = self._ups(self.values[each.id], deepest - 1)
                ups, is_own = ups + more, is_own or owned
        return ups, is_own


_CLOCKS = frozenset(
    """time.time time.time_ns time.localtime time.gmtime time.ctime time.asctime time.strftime time.perf_counter
    time.monotonic datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today""".split()  # noqa: SIM905 - read as a list
)
_CHANCES = ("random.", "secrets.", "numpy.random.", "uuid.uuid1", "uuid.uuid4", "os.urandom")
_NETWORKS = frozenset(
    """requests httpx urllib.request urllib3 aiohttp socket http.client ftplib smtplib imaplib paramiko websockets
    websocket openai anthropic boto3 google.generativeai google.cloud slack_sdk playwright selenium""".split()  # noqa: SIM905
)
_OVER_NETWORK = frozenset("curl wget ssh scp gh aws gcloud".split())  # noqa: SIM905
_PROCESSES = frozenset(
    "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen os.system".split()  # noqa: SIM905
)
_WRITERS = frozenset(
    """os.makedirs os.mkdir os.rename os.replace os.remove os.unlink os.rmdir os.symlink shutil.copy shutil.copy2
    shutil.copyfile shutil.copytree shutil.move shutil.rmtree shutil.make_archive""".split()  # noqa: SIM905
)
_TWO_PATHS = frozenset(
    "os.rename os.replace shutil.copy shutil.copy2 shutil.copyfile shutil.copytree shutil.move".split()  # noqa: SIM905
)
_WRITING = frozenset(
    "write_text write_bytes mkdir touch unlink rmdir to_csv to_excel to_parquet to_html savefig".split()  # noqa: SIM905
)
_ROUND = frozenset(["os.listdir", "os.scandir", "os.walk"])
_GLOBS = frozenset(["glob.glob", "glob.iglob"])
_HERE = ("", ".", "./")


def seen(text: str, depth: int) -> list[Seen] | None:
    """`depth`: of folders between the skill's and the script. None for what is no Python of this version."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the script's own
            tree = ast.parse(text)
        return list(_Look(tree, depth).all())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # of a text that is nested for that
        return None


class _Look(Meaning):
    def all(self) -> Iterator[Seen]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield from self.call(node)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from self.imports(node)
            elif isinstance(node, ast.Subscript) and self.dotted(node.value) == "os.environ":
                if isinstance(node.ctx, ast.Load):
                    yield self.variable(node, node.slice)
            elif isinstance(node, ast.Compare) and [self.dotted(each) for each in node.comparators] == ["os.environ"]:
                yield self.variable(node, node.left)
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from self.ends(node.exc) if self.dotted(node.exc.func) == "SystemExit" else ()
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                text = self.text(node)
                if text.startswith("~/"):
                    yield Seen(node.lineno, HOME, text)

    # What is found at a node.

    def call(self, node: ast.Call) -> Iterator[Seen]:  # noqa: C901, PLR0912 - one kind after another
        full, line = self.dotted(node.func), node.lineno
        attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        first = self.text(node.args[0]) if node.args else ""
        if full in ("open", "io.open") or (
            attribute == "open" and not full.startswith(("webbrowser", "os.", "tarfile"))
        ):
            yield from self.opens(node, is_method=full not in ("open", "io.open"))
        elif full in _WRITERS:
            at = 1 if full in _TWO_PATHS else 0
            yield Seen(line, WRITES, self.text(node.args[at]) if len(node.args) > at else "")
        elif attribute in _WRITING:
            of = node.func.value if isinstance(node.func, ast.Attribute) else node
            yield Seen(line, WRITES, first if attribute.startswith(("to_", "save")) else self.text(of))
        elif full in ("sys.exit", "exit", "quit", "os._exit"):
            yield from self.ends(node)
        elif full in ("os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault") and node.args:
            yield self.variable(node, node.args[0])
        elif full in _CLOCKS:
            yield Seen(line, CLOCK, full)
        elif full.startswith(_CHANCES) and full != "random.seed":
            if not (self.is_seeded and full.startswith("random.")):
                yield Seen(line, CHANCE, full)
        elif full in _PROCESSES:
            word = self.first_word(node)
            if word in _OVER_NETWORK:
                yield Seen(line, NETWORK, word)
            elif word == "git":
                yield Seen(line, GIT, word)
        elif full in ("os.getcwd", "pathlib.Path.cwd") or (
            full in _ROUND and first in _HERE and (not node.args or isinstance(node.args[0], ast.Constant))
        ):
            yield Seen(line, PRESENT, full)
        elif full in _GLOBS and first and not first.startswith(("/", "~")):
            yield Seen(line, PRESENT, full)
            yield Seen(line, READS, first)
        elif full == "pathlib.Path.home":
            yield Seen(line, HOME, "")
        elif full == "os.path.expanduser" or attribute == "expanduser":
            text = self.text(node)
            yield Seen(line, HOME, text if text.startswith("~/") else "")
        elif full in ("sys.path.insert", "sys.path.append") and node.args:
            if self.is_above(node.args[-1]):
                yield Seen(line, ABOVE, "sys.path")
        elif attribute == "read_text" and isinstance(node.func, ast.Attribute):
            yield from self.reads(line, self.text(node.func.value))

    def imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[Seen]:
        if isinstance(node, ast.ImportFrom) and node.level > self.depth + 1:
            yield Seen(node.lineno, ABOVE, "." * node.level + (node.module or ""))
        own = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        if isinstance(node, ast.ImportFrom) and not node.level:
            own += [f"{node.module}.{each.name}" for each in node.names]
        if isinstance(node, ast.ImportFrom) and node.level:
            return
        for name in own:
            found = next((each for each in _NETWORKS if name == each or name.startswith(f"{each}.")), None)
            if found is not None:
                yield Seen(node.lineno, NETWORK, found)
                return

    def opens(self, node: ast.Call, *, is_method: bool) -> Iterator[Seen]:
        at = 0 if is_method else 1
        given = [each.value for each in node.keywords if each.arg == "mode"] + node.args[at : at + 1]
        mode = given[0].value if given and isinstance(given[0], ast.Constant) else "r"
        of: ast.expr | None = node.func.value if isinstance(node.func, ast.Attribute) else None
        if not is_method:
            of = node.args[0] if node.args else None
        name = self.text(of) if of is not None else ""
        if isinstance(mode, str) and set(mode) & set("wax+"):
            yield Seen(node.lineno, WRITES, name)
        else:
            yield from self.reads(node.lineno, name)

    def reads(self, line: int, name: str) -> Iterator[Seen]:
        if name.startswith("~/"):
            yield Seen(line, HOME, name)
        elif name and not name.startswith("/"):
            yield Seen(line, READS, name)

    def variable(self, node: ast.expr, name: ast.expr) -> Seen:
        text = self.text(name)
        return Seen(node.lineno, HOME, "") if text == "HOME" else Seen(node.lineno, VARIABLE, text)

    def ends(self, node: ast.Call) -> Iterator[Seen]:
        given = node.args[0] if node.args else None
        if isinstance(given, ast.Call) and self.dotted(given.func) == "asyncio.run" and given.args:
            given = given.args[0]
        if not (isinstance(given, ast.Call) and isinstance(given.func, ast.Name)):
            yield from self.statuses(given, node.lineno)
            return
        for each in self.returns.get(given.func.id, []):
            yield from self.statuses(each.value, each.lineno)

    def statuses(self, node: ast.expr | None, line: int) -> Iterator[Seen]:
        """Those other than 0 that are written there; a text is 1, and tells of trouble."""
        kind = STOPS if line in self.trouble else ENDS
        if isinstance(node, ast.Name) and node.id in self.values:
            node = self.values[node.id]
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield Seen(line, STOPS, "1")
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, int) and node.value:
                yield Seen(line, kind, str(int(node.value)))
        elif isinstance(node, ast.IfExp):
            yield from self.statuses(node.body, line)
            yield from self.statuses(node.orelse, line)
        elif isinstance(node, ast.Compare) or (
            isinstance(node, ast.Call) and self.dotted(node.func) in ("bool", "int")
        ):
            yield Seen(line, kind, "1")
        elif isinstance(node, ast.Name | ast.Attribute):
            yield Seen(line, kind, "")
