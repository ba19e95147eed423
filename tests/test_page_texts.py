"""No text that others wrote reaches what Streamlit reads as Markdown, and no table a page but through its one door.

A text is harmless when it stands in the program, is a number with a format, or went through `escape_markdown`. This is
followed through a function's own variables and into the functions of `ui` that are called; not through parameters and
attributes, so those are escaped where they are shown.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted({*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py")})
#: Elements whose first argument, and any of these others, is read as Markdown.
ELEMENTS = frozenset(
    {
        "markdown", "write", "caption", "title", "header", "subheader", "badge", "metric", "error",
        "warning", "info", "success", "exception", "toast", "button", "download_button", "link_button",
        "page_link", "form_submit_button", "checkbox", "toggle", "radio", "selectbox", "multiselect",
        "slider", "select_slider", "text_input", "text_area", "number_input", "date_input", "time_input",
        "datetime_input", "file_uploader", "camera_input", "audio_input", "color_picker", "pills",
        "segmented_control", "feedback", "chat_input", "tabs", "expander", "popover", "status", "spinner",
        "progress", "dialog", "image", "Column", "TextColumn", "NumberColumn", "CheckboxColumn",
        "LinkColumn", "ProgressColumn",
    }
)  # fmt: skip
ARGUMENTS = {"label", "body", "help", "text", "title", "caption", "captions", "show_spinner", "delta"}
#: Their options are read as Markdown too.
OPTIONS = {"radio", "pills", "segmented_control", "tabs"}
#: Elements whose first argument is something else: a number, a picture, a page.
NO_TEXT_FIRST = {"progress", "image", "page_link"}
HARMLESS_CALLS = {"escape_markdown", "count_noun", "format_duration", "format_rate", "format_estimate", "len", "int"}
#: Of a harmless text or table of texts.
HARMLESS_METHODS = {"join", "capitalize", "lower", "upper", "strip", "replace", "get", "append", "format"}
#: Texts of ours that are kept elsewhere, as file and expression.
OURS = {
    ("ui/cards.py", "' '.join(badges)"),  # Markdown by its contract; who makes them is judged
    ("ui/sample.py", "credits.read_text(encoding='utf-8')"),  # comes with Wishlight
}
TABLES = {"dataframe", "data_editor", "table"}
TABLES_ALLOWED_IN = "ui/tables.py"


@cache
def _tree(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent  # type: ignore[attr-defined]
    return tree


def _function_of(node: ast.AST) -> ast.FunctionDef | ast.Module:
    while not isinstance(node, ast.FunctionDef | ast.Module):
        node = node.parent  # type: ignore[attr-defined]
    return node


class Judge:
    """Whether an expression of a file can only be a text of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self._asked: set[str] = set()

    def harmless(self, node: ast.AST | None) -> bool:
        if node is None or isinstance(node, ast.Constant | ast.Compare):
            return True
        if isinstance(node, ast.expr) and (self.name, ast.unparse(node)) in OURS:
            return True
        judge = getattr(self, f"_{type(node).__name__.lower()}", None)
        return bool(judge and judge(node))

    def _joinedstr(self, node: ast.JoinedStr) -> bool:
        parts = (part for part in node.values if isinstance(part, ast.FormattedValue))
        return all(part.format_spec is not None or self.harmless(part.value) for part in parts)

    def _ifexp(self, node: ast.IfExp) -> bool:
        return self.harmless(node.body) and self.harmless(node.orelse)

    def _boolop(self, node: ast.BoolOp) -> bool:
        return all(map(self.harmless, node.values))

    def _binop(self, node: ast.BinOp) -> bool:
        return self.harmless(node.left) and self.harmless(node.right)

    def _list(self, node: ast.List | ast.Tuple) -> bool:
        return all(map(self.harmless, node.elts))

    _tuple = _list

    def _dict(self, node: ast.Dict) -> bool:
        return all(map(self.harmless, [*filter(None, node.keys), *node.values]))

    def _starred(self, node: ast.Starred | ast.Attribute | ast.Subscript) -> bool:
        return self.harmless(node.value)

    def _subscript(self, node: ast.Subscript) -> bool:
        return self.harmless(node.value)

    def _attribute(self, node: ast.Attribute) -> bool:
        return node.attr.isupper()

    def _lambda(self, node: ast.Lambda) -> bool:
        return self.harmless(node.body)

    def _generatorexp(self, node: ast.GeneratorExp | ast.ListComp) -> bool:
        return self.harmless(node.elt)

    _listcomp = _generatorexp

    def _name(self, node: ast.Name) -> bool:
        if node.id.isupper() or node.id in HARMLESS_CALLS:
            return True
        scope = _function_of(node)
        if isinstance(scope, ast.Module) or node.id in self._asked:
            return node.id in self._asked
        arguments = [*scope.args.args, *scope.args.kwonlyargs]
        for argument in arguments:
            if argument.arg == node.id:
                return argument.annotation is not None and ast.unparse(argument.annotation) in ("int", "float", "bool")
        values = list(_bindings(scope, node.id))
        self._asked.add(node.id)
        found = bool(values) and all(map(self.harmless, values))
        self._asked.discard(node.id)
        return found

    def _call(self, node: ast.Call) -> bool:
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            return name in HARMLESS_METHODS and all(map(self.harmless, [node.func.value, *node.args[name == "get" :]]))
        name = ast.unparse(node.func)
        if name in HARMLESS_CALLS:
            return True
        if name in ("list", "tuple", "next", "reversed", "sorted", "dict", "enumerate"):
            return all(map(self.harmless, node.args))
        return self._returns_harmless(name)

    def _returns_harmless(self, name: str) -> bool:
        """Of a function of this file, or of one that it imports from `ui`."""
        tree = _tree(self.path)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                given = [one.value for one in ast.walk(node) if isinstance(one, ast.Return | ast.Yield)]
                return bool(given) and all(map(self.harmless, given))
            if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
                other = ROOT / ((node.module or "").replace(".", "/") + ".py")
                return other in FILES and Judge(other)._returns_harmless(name)
        return False


def _bindings(scope: ast.FunctionDef, name: str) -> list[ast.expr]:
    """All that a variable of a function is made of."""
    found: list[ast.expr] = []
    for node in ast.walk(scope):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For | ast.comprehension):
            targets = [node.target]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (f"{name}.append", f"{name}.extend"):
            found += node.args
        if any(isinstance(one, ast.Name) and one.id == name for target in targets for one in ast.walk(target)):
            found.append(node.iter if isinstance(node, ast.For | ast.comprehension) else node.value)  # type: ignore
    return found


def _read_as_markdown(call: ast.Call) -> list[ast.expr]:
    names = {node.attr for node in ast.walk(call.func) if isinstance(node, ast.Attribute)} & ELEMENTS
    if not names or "_log" in ast.unparse(call.func):
        return []
    first = [] if names <= NO_TEXT_FIRST else call.args[:1]
    wanted = ARGUMENTS | ({"options", "format_func"} if names & OPTIONS else set())
    options = [] if any(one.arg == "format_func" for one in call.keywords) or not names & OPTIONS else call.args[1:2]
    return [*first, *options, *(one.value for one in call.keywords if one.arg in wanted)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_foreign_text_is_read_as_markdown(path: Path) -> None:
    judge, found = Judge(path), []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            found += [f"{one.lineno}: {ast.unparse(one)}" for one in _read_as_markdown(node) if not judge.harmless(one)]
    assert found == [], "pass what others wrote through escape_markdown, and give numbers a format such as :,"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_table_comes_onto_a_page_through_its_one_door(path: Path) -> None:
    calls = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    bare = {called.attr for called in calls if isinstance(called, ast.Attribute)} & TABLES
    assert not bare or str(path.relative_to(ROOT)) == TABLES_ALLOWED_IN, "its download would hold formulas"
