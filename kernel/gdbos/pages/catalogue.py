"""Which messages a package's code and templates hold, and which of them still want words.

``python -m gdbos.pages.catalogue PACKAGE_ROOT`` adds what is missing to ``PACKAGE_ROOT/locale/zh.po`` and sets aside what
is no longer said.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from gdbos import errors
from gdbos.pages.translation import DEFAULT_LOCALE, read_catalogue

_MARKS = {"_", "N_", "gettext", "ngettext"}
_TITLED = {"NavigationEntry": 99, "Plugin": 99, "Link": 99, "Permission": 1}
"""Declarations whose ``title`` is a message, and the position it may stand at."""
_PROBLEMS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.Problem)}
_TEMPLATE_OPTIONS = {"trimmed": "false", "extensions": "jinja2.ext.do", "silent": "false"}

Messages = dict[str, str | None]
"""Message ids, each with its English plural where it counts something."""


def extract(package_root: Path) -> set[str]:
    """Every message id in the Python code and the templates below ``package_root``."""
    return set(messages_of(package_root))


def missing(package_root: Path, po: Path) -> set[str]:
    """Message ids of ``package_root`` that the catalogue ``po`` gives no words."""
    catalogue = read_catalogue(po)
    return {message for message in extract(package_root) if not _words(catalogue, message)}


def misfitting(po: Path) -> set[str]:
    """Message ids whose words have other placeholders than they have themselves."""
    return {
        message
        for entry in read_catalogue(po)
        if entry.id
        for message in [entry.id if isinstance(entry.id, str) else entry.id[-1]]
        for words in _strings(entry)
        if words and _placeholders(words) != _placeholders(message)
    }


def complete(package_root: Path) -> int:
    """Bring ``locale/zh.po`` up to date with the code; the number of messages that still want words."""
    po = package_root / "locale" / f"{DEFAULT_LOCALE}.po"
    template = Catalog(locale=DEFAULT_LOCALE)
    for message, plural in sorted(messages_of(package_root).items()):
        template.add((message, plural) if plural else message)
    catalogue = read_catalogue(po)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    po.parent.mkdir(exist_ok=True)
    with po.open("wb") as target:
        write_po(target, catalogue, width=0, sort_output=True, omit_header=False)
    return len(missing(package_root, po))


def messages_of(package_root: Path) -> Messages:
    """Every message id below ``package_root`` with its plural."""
    found: Messages = {}
    modules = [ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(package_root.rglob("*.py"))]
    problems = _problem_names(modules)
    for module in modules:
        found.update(_in_module(module, problems))
    for path in sorted(package_root.rglob("templates/**/*.html")):
        found.update(_in_template(path))
    return {message: plural for message, plural in found.items() if message}


def _in_template(path: Path) -> Iterator[tuple[str, str | None]]:
    with path.open("rb") as source:
        for _, _, words, _ in babel_extract(source, ("_", "gettext", "ngettext"), [], _TEMPLATE_OPTIONS):
            if isinstance(words, str):
                yield words, None
            elif words:
                yield words[0] or "", words[1]


def _in_module(module: ast.Module, problems: set[str]) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from _in_call(node, problems)
        elif isinstance(node, ast.ClassDef) and node.name in problems:
            yield from ((title, None) for title in _titles(node))


def _in_call(node: ast.Call, problems: set[str]) -> Iterator[tuple[str, str | None]]:
    name = _name(node.func)
    if name in _MARKS or name in problems:
        message = _string(node.args, 0)
        plural = _string(node.args, 1) if name == "ngettext" else None
        yield message, plural or None
    elif name == "Violation":
        yield _keyword(node, "detail") or _string(node.args, 2), None
    elif name in _TITLED:
        yield _keyword(node, "title") or _string(node.args, _TITLED[name]), None


def _titles(node: ast.ClassDef) -> Iterator[str]:
    """``title`` as a problem's class body sets it, alone or among others on one line."""
    for statement in node.body:
        for target, value in _assigned(statement):
            if _name(target) == "title" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def _assigned(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        yield statement.target, statement.value
    elif isinstance(statement, ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from zip(target.elts, value.elts, strict=False)
        else:
            yield target, value


def _problem_names(modules: list[ast.Module]) -> set[str]:
    """Problem and its descendants, those a plugin defines included."""
    classes = {
        node.name: {_name(base) for base in node.bases}
        for module in modules
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }
    known: set[str] = set(_PROBLEMS)
    while more := {name for name, bases in classes.items() if bases & known} - known:
        known |= more
    return known


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _string(arguments: list[ast.expr], position: int) -> str:
    node = arguments[position] if position < len(arguments) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _keyword(node: ast.Call, name: str) -> str:
    return _string([keyword.value for keyword in node.keywords if keyword.arg == name], 0)


def _words(catalogue: Catalog, message: str) -> str:
    entry = catalogue.get(message)
    return "" if entry is None or entry.fuzzy else "".join(_strings(entry))


def _strings(entry: Message) -> list[str]:
    """The words of an entry, one for each plural form of the language."""
    return [entry.string] if isinstance(entry.string, str) else list(entry.string or ())


def _placeholders(words: str) -> set[str]:
    """The facts ``words`` are filled with; of a pair such as ``title_en`` and ``title_zh`` each language takes its own."""
    names = (name for _, name, _, _ in Formatter().parse(words) if name is not None)
    return {name.removesuffix("_en").removesuffix("_zh") for name in names}


@click.command()
@click.argument("package_root", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(package_root: Path) -> None:
    """Add the messages of PACKAGE_ROOT that its Chinese catalogue lacks."""
    wanting = complete(package_root)
    click.echo(f"{package_root / 'locale' / 'zh.po'}: {wanting} of {len(extract(package_root))} messages want words.")


if __name__ == "__main__":
    main()
