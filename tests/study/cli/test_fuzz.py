"""Whatever a user types or writes gives a plan, or one sentence and exit code 2: never a traceback, and never a wait.

The default run has a few hundred examples, always the same ones; the slow one has thousands.
"""

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from study.cli import app, confirm, launches, search
from study.cli.app import planned, study_of
from study.design.plan import Plan
from study.design.setting_file import Setting
from study.design.study import Profile, Study
from study.design.values import leaves
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling import cost
from tests.made_examples import bounded, examples
from tests.study.made_estimates import estimated
from trainables.autoencoding import NormalPrior
from trainables.config import AaeConfig, Config, Evaluation, GanConfig, Latent, to_dict
from trainables.data import Digits, Ring
from trainables.networks import Mlp
from trainables.optim import Adam

FEW, MANY = 100, 2_000
"""Examples of each kind in the default run and in the slow one."""

GAN = GanConfig(
    data=Ring(modes=2),
    generator=Mlp(hidden=(4,)),
    discriminator=Mlp(hidden=(4,)),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=100,
    evaluation=Evaluation(every=5, samples=8),
)
AAE = AaeConfig(
    data=Digits(),
    encoder=Mlp(hidden=(4,)),
    decoder=Mlp(hidden=(4,), output="tanh"),
    discriminator=Mlp(hidden=(4,)),
    prior=NormalPrior(dim=2),
    optimizer=Adam(lr=1e-3),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    class_optimizer=Adam(lr=1e-3),
    steps=100,
    evaluation=Evaluation(every=5, samples=8),
)


def study_with(config: Config) -> Study:
    only = Profile(base=config, factors=(), seeds=2, block=2, rule=MIXTURE_RULE, note="")
    return Study(name="tiny", title="", question="?", sources=(), hypotheses=(), contrasts=(), profiles={"quick": only})


BASES = {"gan": study_with(GAN), "aae": study_with(AAE)}
PATHS = sorted({path for config in (GAN, AAE) for path, _ in leaves(to_dict(config))})
KINDS = sorted(set(re.findall(r'kind: Literal\["(\w+)"\]', "".join(
    file.read_text("utf-8") for file in Path(sys.modules["trainables"].__path__[0]).rglob("*.py")
))))  # fmt: skip
NASTY = (
    "", " ", ",", "=", ".", "null", "true", "NaN", "nan", "Infinity", "-Infinity", "inf", "1e999", "-0", "0", "-1",
    "1e3", "0x10", "9223372036854775807", "9223372036854775808", "4294967296", "2147483648", "1" * 5_000,
    "[" * 5_000, "[" * 50 + "]" * 50, '{"a":' * 5_000, '"\\ud800"', "\ud800", "\x00", "\x1b[31m", "x [/y]", "[bold]",
    ":smile:", "\u202e", "../x", "a/b", "~", "-", "--set", "\n", "{}", "[]", "[[]]", '{"kind": "mlp"}', "[0]", "[1,2",
    "[" + "1," * 2_000 + "1]", '{"kind": {}}', '{"kind": "\\ud800"}', "1,1", "1,2", "0.1,[1],x", "mlp,maxout", "ns",
    "x" * 5_000 + ".json", "x/" * 3_000 + "y.py",
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from((*KINDS, *NASTY)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from((*PATHS, "kind")), inner, max_size=4),
    max_leaves=8,
)
numbers = st.integers().map(str) | st.floats().map(str)
texts = st.one_of(
    st.sampled_from(NASTY), st.sampled_from(KINDS), numbers, st.text(max_size=12), json_values.map(json.dumps)
)
paths = st.one_of(
    st.sampled_from(PATHS),
    st.sampled_from(PATHS).map(lambda path: path.rpartition(".")[0] or "steps"),
    st.lists(st.sampled_from([part for path in PATHS for part in path.split(".")]), min_size=1, max_size=3).map(
        ".".join
    ),
    st.sampled_from(NASTY) | st.text(max_size=8),
)
assignments = st.builds("{}={}".format, paths, texts) | texts


def assert_plan_or_sentence(make: Callable[[], Plan]) -> None:
    """The only error is a ValueError with something to say, of a length that a person reads."""
    with bounded():
        try:
            plan = make()
        except ValueError as error:
            sentence = str(error)
        else:
            assert plan.cells
            sentence = f"plan {plan.digest()}"
    assert 10 < len(sentence) < 3_000, sentence


def check_set(kind: str, changes: list[str]) -> None:
    assert_plan_or_sentence(lambda: planned(BASES[kind], None, 2, changes))


def check_vary(kind: str, axes: list[str]) -> None:
    assert_plan_or_sentence(lambda: planned(BASES[kind], None, 2, [], vary=axes))


SETTING = json.loads(
    Setting(
        name="mine", title="t", question="q", sources=("s",), note="n", seeds=2, first_seed=0, block=2,
        rule=MIXTURE_RULE, config=GAN,
    ).text()
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def replaced(place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    changed = json.loads(json.dumps(SETTING))
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = new
    return changed


damaged_settings = st.one_of(
    st.builds(replaced, st.sampled_from(list(places(SETTING))), json_values).map(
        lambda value: json.dumps(value).encode()
    ),
    st.builds(
        lambda cut, other: json.dumps(SETTING).encode()[:cut] + other, st.integers(0, 2_000), st.binary(max_size=8)
    ),
    st.binary(max_size=40),
    st.sampled_from([text.encode("utf-8", "surrogatepass") for text in NASTY]),
    st.just(b"\xef\xbb\xbf" + json.dumps(SETTING).encode()),
)


def check_setting(content: bytes, folder: Path) -> None:
    path = folder / "setting.json"
    path.write_bytes(content)
    assert_plan_or_sentence(lambda: planned(study_of(str(path), None), None, None, []))


STUDY_FILE = """
from study.design.study import Profile, Study
from study.outcomes.rule import MIXTURE_RULE
from study.studies import find
GAN = find('dirac').profiles['smoke'].base
{before}
only = Profile(base={base}, factors={factors}, seeds={seeds}, block=2, rule=MIXTURE_RULE, note={note})
STUDY = Study(
    name={name}, title={title}, question="?", sources=(), hypotheses={hypotheses}, contrasts=(),
    profiles={profiles}, first_seed={first},
)
{after}
"""
USUAL = {
    "before": "", "base": "GAN", "factors": "()", "seeds": "2", "note": "''", "name": "'mine'", "title": "''",
    "hypotheses": "()", "profiles": "{'quick': only}", "first": "0", "after": "",
}  # fmt: skip
expressions = json_values.map(repr) | st.sampled_from(
    ("", "only", "GAN", "None", "1/0", "x", "(", "lambda: 0", "exit(3)", "[].pop()", "only.seeds", "'a' * 10**6", "f()")
)
statements = st.sampled_from(
    ("def f(): return f()\nf()", "raise SystemExit('x [/y]')", "import nothing_at_all", "\tx", "raise ValueError",
     "del STUDY", "STUDY = 3", "raise BaseException('x')", "raise KeyError('\\x1b')", "assert False",
     "x = '\\ud800'; raise OSError(x)",
     "from __future__ import braces", "class A(Exception):\n    def __str__(self): raise KeyError\nraise A")
)  # fmt: skip


@st.composite
def study_files(draw: st.DrawFn) -> bytes:
    parts = dict(USUAL)
    for name in draw(st.lists(st.sampled_from(list(USUAL)), max_size=2)):
        parts[name] = draw(statements | st.text(max_size=8) if name in ("before", "after") else expressions)
    text = STUDY_FILE.format(**parts)
    return text.encode("utf-8", "surrogatepass")


def check_study(content: bytes, folder: Path) -> None:
    path = folder / "mine.py"
    path.write_bytes(content)
    assert_plan_or_sentence(lambda: planned(study_of(str(path), None), None, None, []))


NAMES = ("list", "show", "explain", "run", "status", "resume", "decide", "report", "sync", "verify", "compare",
         "best", "confirm", "search", "spaces", "figure", "lst", "", "--version")  # fmt: skip
words = st.one_of(
    st.sampled_from(
        ("tiny", "dirac", "dirak", "wgan-clip", "nothing", "--set", "--vary", "--seeds", "--profile", "smoke", "--out",
         "--budget", "--on", "ring", "ring/x", "dirac/smoke", "1h", "3blocks", "--goal", "--sampler", "tpe", "--seed",
         "--cell", "--until-decided", "--gpus-per-block", "--block", "steps=3", "clip=0.1,0.2", "--help",
         "--floor", "--rule",         "s3://x", "/proc/x", "mine.py", "mine.json", "--confirm", "0", "2", "--")
    ),
    texts,
)  # fmt: skip


def check_arguments(name: str, given_words: list[str]) -> None:
    with bounded():
        done = CliRunner().invoke(app, [name, *given_words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 2), (done.exit_code, done.output)
    if done.exit_code == 2 and done.stderr.strip():
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert done.stderr.startswith("error: "), done.stderr


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Plan everything, and train, measure or write nothing."""
    monkeypatch.setattr(cost, "estimate", lambda plan: estimated())
    for module in (launches, search, confirm):
        monkeypatch.setattr(module, "start", lambda *arguments: pytest.fail("must be patched") and None)
        monkeypatch.setattr(module, "start", lambda *arguments: None)
        monkeypatch.setattr(module, "resources_at", lambda *arguments: None)
    monkeypatch.chdir(tmp_path)


SIZES = [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]


@pytest.mark.parametrize("number", SIZES)
def test_what_is_set_gives_a_plan_or_a_sentence(number: int) -> None:
    examples(number)(given(st.sampled_from(list(BASES)), st.lists(assignments, max_size=3))(check_set))()


@pytest.mark.parametrize("number", SIZES)
def test_what_is_varied_gives_a_plan_or_a_sentence(number: int) -> None:
    examples(number)(given(st.sampled_from(list(BASES)), st.lists(assignments, max_size=2))(check_vary))()


@pytest.mark.parametrize("number", SIZES)
def test_a_file_of_a_setting_gives_a_plan_or_a_sentence(number: int, tmp_path: Path) -> None:
    examples(number)(given(damaged_settings)(lambda content: check_setting(content, tmp_path)))()


@pytest.mark.parametrize("number", SIZES)
def test_a_file_of_a_study_gives_a_plan_or_a_sentence(number: int, tmp_path: Path) -> None:
    examples(number)(given(study_files())(lambda content: check_study(content, tmp_path)))()


@pytest.mark.parametrize("number", SIZES)
def test_arguments_give_a_result_or_a_sentence(number: int, untrained: None) -> None:
    examples(number)(given(st.sampled_from(NAMES), st.lists(words, max_size=5))(check_arguments))()


EXTREMES = ("0", "-1", "1", "0.5", "1e-300", "1e300", "65536", "2147483648", "4294967296", "9007199254740992",
            "[]", "[0]",            "[2147483648,2147483648]", "[1e9]", "true", "null", '""')  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", BASES)
def test_every_field_takes_or_refuses_every_extreme(kind: str) -> None:
    for path in PATHS:
        for text in EXTREMES:
            check_set(kind, [f"{path}={text}"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", BASES)
def test_every_field_takes_or_refuses_every_kind(kind: str) -> None:
    for path in (path for path in PATHS if path.endswith("kind")):
        for name in KINDS:
            for more in ([], [f"data.kind={name}"], ["data.kind=digits", "latent.dim=4294967296"]):
                check_set(kind, [f"{path}={name}", *more][-2:])


def test_a_hang_is_noticed() -> None:
    with pytest.raises(AssertionError, match="took more than 1 seconds"), bounded(1):
        signal.pause()
