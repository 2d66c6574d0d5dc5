"""How a file becomes pixels: depth, transparency, orientation, damage and size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.data import pixels
from trainables.data.pixels import check_memory, decoded, traits

ORIENTATIONS = range(1, 9)


def corner(path: Path, channels: int = 3) -> object:
    return decoded(path, channels).getpixel((0, 0))


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_of_gray_are_scaled(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"deep.{ending}"
    Image.fromarray(np.array([[0, 257, 30_000, 65_535]], dtype=np.uint16)).save(path)
    assert np.asarray(decoded(path, 1)).tolist() == [[0, 1, 117, 255]]
    assert traits(path) == ("of 16 bits, scaled to 8",)


def test_the_maximum_of_a_pgm_is_white(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 4095\n" + np.array([2_048, 4_095], dtype=">u2").tobytes())
    assert np.asarray(decoded(tmp_path / "a.pgm", 1)).tolist() == [[128, 255]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_known_white_are_refused(tmp_path: Path, dtype: type) -> None:
    Image.fromarray(np.ones((4, 4), dtype=dtype)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match=r"^pixels of mode [FI], whose white is not known: save it with 8 or 16 bits$"):
        decoded(tmp_path / "a.tif", 3)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 255, 0, 0, 255])
    palette.save(tmp_path / "palette.png", transparency=1)
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "color.png", transparency=(1, 2, 3))
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(tmp_path / "half.webp", lossless=True)
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "gray.png")
    deep = Image.fromarray(np.full((4, 4), 300, dtype=np.uint16))
    deep.save(tmp_path / "deep.png", transparency=300)
    found = {path.stem: corner(path) for path in tmp_path.iterdir()}
    white = (255, 255, 255)
    assert found == dict.fromkeys(("palette", "color", "clear", "gray", "deep"), white) | {"half": (255, 127, 127)}
    assert all("transparent, laid on white" in traits(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_images_are_turned_as_exif_says(tmp_path: Path, orientation: int, mode: str) -> None:
    """The upper left corner is bright after turning: it is stored where the orientation says."""
    stored = np.zeros((4, 6), dtype=np.uint8)
    right, lower = orientation in (2, 3, 7, 8), orientation in (3, 4, 6, 7)
    stored[-1 if lower else 0, -1 if right else 0] = 255
    exif = Image.Exif()
    exif[pixels.ORIENTATION] = orientation
    image = Image.fromarray(stored).convert("RGB") if mode == "RGB" else Image.fromarray(stored.astype(np.uint16) * 257)
    image.save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(decoded(tmp_path / "a.png", 1))
    assert upright.shape == ((6, 4) if orientation >= 5 else (4, 6))
    bright = {tuple(map(int, place)) for place in np.argwhere(upright == 255)}
    assert bright == {(0, 0)}
    assert ("turned as their EXIF orientation says" in traits(tmp_path / "a.png")) is (orientation != 1)


def test_exif_without_sense_is_no_damage(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (0, 0, 255)).save(tmp_path / "a.png", exif=b"Exif\0\0no sense")
    assert corner(tmp_path / "a.png") == (0, 0, 255)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.jpg", quality=100)
    assert corner(tmp_path / "a.jpg") == pytest.approx((0, 255, 255), abs=2)
    assert traits(tmp_path / "a.jpg") == ("CMYK, converted to RGB",)


def test_the_first_of_several_frames_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert corner(tmp_path / "a.gif") == (255, 0, 0)
    assert traits(tmp_path / "a.gif") == ("of several frames, the first taken",)


@pytest.mark.parametrize("limit", [20, 100])
def test_a_size_that_fills_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """PIL warns of images above its limit, and refuses those of twice that."""
    Image.new("RGB", (11, 11)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    if limit == 100:
        assert decoded(tmp_path / "a.png", 3).size == (11, 11)
    else:
        with pytest.raises(ValueError, match=r"^more than 40 pixels: scale it down$"):
            decoded(tmp_path / "a.png", 3)


@pytest.mark.parametrize("form", ["bmp", "png", "jpeg", "gif", "tiff", "webp", "ppm", "jpeg2000", "avif"])
def test_whatever_damage_does_it_is_an_error_that_is_caught(tmp_path: Path, form: str) -> None:
    """Files cut short and with bytes changed, at random places: they are decoded, or refused; nothing else."""
    rng = np.random.default_rng(4)
    path = tmp_path / "a"
    Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path, format=form)
    whole = path.read_bytes()
    refused = 0
    for number in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if number % 2 else whole)
        for place in rng.integers(0, min(len(damaged), 100), 3):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            decoded(path, 3)
        except (OSError, ValueError):
            refused += 1
        else:
            traits(path)
    assert refused > 10


def test_images_that_exceed_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(pixels, "LIMIT", limit)
    check_memory(10, (3, 100, 100))
    limit.write_text("max\n")
    check_memory(10, (3, 100, 100))
    limit.write_text("299999\n")
    with pytest.raises(ValueError, match=r"^side must leave room for the images in memory, got 10 of 3x100x100, which"):
        check_memory(10, (3, 100, 100))
