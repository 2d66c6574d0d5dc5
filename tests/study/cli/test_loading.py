"""What a command loads before it refuses, lists or tells: nothing that trains, tracks, draws or searches.

torch alone takes longer to load than a user waits for a sentence about a mistyped name.
"""

import json
import subprocess
import sys
from collections.abc import Callable

from study.storage.store import Store

HEAVY = ("torch", "ray", "mlflow", "matplotlib", "pandas", "scipy", "optuna", "sklearn")
LIGHT = [
    (["--help"], 0),
    (["--version"], 0),
    ([], 2),
    (["list"], 0),
    (["list", "--bogus"], 2),
    (["spaces"], 0),
    (["spaces", "wgan-clip"], 0),
    (["spaces", "wgan-clp"], 2),
    (["status", "LAUNCH"], 0),
    (["status", "nothing"], 2),
    (["report", "nothing"], 2),
    (["decide", "nothing"], 2),
    (["verify", "nothing"], 2),
    (["compare", "nothing", "nothing"], 2),
    (["judge", "nothing", "--real", "digits"], 2),
    (["judge", "nothing"], 2),
    (["confirm", "nothing"], 2),
    (["resume", "nothing"], 2),
    (["best", "nothing"], 2),
    (["sync", "nothing"], 2),
    (["ui", "--out", "nothing"], 2),
    (["run"], 2),
    (["run", "dirak"], 2),
    (["show", "dirak"], 2),
    (["explain", "dirak"], 2),
    (["power", "dirak"], 2),
    (["run", "nothing.json"], 2),
    (["run", "nothing.py"], 2),
    (["run", "dirac", "--profile", "smok"], 2),
    (["run", "dirac", "--seeds", "2.5"], 2),
    (["run", "dirac", "--seeds", "0"], 2),
    (["run", "dirac", "--set", "stpes=3"], 2),
    (["run", "dirac", "--set", "steps=-3"], 2),
    (["run", "dirac", "--vary", "steps=3"], 2),
    (["search", "wgan-clp", "--on", "ring", "--budget", "3blocks"], 2),
    (["run", "dirac", "--address", "nonsense"], 2),
    (["run", "dirac", "--address", "127.0.0.1:9"], 2),
    (["run", "dirac", "--address", "ray://127.0.0.1:9"], 2),
    (["run", "dirac", "--tracking-uri", "foo://x"], 2),
    (["run", "dirac", "--out", "/dev/null/runs"], 2),
    (["run", "dirac", "--out", ""], 2),
    (["search", "wgan-clip", "--on", "ring", "--budget", "3blocks", "--out", "/dev/null/runs"], 2),
    (["resume", "LAUNCH", "--address", "nonsense"], 2),
    (["resume", "LAUNCH", "--tracking-uri", "foo://x"], 2),
    (["confirm", "LAUNCH", "--tracking-uri", "foo://x"], 2),
]


def loaded_by(commands: list[list[str]]) -> list[tuple[int, list[str]]]:
    """Exit code of each command, and what of ``HEAVY`` is loaded after it, all in one fresh interpreter."""
    program = (
        "import json, sys\n"
        "from typer.testing import CliRunner\n"
        "from study.cli import app\n"
        "rows = []\n"
        f"for command in {commands!r}:\n"
        "    done = CliRunner().invoke(app, command)\n"
        f"    rows.append((done.exit_code, sorted(set(sys.modules) & set({HEAVY!r}))))\n"
        "print(json.dumps(rows))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    return [(code, names) for code, names in json.loads(done.stdout)]


def test_what_trains_nothing_loads_nothing_that_trains(trained: Callable[..., Store]) -> None:
    root = str(trained(page=False).root)
    commands = [[root if word == "LAUNCH" else word for word in words] for words, _ in LIGHT]
    rows = loaded_by(commands)
    assert [(words, code, names) for (words, _), (code, names) in zip(LIGHT, rows, strict=True)] == [
        (words, code, []) for words, code in LIGHT
    ]


def test_the_check_sees_what_is_loaded() -> None:
    ((code, names),) = loaded_by([["explain", "dirac", "--profile", "smoke"]])
    assert code == 0
    assert "torch" in names
