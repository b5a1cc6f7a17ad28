"""Every cause that can hold a process, read from the source: the kind and the short code that staff see.

An error is raised with its code written out, chosen between two, put together (`f"smtp-{status}"`, of which the
beginning counts), or handed to a helper whose first parameter is `code`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from seamline.errors import Kind, LockedOut, NotYet, Observed, Outage, Refusal, UnknownOutcome
from seamline.process.attempt import NOT_PICKED_UP
from seamline.process.step import BROKEN_RULES
from tests.docs.pages import ROOT

Cause = tuple[Kind, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef

ERRORS = {cls.__name__: cls.kind for cls in (Outage, LockedOut, Refusal, UnknownOutcome, NotYet, Observed)}
FOLDERS = ("activities", "workflows", "seamline/systems", "seamline/records", "seamline/process")
OF_THE_ENGINE: set[Cause] = {
    (Kind.REFUSAL, BROKEN_RULES),
    (Kind.OUTAGE, NOT_PICKED_UP),
    (Kind.DEFECT, ""),
    # What no row of the table of HTTP statuses names.
    (Kind.REFUSAL, "status-"),
    (Kind.OUTAGE, "status-"),
}


def causes() -> set[Cause]:
    """All of them. A code that is put together stands with its beginning."""
    single = [ROOT / "seamline/http.py", ROOT / "seamline/fields.py", ROOT / "seamline/observing.py"]
    files = [*single, *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    trees = [ast.parse(path.read_text()) for path in files]
    functions = [one for tree in trees for one in ast.walk(tree) if isinstance(one, Function)]
    helpers = {one.name: _kinds_in(one) for one in functions if _first_parameter(one) == "code"}
    raised = {cause for tree in trees for cause in _raised(tree, helpers)}
    stories = "\n".join(file.read_text() for file in (ROOT / "workflows").glob("*.py"))
    asked = {(Kind.APPROVAL, name) for name in re.findall(r'Question\(\s*"([a-z-]+)"', stories)}
    return raised | asked | OF_THE_ENGINE


def _raised(tree: ast.Module, helpers: dict[str, set[Kind]]) -> Iterator[Cause]:
    scopes: list[ast.Module | Function] = [tree, *(one for one in ast.walk(tree) if isinstance(one, Function))]
    for scope in scopes:
        for call in _calls(scope):
            name = _name(call.func)
            if name == "Verdict":
                error, code = call.args[1:3]
                yield from ((ERRORS[_name(error)], text) for text in _texts(code, scope))
            elif call.args and (name in ERRORS or name in helpers):
                kinds = {ERRORS[name]} if name in ERRORS else helpers[name]
                yield from ((kind, text) for kind in kinds for text in _texts(call.args[0], scope))


def _texts(code: ast.expr, scope: ast.Module | Function) -> list[str]:
    """What the expression of a code can be. AssertionError for one that cannot be told: write it another way."""
    if isinstance(code, ast.Constant):
        return [str(code.value)]
    if isinstance(code, ast.IfExp):
        return [*_texts(code.body, scope), *_texts(code.orelse, scope)]
    if isinstance(code, ast.JoinedStr) and isinstance(code.values[0], ast.Constant):
        return [str(code.values[0].value)]
    if isinstance(code, ast.Name) and code.id in {*_parameters(scope), "code"}:
        given = [one.value for one in ast.walk(scope) if isinstance(one, ast.Assign) and _sets(one, code.id)]
        return [text for value in given if not isinstance(value, ast.Call) for text in _texts(value, scope)]
    raise AssertionError(f"line {code.lineno}: the code of this error cannot be read: {ast.unparse(code)}")


def _calls(scope: ast.Module | Function) -> Iterator[ast.Call]:
    """The calls of a scope itself, without those of functions inside."""
    todo: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while todo:
        node = todo.pop()
        if isinstance(node, Function):
            continue
        if isinstance(node, ast.Call):
            yield node
        todo += ast.iter_child_nodes(node)


def _kinds_in(function: Function) -> set[Kind]:
    return {
        ERRORS[name] for one in ast.walk(function) if isinstance(one, ast.Call) and (name := _name(one.func)) in ERRORS
    }


def _parameters(scope: ast.Module | Function) -> list[str]:
    return [] if isinstance(scope, ast.Module) else [one.arg for one in scope.args.args]


def _first_parameter(function: Function) -> str:
    names = [name for name in _parameters(function) if name != "self"]
    return names[0] if names else ""


def _sets(assignment: ast.Assign, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in assignment.targets)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
