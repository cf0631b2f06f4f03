"""A vendor from outside: the example plugins as distributions of their own, beside the gdbos wheel, in a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "plugins" / "examples"


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the gdbos wheel and the three examples' wheels; other people's libraries are borrowed."""
    folder = tmp_path_factory.mktemp("vendor")
    wheels = folder / "wheels"
    for source in (ROOT, *(EXAMPLES / name for name in ("hello", "refuses", "blows_up"))):
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, source)
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", *wheels.glob("*.whl"))
    borrowed = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    # A .pth would bring the checkout's own editable gdbos along; a path that only adds libraries does not process it.
    (borrowed / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    return python


def test_the_wheel_brings_its_configurations_and_standards(clean: Path) -> None:
    code = "from gdbos.shipped import shipped; import gdbos; print(gdbos.__file__); print(shipped('standards') / 'national' / 'pack.toml')"
    package, pack = run(clean, "-c", code, cwd="/").stdout.split()
    assert not package.startswith(str(ROOT))
    assert Path(pack).exists()


def test_hello_is_enabled_by_toml_contract_tested_and_called(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "test_hello.py").write_text((EXAMPLES / "hello" / "test_hello.py").read_text("utf-8"), "utf-8")
    passed = run(clean, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hello.py", cwd=tmp_path)
    assert " passed" in passed.stdout
    assert "failed" not in passed.stdout


NODE = """
[node]
id = "n"
home = "{home}"
title = {{ zh = "节点" }}
division = "450100"
level = "city"
[plugins.acme.hello]
[plugins.acme.refuses]
events = ["Greeted"]
"""

ACT = """
import asyncio, sys
from pathlib import Path
from acme_hello import Config, greet
from gdbos.config import load
from gdbos.kernel import Kernel
from gdbos.errors import Problem

kernel = Kernel(load(Path(sys.argv[1]), {}))
kernel.migrate()

async def act():
    async with kernel.running():
        for _ in range(7):
            try:
                print(await kernel.run_as("acme.hello")(greet, Config(), "Ann"))
            except Problem as refused:
                print(refused.code, refused.message())

asyncio.run(act())
"""


@pytest.mark.parametrize(
    ("plugins", "said"),
    [
        ("", ["conflict Greeted must not happen at this node."] * 7),
        (
            "[plugins.acme.blows_up]\n",
            ["unavailable A check of this node (acme.blows_up.before_commit) failed; nothing was changed."] * 5
            + [
                "unavailable A check of this node (acme.blows_up.before_commit) is out of order; its operators have been told."
            ]
            * 2,
        ),
    ],
    ids=["a veto", "a mistake, then quarantine"],
)
def test_a_veto_refuses_the_unit_and_a_mistake_fails_closed(
    clean: Path, tmp_path: Path, plugins: str, said: list[str]
) -> None:
    text = NODE.format(home=tmp_path / "home")
    if plugins:
        text = text.replace('[plugins.acme.refuses]\nevents = ["Greeted"]\n', plugins)
    (tmp_path / "node.toml").write_text(text, "utf-8")
    done = run(clean, "-c", ACT, tmp_path / "node.toml", cwd=tmp_path, env={**os.environ, "GDBOS_HOME": ""})
    assert done.stdout.splitlines() == said
