"""What the nodes of a Python script mean, as far as they say it by themselves."""

import ast
import os
import re

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
