"""Whatever lies in a folder of data, it is read as it was meant, or one sentence names the file and says why not.

The default run has a few hundred examples, always the same ones; the slow one has thousands.
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from tests.made_damage import Step, damaged, steps
from tests.made_examples import bounded, examples
from trainables.data import cache, characters, mnist
from trainables.data.cache import UnreadableImages
from trainables.data.celeba import _training
from trainables.data.characters import Characters, Face
from trainables.data.folder import ImageFolder
from trainables.data.pixels import ORIENTATION, decoded, fitted, traits
from trainables.later import torch

SIZES = [pytest.param(200, id="few"), pytest.param(3_000, id="many", marks=pytest.mark.slow)]
FEWER = [pytest.param(60, id="few"), pytest.param(600, id="many", marks=pytest.mark.slow)]
MODES: Mapping[str, tuple[str, ...]] = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpeg": ("L", "RGB", "CMYK"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "gif": ("L", "P", "RGB"),
    "webp": ("RGB", "RGBA"),
    "tiff": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"),
    "ppm": ("1", "L", "RGB", "I;16"),
    "avif": ("RGB",),
}
EXACT = ("png", "bmp", "tiff")
"""Formats that keep every pixel of each of their modes."""
TURNS: tuple[Callable[[Any], Any], ...] = (
    lambda a: a, lambda a: a[:, ::-1], lambda a: a[::-1, ::-1], lambda a: a[::-1], lambda a: a.swapaxes(0, 1),
    lambda a: np.rot90(a, -1), lambda a: a[::-1, ::-1].swapaxes(0, 1), lambda a: np.rot90(a),
)  # fmt: skip
"""How an image looks upright that was stored with the orientations 1 to 8."""
kinds = st.sampled_from([(form, mode) for form, modes in MODES.items() for mode in modes])
sizes = st.sampled_from([(1, 1), (1, 40), (40, 1), (2, 3), (13, 8)])
extras = st.sampled_from(["", "frames", "exif", "no exif", "icc"])


def pixels_of(mode: str, size: tuple[int, int]) -> Image.Image:
    rng = np.random.default_rng(size[0])
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65_536, size[::-1], dtype=np.uint16))
    return Image.fromarray(rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).convert(mode)


def encoded(form: str, mode: str, size: tuple[int, int], extra: str = "", orientation: int = 1) -> bytes:
    out, image = io.BytesIO(), pixels_of(mode, size)
    options: dict[str, Any] = {}
    if extra == "frames" and form in ("png", "gif", "webp", "tiff"):
        options = {"save_all": True, "append_images": [Image.new(image.mode, size)]}
    if extra == "exif" and form in ("png", "jpeg", "webp", "tiff"):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options = {"exif": exif.tobytes()}
    if extra == "no exif" and form in ("png", "jpeg", "webp"):
        options = {"exif": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(64))}
    if extra == "icc" and form in ("png", "jpeg", "webp", "tiff"):
        options = {"icc_profile": bytes(range(200))}
    image.save(out, format=form, **options)
    return out.getvalue()


def tried(read: Callable[[], Any]) -> tuple[Any, str]:
    """Return what is read and "", or None and the sentence that refuses it."""
    with bounded():
        try:
            return read(), ""
        except (OSError, ValueError) as error:
            return None, str(error)


def read_or_refused(path: Path) -> Any:
    """Return the pixels as colors; None if the file is refused."""
    image, said = tried(lambda: decoded(path, 3))
    assert (image is None) == bool(said)
    if image is None:
        return None
    with bounded():
        traits(path)
        for fit in ("crop", "squeeze"):
            small = fitted(image, 8, fit)  # type: ignore[arg-type]
            assert small.shape == (3, 8, 8)
            assert small.dtype == np.uint8
    return np.asarray(image)


@pytest.mark.parametrize("number", FEWER)
def test_an_image_of_any_kind_has_the_pixels_that_were_saved(number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.png"  # the ending does not matter

    def check(kind: tuple[str, str], size: tuple[int, int], extra: str, orientation: int) -> None:
        path.write_bytes(encoded(*kind, size, extra, orientation))
        found = read_or_refused(path)
        assert found is not None
        form, mode = kind
        if form in EXACT:
            image = pixels_of(mode, size)
            if mode == "I;16":
                image = Image.fromarray(((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8))
            turn = TURNS[orientation - 1] if extra == "exif" and form != "bmp" and 1 <= orientation <= 8 else TURNS[0]
            assert np.array_equal(found, turn(np.asarray(image.convert("RGB"))))

    examples(number)(given(kinds, sizes, extras, st.integers(0, 9))(check))()


@pytest.mark.parametrize("number", SIZES)
def test_a_damaged_image_is_decoded_or_refused(number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"

    def check(kind: tuple[str, str], size: tuple[int, int], extra: str, damage: list[Step]) -> None:
        path.write_bytes(damaged(encoded(*kind, size, extra, 6), damage))
        read_or_refused(path)

    examples(number)(given(kinds, sizes, extras, steps)(check))()


@pytest.mark.parametrize("number", FEWER)
def test_the_pixels_of_a_damaged_png_are_never_others(number: int, tmp_path: Path) -> None:
    """A PNG has checksums, so that damage shows, wherever it is."""
    path = tmp_path / "a.png"

    def check(mode: str, size: tuple[int, int], damage: list[Step]) -> None:
        content = encoded("png", mode, size)
        path.write_bytes(content)
        true = read_or_refused(path)
        path.write_bytes(damaged(content, damage))
        found = read_or_refused(path)
        assert found is None or np.array_equal(found, true)

    examples(2 * number)(given(st.sampled_from(MODES["png"]), sizes, steps)(check))()


@pytest.mark.parametrize("number", FEWER)
def test_the_start_of_one_format_before_the_rest_of_another_is_decoded_or_refused(number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.gif"

    def check(one: tuple[str, str], other: tuple[str, str], share: float, own: float) -> None:
        start, rest = encoded(*one, (13, 8)), encoded(*other, (13, 8))
        path.write_bytes(start[: int(share * len(start))] + rest[int(own * len(rest)) :])
        read_or_refused(path)

    shares = st.floats(0, 1)
    examples(number)(given(kinds, kinds, shares, shares)(check))()


@pytest.mark.parametrize("number", [pytest.param(15, id="few"), pytest.param(200, id="many", marks=pytest.mark.slow)])
def test_a_folder_names_the_damaged_file_alone(number: int, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(encoded("png", "RGB", (13, 8)))
    whole = (tmp_path / "b.png").read_bytes()

    def check(damage: list[Step]) -> None:
        (tmp_path / "b.png").write_bytes(damaged(whole, damage))
        folder = ImageFolder(root=str(tmp_path), side=8)
        source, said = tried(lambda: folder.load(device=torch.device("cpu"), dtype=torch.float32))
        if source is None:
            assert "got 1 unreadable of 3" in said
            assert ": b.png (" in said
            assert len(said.splitlines()) == 1
        else:
            assert len({image.numpy().tobytes() for image in source.truth.images}) == 1

    examples(number)(given(steps)(check))()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, pixels: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(bits: int, width: int, content: bytes) -> bytes:
    tags = [(256, width), (257, 1), (258, bits), (259, 1), (262, 1), (273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, 1),
            (279, len(content))]  # fmt: skip
    fields = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + fields + bytes(4) + content


REFUSED = {
    "nothing": (b"", "no image of a known format"),
    "zeros": (bytes(500), "no image of a known format"),
    "a text": (b"hello\n" * 100, "no image of a known format"),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image of a known format"),
    "a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "no image of a known"),
    "floats": (b"Pf\n2 2\n-1.0\n" + np.array([0.0, 0.5, 1.0, 300.0], "<f4").tobytes(), "pixels of mode F, whose white"),
    "too large": (png(2**31 - 1, 2**31 - 1, zlib.compress(b"")), "more than 178,956,970 pixels"),
    "no pixels": (png(0, 5, zlib.compress(b"")), "no image of a known format"),
    "fewer pixels": (png(500, 500, zlib.compress(bytes(600))), "truncated"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_image_is_refused(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadableImages, match=r"got 1 unreadable of 1 in .*: a\.png \(.*" + sentence):
        ImageFolder(root=str(tmp_path)).load(device=torch.device("cpu"), dtype=torch.float32)


# What was found, example by example.


def test_pixels_whose_checksum_does_not_match_are_refused(tmp_path: Path) -> None:
    """The damaged stream is one that can be decoded, and only its checksum shows that it is another one."""
    pixels, others = (zlib.compress(bytes([0, gray, gray, gray])) for gray in (8, 9))
    (tmp_path / "a.png").write_bytes(png(3, 1, pixels))
    assert np.asarray(decoded(tmp_path / "a.png", 1)).tolist() == [[8, 8, 8]]
    (tmp_path / "a.png").write_bytes(png(3, 1, pixels).replace(pixels, others))
    with pytest.raises(ValueError, match=r"^damaged: the checksum of its pixels does not match$"):
        decoded(tmp_path / "a.png", 1)


def test_twelve_bits_of_gray_are_scaled(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(12, 2, b"\xff\xff\xff"))
    assert np.asarray(decoded(tmp_path / "a.tif", 1)).tolist() == [[255, 255]]


def test_a_negative_of_16_bits_is_turned_over(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    Image.fromarray(np.array([[0, 65_535]], dtype=np.uint16)).save(tmp_path / "a.tif", tiffinfo=tags)
    assert np.asarray(decoded(tmp_path / "a.tif", 1)).tolist() == [[255, 0]]


def test_a_second_page_that_is_damaged_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    content = bytearray(encoded("tiff", "L", (13, 8), "frames"))
    first = int.from_bytes(content[4:8], "little")
    count = int.from_bytes(content[first : first + 2], "little")
    second = int.from_bytes(content[first + 2 + 12 * count :][:4], "little")
    content[second + 2 : second + 2 + 12 * count] = bytes(12 * count)
    path.write_bytes(content)
    assert decoded(path, 1).size == (13, 8)
    assert traits(path) == ("of several frames, the first taken",)


def test_a_second_frame_of_a_gif_that_is_damaged_is_not_looked_at(tmp_path: Path) -> None:
    path, content = tmp_path / "a.gif", encoded("gif", "L", (13, 8), "frames")
    path.write_bytes(content[: content.rindex(b"\x21\xf9\x04") + 2] + b"\x01\x00\x00")  # too short a block
    assert decoded(path, 1).size == (13, 8)
    assert traits(path) == ("of several frames, the first taken",)


def test_a_plain_tiff_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    """PIL maps such a file into memory as if it had been turned already."""
    path = tmp_path / "a.tif"
    path.write_bytes(encoded("tiff", "RGB", (2, 3), "exif", 6))
    assert np.array_equal(np.asarray(decoded(path, 3)), np.rot90(np.asarray(pixels_of("RGB", (2, 3))), -1))


# Other files of data.


def idx(array: Any) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape) + array.tobytes()


def digits() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    return {"train-images-idx3-ubyte": idx(images), "train-labels-idx1-ubyte": idx(np.arange(20, dtype=np.uint8) % 10)}


@pytest.mark.parametrize("number", FEWER)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_digits_are_refused_or_well_formed(packed: bool, number: int, tmp_path: Path) -> None:
    files = {f"{name}.gz" if packed else name: gzip.compress(content, mtime=0) if packed else content
             for name, content in digits().items()}  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    true = mnist._read(str(tmp_path), "MNIST")

    def check(name: str, damage: list[Step]) -> None:
        (tmp_path / name).write_bytes(damaged(files[name], damage))
        data = mnist.Mnist(root=str(tmp_path))
        source, said = tried(lambda: data.load(device=torch.device("cpu"), dtype=torch.float32))
        if source is None:
            assert str(tmp_path) in said
            assert len(said.splitlines()) == 1
        elif packed:  # with a checksum; unpacked, only sizes and labels can be looked at
            assert torch.equal(source.truth.images, true[0])
            assert torch.equal(source.truth.labels, true[1])
        (tmp_path / name).write_bytes(files[name])

    examples(number)(given(st.sampled_from([*files]), steps)(check))()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train-labels-idx1-ubyte", b"\0\0\x08\0\x07", "train-labels-idx1-ubyte: not the files' format"),
        ("train-labels-idx1-ubyte", idx(np.full(20, 10, np.uint8)), "train-labels-idx1-ubyte: a label of 10"),
        ("train-images-idx3-ubyte", idx(np.zeros(20, np.uint8)), "train-images-idx3-ubyte: not the files' format"),
    ],
)
def test_digits_of_another_form_are_refused(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    for own, whole in digits().items():
        (tmp_path / own).write_bytes(content if own == name else whole)
    with pytest.raises(ValueError, match=f"root must hold MNIST undamaged, got .* with {reason}: fetch"):
        mnist.Mnist(root=str(tmp_path)).load(device=torch.device("cpu"), dtype=torch.float32)


def unopened() -> Any:
    raise AssertionError("the images must not be converted again")


def npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("number", FEWER)
def test_a_damaged_file_of_converted_images_is_refused_or_of_the_same_size(number: int, tmp_path: Path) -> None:
    path, content = tmp_path / "images.npy", npy(IMAGES)

    def check(damage: list[Step]) -> None:
        path.write_bytes(damaged(content, damage))
        found, said = tried(lambda: cache.images(path, (3, 8, 8), unopened, tmp_path))
        if found is None:
            assert str(path) in said
            assert len(said.splitlines()) == 1
        else:
            assert found.shape == IMAGES.shape

    examples(number)(given(steps)(check))()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"text", npy(IMAGES)[:-1], npy(IMAGES) + b"x", npy(IMAGES[0]), npy(IMAGES.astype(np.int8)),
        npy(np.asfortranarray(IMAGES)), npy(IMAGES.reshape(6, 8, 3, 8)), npy(IMAGES[:0]),
        npy(IMAGES).replace(b"(6, 3, 8, 8)", b"((((((((((((" ), npy(IMAGES).replace(b"(6, 3", b"(4, 3"),
    ],
)  # fmt: skip
def test_a_file_of_converted_images_that_holds_anything_else_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"images\.npy cannot be read: it must hold images of shape \(3, 8, 8\)"):
        cache.images(path, (3, 8, 8), unopened, tmp_path)


def test_a_partition_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"000001.jpg 0\n\xff\xfe\n")
    with pytest.raises(ValueError, match=r"root must hold CelebA's partition, got .*list\.txt, which is no text"):
        _training(tmp_path / "list.txt")


FONT = next(Path(matplotlib.__file__).parent.rglob("DejaVuSans.ttf"))


@pytest.mark.parametrize("number", [pytest.param(20, id="few"), pytest.param(400, id="many", marks=pytest.mark.slow)])
def test_a_damaged_font_is_drawn_or_named(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "FOLDERS", (tmp_path,))
    monkeypatch.setattr(characters, "FACES", (Face("font.ttf", 0, "a"),))
    monkeypatch.setattr(Characters, "characters", property(lambda self: "AB"))
    content = FONT.read_bytes()
    data = Characters(classes=2, variations=1)

    def check(damage: list[Step]) -> None:
        (tmp_path / "font.ttf").write_bytes(damaged(content, damage))
        drawn, said = tried(lambda: data._draw(data._faces()))
        if drawn is None:
            assert "font.ttf: " in said or "got none that has" in said
        else:
            assert drawn[0].shape == (len(drawn[1]), 1, 28, 28)

    examples(number)(given(steps)(check))()


def test_a_damaged_glyph_names_its_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(FONT.read_bytes())
    tables = {bytes(content[12 + 16 * i :][:4]): 12 + 16 * i for i in range(int.from_bytes(content[4:6], "big"))}
    start, length = struct.unpack(">II", content[tables[b"glyf"] + 8 :][:8]) if b"glyf" in tables else (0, 0)
    content[start : start + length] = (
        b"\x00\x7f" * (length // 2) + content[start + length - length % 2 : start + length]
    )
    (tmp_path / "font.ttf").write_bytes(content)
    monkeypatch.setattr(characters, "FOLDERS", (tmp_path,))
    monkeypatch.setattr(characters, "FACES", (Face("font.ttf", 0, "a"),))
    with pytest.raises(ValueError, match=r"fonts must be readable, got .*font\.ttf: .*; install or remove it"):
        Characters(classes=2, variations=1, root=str(tmp_path)).load(device=torch.device("cpu"), dtype=torch.float32)
