"""The characters of GB 2312 level 1, and how they are drawn from the fonts of the machine."""

from pathlib import Path

import matplotlib
import pytest
import torch
from torch import Tensor

from trainables.data import characters
from trainables.data.characters import Characters, Face, level_one
from trainables.data.source import ImageTruth

CPU = torch.device("cpu")
LATIN = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def truth_of(config: Characters) -> ImageTruth:
    return config.load(device=CPU, dtype=torch.float32).truth


def needs_fonts(count: int) -> None:
    try:
        found = Characters()._faces()
    except ValueError:
        found = []
    if len(found) < count:
        pytest.skip(f"needs {count} fonts of Chinese characters: apt-get install fonts-arphic-ukai fonts-wqy-zenhei")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> ImageTruth:
    needs_fonts(2)
    return truth_of(Characters(classes=6, fonts=2, variations=4, root=str(tmp_path_factory.mktemp("drawn"))))


@pytest.fixture
def latin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fonts that every installation of matplotlib has stand for the machine's; neither has a Chinese character."""
    monkeypatch.setattr(characters, "FOLDERS", (LATIN,))
    monkeypatch.setattr(characters, "FACES", (Face("DejaVuSans.ttf", 0, "a"), Face("STIXGeneral.ttf", 0, "b")))


def spell(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(Characters, "characters", property(lambda self: text))


def test_level_one_has_3755_characters_from_the_first_to_the_last() -> None:
    assert len(level_one()) == len(set(level_one())) == 3_755
    assert level_one().encode("gb2312")[:2] == b"\xb0\xa1"
    assert level_one().encode("gb2312")[-2:] == b"\xd7\xf9"
    assert (level_one()[0], level_one()[-1]) == ("啊", "座")


def test_fewer_classes_are_the_first_of_more() -> None:
    whole = Characters(classes=3_755).characters
    assert sorted(whole) == sorted(level_one())
    assert Characters(classes=100).characters == whole[:100]
    assert Characters(classes=8).characters == "宰鉴篷忱捏如伎屏"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classes": 3_756}, r"classes must be in 1\.\.3755, got 3756"),
        ({"classes": 0}, r"classes must be in 1\.\.3755, got 0"),
        ({"side": 11}, "side must be in 12..1024, got 11"),
        ({"fonts": 0}, "fonts must be >= 1, got 0"),
        ({"variations": 0}, "variations must be >= 1, got 0"),
    ],
)
def test_fields_out_of_range_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Characters(**fields)


def test_a_machine_without_fonts_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(characters, "FOLDERS", (tmp_path / "absent", tmp_path))
    with pytest.raises(ValueError, match=r"must be installed, .*: apt-get install fonts-arphic-ukai fonts-wqy-zenhei"):
        Characters().check()


def test_a_character_is_left_out_where_the_font_lacks_it(
    latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """DejaVu Sans has the letters of N'Ko, STIX does not."""
    spell(monkeypatch, "Aߊ")
    truth = truth_of(Characters(classes=2, variations=3, root=str(tmp_path)))
    assert torch.bincount(truth.labels).tolist() == [6, 3]


def test_characters_that_no_font_has_are_named(latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spell(monkeypatch, "A宰")
    with pytest.raises(ValueError, match="fonts must have every character, got none that has 宰"):
        truth_of(Characters(classes=2, root=str(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_a_blank_glyph_is_a_missing_one(latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spell(monkeypatch, "A\u3000")
    with pytest.raises(ValueError, match="fonts must have every character"):
        truth_of(Characters(classes=2, root=str(tmp_path)))


def test_the_drawn_set_is_kept_and_read_again(latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spell(monkeypatch, "AB")
    config = Characters(classes=2, variations=2, root=str(tmp_path / "new"))
    first = truth_of(config)
    (kept,) = (tmp_path / "new").iterdir()
    monkeypatch.setattr(Characters, "_draw", None)
    assert torch.equal(truth_of(config).images, first.images)
    assert kept.suffix == ".pt"


def test_a_folder_that_cannot_be_written_to_is_named(
    latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spell(monkeypatch, "AB")
    (tmp_path / "file").touch()
    with pytest.raises(
        ValueError, match=rf"^root must be a writable folder, got {tmp_path}/file/kept: Not a directory$"
    ):
        truth_of(Characters(classes=2, variations=1, root=str(tmp_path / "file" / "kept")))


def test_a_damaged_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(characters, "FOLDERS", (tmp_path,))
    monkeypatch.setattr(characters, "FACES", (Face("font.ttf", 0, "a"),))
    (tmp_path / "font.ttf").write_bytes(b"no font")
    with pytest.raises(
        ValueError, match=rf"^fonts must be readable, got {tmp_path}/font\.ttf: .*; install or remove it"
    ):
        truth_of(Characters(classes=1, variations=1, root=str(tmp_path / "kept")))


def test_a_drawn_set_that_was_damaged_is_drawn_again(
    latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spell(monkeypatch, "AB")
    config = Characters(classes=2, variations=2, root=str(tmp_path / "new"))
    first = truth_of(config)
    (kept,) = (tmp_path / "new").iterdir()
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert torch.equal(truth_of(config).images, first.images)


@pytest.mark.parametrize("change", [{"classes": 1}, {"side": 16}, {"fonts": 1}, {"variations": 2}])
def test_every_field_has_a_file_of_its_own(
    latin: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, int]
) -> None:
    monkeypatch.setattr(Characters, "characters", property(lambda self: "AB"[: self.classes]))
    fields = {"classes": 2, "variations": 1, "root": str(tmp_path)}
    truth_of(Characters(**fields))
    truth_of(Characters(**{**fields, **change}))
    assert len(list(tmp_path.iterdir())) == 2


def test_other_bytes_of_a_font_make_another_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(characters, "FOLDERS", (tmp_path,))
    monkeypatch.setattr(characters, "FACES", (Face("font.ttf", 0, "a"),))
    spell(monkeypatch, "A")
    for name in ("DejaVuSans.ttf", "STIXGeneral.ttf"):
        (tmp_path / "font.ttf").write_bytes((LATIN / name).read_bytes())
        truth_of(Characters(classes=1, variations=1, root=str(tmp_path / "kept")))
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_images_are_ordered_by_class(drawn: ImageTruth) -> None:
    assert drawn.images.shape == (48, 1, 28, 28)
    assert drawn.labels.tolist() == [label for label in range(6) for _ in range(8)]


def test_strokes_are_white_on_black_and_away_from_the_edge(drawn: ImageTruth) -> None:
    assert 0.5 < (drawn.images == 0).double().mean() < 0.85
    assert drawn.images.flatten(1).amax(1).min() > 128
    plain = drawn.images[::4]
    assert int(plain[..., 0, :].max()) == int(plain[..., :, 0].max()) == 0


def center(images: Tensor) -> Tensor:
    """``[N, 2]``: the middle of the box of the ink."""
    ink = images[:, 0] > 40
    places = []
    for image in ink:
        rows, columns = image.any(1).nonzero(), image.any(0).nonzero()
        places.append([(rows[0] + rows[-1]).item() / 2, (columns[0] + columns[-1]).item() / 2])
    return torch.tensor(places)


def test_undeformed_ink_is_centered(drawn: ImageTruth) -> None:
    assert (center(drawn.images[::4]) - 13.5).abs().max() <= 1.0


def test_every_image_of_a_character_differs_and_resembles_the_others(drawn: ImageTruth) -> None:
    images = drawn.images.double().flatten(1)
    assert len(torch.unique(images, dim=0)) == 48
    distances = torch.cdist(images, images)
    same_font = torch.arange(48) // 4
    near = distances[(same_font[:, None] == same_font) & (distances > 0)].mean()
    far = distances[drawn.labels[:, None] != drawn.labels].mean()
    assert 0.2 < near / far < 0.9


def test_fonts_deform_a_character_by_draws_of_their_own(drawn: ImageTruth) -> None:
    shifts = center(drawn.images).view(6, 2, 4, 2)
    moved = shifts[:, :, 1:] - shifts[:, :, :1]
    assert (moved[:, 0] - moved[:, 1]).abs().mean() > 0.3
