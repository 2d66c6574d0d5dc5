"""What a user learns about the data sets: which are here, what is in one, what to do for the rest. No network."""

import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets as torchvision_sets
from typer.testing import CliRunner, Result

from study.cli import app
from study.outcomes.rule import IMAGE_RULE
from study.outcomes.snapshots import snapshots
from study.terminal import datasets
from study.terminal.datasets import examine
from tests.study.made_traces import REFERENCE, image
from trainables.data import DATASETS, Digits, ImageFolder, LowVariabilityDigits, Ring
from trainables.trace import ReplicaTrace


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder: what lies in the checkout's ``data`` must not matter. And no way out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("the network was used"))
    return tmp_path


def study(*arguments: str | Path, columns: int = 200) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": str(columns)})


def write_photos(root: Path, per_class: dict[str, int]) -> Path:
    for place, (name, count) in enumerate(per_class.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (12, 12), (60 * place, 10 * number, 0)).save(root / name / f"{number}.png")
    return root


# list


def test_every_data_set_is_listed_with_its_shape_and_whether_it_is_here() -> None:
    rows = {line.split()[0]: line.split() for line in study("data", "list").stdout.splitlines() if line.strip()}
    for kind in DATASETS:
        assert kind().kind in rows
    assert rows["digits"][-3:] == ["1x16x16", "10", "yes"]
    assert rows["stacked_mnist"][-3:] == ["3x28x28", "1000", "no"]
    assert rows["celeba"][-3:] == ["3x64x64", "-", "no"]


def test_for_each_absent_set_the_list_says_what_to_do() -> None:
    remedies = study("data", "list").stdout.split("How to get the rest")[1]
    for part in ("mnist: study data get mnist\n", "fashion_mnist: study data get fashion-mnist\n", "LSUN project"):
        assert part in remedies
    assert "  digits:" not in remedies
    assert "must" not in remedies
    assert "put your images in data/image_folder, or in one folder per class in it" in remedies


def test_what_is_here_needs_no_remedy(tmp_path: Path) -> None:
    write_photos(tmp_path / "data" / "image_folder", {"a": 1, "b": 2})
    shown = study("data", "list").stdout
    assert "  image_folder:" not in shown.split("How to get the rest")[1]


# check


def test_a_check_counts_images_classes_and_distinct_ones(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos", {"cat": 3, "dog": 2})
    Image.new("RGB", (12, 12), (0, 0, 0)).save(root / "dog" / "copy.png")  # equals cat/0.png
    done = study("data", "check", "image-folder", "--set", f"root={root}", "--set", "side=8")
    assert done.exit_code == 0, done.output
    for part in ("3x8x8", "6, 5 of them distinct; all could be read", "2: cat 3, dog 3", "-1 to -0.5294"):
        assert part in done.stdout


def test_a_check_says_what_is_not_used_how_images_are_read_and_whether_they_can_be_judged(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos", {"cat": 6, "dog": 6})
    Image.new("RGBA", (12, 12), (0, 0, 0, 0)).save(root / "dog" / "sprite.png")
    (root / "dog" / "1.heic").touch()
    (root / "masks").mkdir()
    done = study("data", "check", "image-folder", "--set", f"root={root}", "--set", "side=8", columns=400)
    shown = {line[:10].strip(): line[10:].strip() for line in done.stdout.splitlines()}
    assert shown["classes"] == "2: cat 6, dog 7"
    assert shown["not used"] == "1 file (1 .heic) left out; no images in masks"
    assert shown["read"] == "1 transparent, laid on white"
    assert shown["judge"].startswith("This rule cannot judge these data: 13 images are few")


def test_data_that_are_nobodys_own_files_are_not_judged() -> None:
    assert "judge" not in study("data", "check", "digits").stdout


def test_a_name_may_be_written_with_hyphens_or_underscores() -> None:
    shown = [study("data", "check", name).stdout for name in ("low-variability", "low_variability")]
    assert shown[0] == shown[1]
    assert "10,000, 122 of them distinct" in shown[0]


@pytest.mark.parametrize(("rotate", "distinct"), [(False, 122), (True, 5_117)])
def test_distinct_low_variability_digits_are_counted(rotate: bool, distinct: int) -> None:
    """Published: 124 and 5,075, in another Times (Mao et al. 2019)."""
    assert examine(LowVariabilityDigits(rotate=rotate)).distinct == pytest.approx(distinct, abs=5)


def test_facts_of_images() -> None:
    facts = examine(Digits(side=8))
    assert (facts.count, facts.shape, facts.modes) == (1_797, (1, 8, 8), 0)
    assert facts.per_class == (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
    assert (facts.low, facts.high) == (-1, 1)
    assert facts.digest == Digits(side=8).load(device=torch.device("cpu"), dtype=torch.float32).digest


def test_facts_of_a_density() -> None:
    facts = examine(Ring())
    assert (facts.count, facts.distinct, facts.per_class, facts.modes, facts.shape) == (0, 0, (), 8, (2,))
    assert (facts.low, facts.high) == pytest.approx((-1.04, 1.04), abs=0.02)


def test_all_parts_of_a_large_set_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "CHUNK", 2)
    root = write_photos(tmp_path / "photos", {"a": 5})
    Image.new("RGB", (12, 12), (255, 255, 255)).save(root / "a" / "z.png")
    facts = examine(ImageFolder(root=str(root)))
    assert (facts.count, facts.distinct, facts.high) == (6, 6, 1.0)


def test_every_unreadable_file_is_printed(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos", {"a": 9})
    for number in range(7):
        (root / "a" / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    done = study("data", "check", "image_folder", "--set", f"root={root}")
    assert done.exit_code == 2
    assert [line.split()[1] for line in done.stdout.splitlines()] == [f"a/{number}.png:" for number in range(7)]
    assert "got 7 unreadable of 9" in done.stderr
    assert "and 2 more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "imagenet"], "NAME must be one of ring, digits"),
        (["check", "imagefolder"], ": did you mean image_folder?"),
        (["get", "imagenet"], "NAME must be one of ring, digits"),
        (["check", "mnist"], "study data get mnist --root data/mnist"),
        (
            ["check", "mnist", "--set", "root=there"],
            "there without train-images-idx3-ubyte and train-labels-idx1-ubyte, packed (.gz",
        ),
        (["check", "mnist", "--set", "side=many"], "side: input should be a valid integer"),
        (["check", "mnist", "--set", "size=32"], "size is no field"),
        (["check", "digits", "--set", "side"], "--set needs path=value, got 'side'"),
        (["check", "digits", "--set", "side=4"], "side must be in 8..1024, got 4"),
        (["check", "image_folder", "--set", "root=2024"], "root must be a folder of images, got "),
        (
            ["check", "image_folder", "--set", "root=caf\udce9"],
            "root must be text that can be written as UTF-8, got ",
        ),
        (["check", "image_folder", "--set", "side=100000"], "side must be in 8..1024, got 100000"),
        (["get", "lsun"], "NAME must be a data set that torchvision downloads, got lsun: "),
        (["get", "ring"], "got ring: its files are here, or need none"),
        (["get", "ring", "--root", "x"], "root is no field"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = study("data", *arguments)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# get


@dataclass
class Server:
    """Stands for torchvision's MNIST: writes what a download leaves."""

    fails: Exception | None = None
    asked: tuple[Any, ...] = ()

    def __call__(self, root: str, *, download: bool = False, train: bool = True) -> None:
        self.asked = (root, download)
        if self.fails:
            raise self.fails
        folder = Path(root) / "MNIST" / "raw"
        folder.mkdir(parents=True)
        for part in ("train", "t10k"):
            for what in ("images-idx3", "labels-idx1"):
                (folder / f"{part}-{what}-ubyte").write_bytes(b"")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    fake = Server()
    monkeypatch.setattr(torchvision_sets, "MNIST", fake)
    return fake


@pytest.mark.parametrize("name", ["mnist", "stacked-mnist"])
def test_get_downloads_into_the_root(name: str, server: Server, tmp_path: Path) -> None:
    done = study("data", "get", name, "--root", tmp_path / "there")
    assert done.exit_code == 0, done.output
    assert server.asked == (str(tmp_path / "there"), True)
    assert "is here" in done.stdout


def test_get_downloads_nothing_twice(server: Server) -> None:
    study("data", "get", "mnist")
    assert server.asked == ("data/mnist", True)
    server.asked = ()
    assert "already" in study("data", "get", "mnist").stdout
    assert server.asked == ()


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("Error downloading [x]")], ids=str)
def test_a_failed_download_is_no_mistake_of_the_user(error: Exception, server: Server) -> None:
    server.fails = error
    done = study("data", "get", "mnist")
    assert done.exit_code == 1
    assert f"mnist could not be downloaded: {error}" in done.stderr
    assert "Traceback" not in done.output


# Studies


def test_a_study_names_unreadable_images_before_anything_starts(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos", {"a": 3, "b": 3})
    (root / "b" / "1.png").write_bytes((root / "b" / "1.png").read_bytes()[:40])
    field = ("--set", "data.kind=image_folder", "--set", f"data.root={root}", "--set", "data.side=16")
    done = study("run", "lsgan-stability", "--profile", "smoke", *field, "--out", tmp_path / "out")
    assert done.exit_code == 2, done.output
    assert "got 1 unreadable of 6" in done.stderr
    assert "b/1.png" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("samples", "covered"), [(512, 0.40), (2_000, 0.86), (5_000, 0.99), (26_000, 1.0)])
def test_the_rule_can_call_a_thousand_classes_covered_from_2000_samples_on(samples: int, covered: float) -> None:
    """Ids of a perfect generator of stacked digits."""
    ids = torch.randint(1000, (samples,), generator=torch.Generator().manual_seed(3))
    share = np.bincount(ids.numpy(), minlength=1000) / samples
    columns = {
        "step": np.array([0, 100]),
        "class_share": np.stack([np.eye(1000)[0], share]),
        **{name: np.array([0.0, value]) for name, value in image(0.0, share, 1.0).items() if np.ndim(value) == 0},
        "frechet_classifier": np.array([100.0, 1.0]),
    }
    reference = {
        **REFERENCE["image"], "class_weights": np.full(1000, 1 / 1000), "samples": np.array([float(samples)])
    }  # fmt: skip
    seen = snapshots(ReplicaTrace(seed=0, columns=columns, reference=reference), IMAGE_RULE)
    assert seen.coverage[0] == pytest.approx(covered, abs=0.02)
    assert bool(seen.good[0]) is (samples >= 2_000)
