"""Arrays of images: every format gives the same images, and what is no array of images is one sentence."""

import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from tests.trainables.data import stored_arrays as made
from trainables.data import ArrayFile, ImageSource, columns, formats, known_classes, numpy_files
from trainables.data.array import IMAGES
from trainables.data.cache import UnreadableImages
from trainables.files import cache_folder
from trainables.streams import Streams

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path_factory.mktemp("cache")))


def load(path: Any, **fields: Any) -> ImageSource:
    data = ArrayFile(**{"path": str(path), "side": made.SIDE, **fields})
    data.check()
    return data.load(device=CPU, dtype=torch.float32)


def saved(place: Path, array: Any) -> Path:
    np.save(place / "x.npy", array)
    return place / "x.npy"


# Formats


@pytest.mark.parametrize("name", made.FORMATS)
def test_every_format_gives_the_same_images_and_classes(tmp_path: Path, name: str) -> None:
    source = load(**made.FORMATS[name](tmp_path))
    assert np.array_equal(source.truth.images.numpy(), made.images().transpose(0, 3, 1, 2))
    assert source.truth.labels.tolist() == made.labels().tolist()
    assert source.truth.names == made.NAMES
    assert source.truth.classes == 3


@pytest.mark.parametrize("name", made.FORMATS)
def test_classes_are_counted_without_the_images(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ArrayFile(**made.FORMATS[name](tmp_path), side=16)
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded"))
    data.check()
    assert data.classes == known_classes(data) == 3


def test_batches_of_a_mapped_array_are_those_of_a_converted_one(tmp_path: Path) -> None:
    """The one lies on the disk with the channels last."""
    fields = [made.FORMATS[name](tmp_path) for name in ("npy", "parquet")]
    mapped, converted = (load(**own) for own in fields)
    for source in (mapped, converted):
        assert source.batch(Streams([3, 4]), 1, 5).samples.shape == (2, 5, 3, 8, 8)
    assert torch.equal(mapped.batch(Streams([3]), 1, 5).samples, converted.batch(Streams([3]), 1, 5).samples)
    assert mapped.digest == converted.digest


@pytest.mark.parametrize(
    ("array", "channels"),
    [
        (made.images()[..., 0], 1),
        (made.images()[..., :1], 1),
        (made.images(), 3),
        (np.ascontiguousarray(made.images().transpose(0, 3, 1, 2)), 3),
        (np.asfortranarray(made.images()), 3),
    ],
)
def test_bytes_of_the_right_size_are_mapped_as_they_are(tmp_path: Path, array: Any, channels: int) -> None:
    path = saved(tmp_path, array)
    source = load(path, channels=channels)
    assert np.array_equal(source.truth.images.numpy()[:, 0], made.images()[..., 0])
    assert not list(cache_folder().rglob("*.npy"))
    with path.open("r+b") as file:  # the images are those of the file itself
        file.seek(-made.images().shape[-1] if channels == 3 else -1, io.SEEK_END)
        file.write(b"\x00\x01\x02"[:channels])
    assert int(source.truth.images.sum()) != int(array.sum(dtype=np.int64))


@pytest.mark.parametrize(
    ("convert", "word"),
    [
        (lambda x: (x / 255).astype(np.float32), "from 0 to 1, scaled to 8 bits: 0 is black and 1 white"),
        (lambda x: x / 127.5 - 1, "from -1 to 1, scaled to 8 bits: -1 is black and 1 white"),
        (lambda x: x.astype(np.uint16) * 257, "from 0 to 65,535, scaled to 8 bits: 65,535 is white"),
        (lambda x: (x.astype(np.uint16) * 257).astype(">u2"), "from 0 to 65,535, scaled to 8 bits: 65,535 is white"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_numbers_that_are_no_bytes_are_converted_with_a_word(
    tmp_path: Path, convert: Any, word: str, packed: bool
) -> None:
    array = convert(made.images())
    path = saved(tmp_path, array)
    if packed:
        path = tmp_path / "x.npz"
        np.savez(path, array)
    assert np.array_equal(load(path).truth.images.numpy(), made.images().transpose(0, 3, 1, 2))
    readings = ArrayFile(path=str(path), side=8).readings()
    assert readings == (f"as {array.dtype.name} [12, 8, 8, 3]", word)


def test_sizes_and_colors_are_converted_with_a_word(tmp_path: Path) -> None:
    wide = np.zeros((2, 10, 20, 4), dtype=np.uint8)
    wide[:, :, :10] = (255, 0, 0, 255)
    data = ArrayFile(path=str(saved(tmp_path, wide)), side=8, fit="squeeze")
    source = load(data.path, fit="squeeze")
    assert source.truth.images[0, :, 4, 0].tolist() == [255, 0, 0]
    assert source.truth.images[0, :, 4, 7].tolist() == [255, 255, 255]
    assert data.readings()[1:] == ("10x20 pixels, scaled to 8x8", "with transparency, laid on white")
    assert "in color, turned gray" in ArrayFile(path=data.path, channels=1).readings()
    gray = saved(tmp_path, made.images()[..., 0])
    assert torch.equal(load(gray).truth.images[:, 0], load(gray).truth.images[:, 2])
    assert "gray, repeated in three channels" in ArrayFile(path=str(gray), side=8).readings()


def test_encoded_images_are_read_as_those_of_a_folder(tmp_path: Path) -> None:
    """Upright and on white, and the check counts them."""
    turned, clear = io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(made.images()[0]).save(turned, "PNG", exif=exif)
    Image.new("RGBA", (8, 8)).save(clear, "PNG")
    pq.write_table(pa.table({"image": [turned.getvalue(), clear.getvalue()]}), tmp_path / "x.parquet")
    found = load(tmp_path / "x.parquet").truth.images
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), made.images()[0, ::-1, ::-1])
    assert found[1].min() == 255
    said = ArrayFile(path=str(tmp_path / "x.parquet")).readings()
    assert "1 turned as their EXIF orientation says" in said
    assert "1 transparent, laid on white" in said


# Fields and classes


def test_fields_are_chosen_by_name_and_others_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=made.images(), x_test=made.images()[:5], y_train=made.labels())
    named = {"key": "x_train", "label_key": "y_train"}
    assert load(tmp_path / "x.npz", **named).truth.classes == 3
    assert ArrayFile(path=str(tmp_path / "x.npz"), **named).remarks() == ("the fields x_test not used",)
    assert load(tmp_path / "x.npz", key="x_test").truth.labels is None


def test_labels_can_be_left_out(tmp_path: Path) -> None:
    fields = made.FORMATS["parquet"](tmp_path)
    assert load(**fields, label_key="none").truth.labels is None
    assert ArrayFile(**fields, label_key="none").classes == 0


def test_a_class_without_images_is_none_and_is_named(tmp_path: Path) -> None:
    pq.write_table(made.table(names=(*made.NAMES, "yak")), tmp_path / "x.parquet")
    source = load(tmp_path / "x.parquet")
    assert source.truth.names == made.NAMES
    assert ArrayFile(path=str(tmp_path / "x.parquet")).remarks() == ("no images of the classes yak",)


def test_labels_may_be_categories_or_start_anywhere(tmp_path: Path) -> None:
    words = pa.array([made.NAMES[each] for each in made.labels()]).dictionary_encode()
    pq.write_table(made.table(classes=words, names=()), tmp_path / "x.parquet")
    assert load(tmp_path / "x.parquet").truth.names == made.NAMES
    np.savez(tmp_path / "x.npz", x=made.images(), y=made.labels()[:, None] + 5)
    truth = load(tmp_path / "x.npz").truth
    assert (truth.names, truth.labels.tolist()) == (("5", "6", "7"), made.labels().tolist())


def test_one_class_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=made.images(), y=np.zeros(made.COUNT, int))
    assert load(tmp_path / "x.npz").truth.labels is None


def test_classes_are_read_once_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training asks for their number at every step."""
    fields = made.FORMATS["npy"](tmp_path)
    data = ArrayFile(**fields)
    assert data.classes == 3
    with monkeypatch.context() as patch:
        patch.setattr(formats, "opened", lambda _: pytest.fail("read"))
        assert data.classes == 3
    np.save(fields["labels"], np.arange(made.COUNT))
    assert data.classes == 12


def test_classes_of_damaged_files_are_not_known(tmp_path: Path) -> None:
    """Who reads a launch does not need the data."""
    data = ArrayFile(**made.FORMATS["npz"](tmp_path))
    Path(data.path).write_bytes(b"damaged")
    assert known_classes(data) is None
    assert data.classes == 0
    assert known_classes(ArrayFile(path=str(tmp_path / "nowhere.npz"))) is None


# In parts


@pytest.mark.parametrize("name", made.FORMATS)
def test_parts_are_the_whole(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_files, "PART_BYTES", 5 * 8 * 8 * 3)
    monkeypatch.setattr(columns, "ROWS", 5)
    fields = made.FORMATS[name](tmp_path)
    found = formats.opened(Path(fields["path"]))
    array = found.array(found.chosen("", IMAGES, option="key"))
    assert len([*array.parts()]) > 2
    source = load(**fields, channels=1)  # which converts them all
    monkeypatch.undo()
    assert source.truth.labels.tolist() == made.labels().tolist()
    gray = [np.asarray(Image.fromarray(each).convert("L")) for each in made.images()]
    assert np.array_equal(source.truth.images[:, 0].numpy(), np.stack(gray))


def test_an_array_is_converted_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has 98 MB and is never whole in memory."""
    monkeypatch.setattr(numpy_files, "PART_BYTES", 2**20)
    np.savez_compressed(tmp_path / "x.npz", np.zeros((2_000, 64, 64, 3), dtype=np.float32))
    tracemalloc.start()
    source = load(tmp_path / "x.npz", side=64)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(source.truth.images) == 2_000
    assert peak < 10 * 2**20


# The cache


def test_later_loads_convert_nothing_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made.FORMATS["parquet"](tmp_path)["path"]
    before = load(path).digest
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", lambda *_: pytest.fail("decoded"))
        assert load(path).digest == before
    content = made.table()
    pq.write_table(content.take(list(reversed(range(made.COUNT)))), path)
    assert load(path).digest != before


def test_every_array_of_a_file_has_a_converted_file_of_its_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=made.images(), b=255 - made.images())
    a, b = load(tmp_path / "x.npz", key="a"), load(tmp_path / "x.npz", key="b")
    assert torch.equal(a.truth.images, 255 - b.truth.images)


def test_nothing_is_written_beside_the_array(tmp_path: Path) -> None:
    path = saved(tmp_path, made.images() / 255)
    load(path)
    assert list(tmp_path.iterdir()) == [path]


# What is no array of images


def refused(path: Any, sentence: str, **fields: Any) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        load(path, **fields)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((5, 8)), r"^images must be an array \[N, H, W\].* got the shape \[5, 8\] \(in .*x\.npy\)"),
        (np.zeros((5, 8, 8, 2), np.uint8), r"with C 1, 3 or 4, got the shape \[5, 8, 8, 2\]"),
        (np.zeros((5, 3, 8, 3), np.uint8), r"got the shape \[5, 3, 8, 3\], which may be either"),
        (np.zeros((5, 8, 8), np.int64), r"uint8, uint16, or floats .* got int64: save them with \.astype\(np\.uint8\)"),
        (np.zeros((5, 8, 8), bool), r"got bool"),
        (np.zeros((5, 8, 8), complex), r"got complex128"),
        (np.full((5, 8, 8), 255.0), r"must lie in \[0, 1\] or \[-1, 1\], got 255 to 255: save bytes"),
        (np.full((5, 8, 8), -1.1), r"got -1\.1 to -1\.1"),
        (np.full((5, 8, 8), np.nan), r"must be finite, got NaN or infinity"),
        (np.full((5, 8, 8), np.inf), r"must be finite, got NaN or infinity"),
        (np.zeros((0, 8, 8), np.uint8), r"^path must hold an array with values, got .* with shape \[0, 8, 8\]"),
        (np.uint8(3), r"^path must hold an array with values, got .* with shape \[\]"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_arrays_that_are_no_images_are_refused(tmp_path: Path, array: Any, sentence: str, packed: bool) -> None:
    path = saved(tmp_path, array)
    if packed:
        np.savez(tmp_path / "x.npz", x=array)
        path, sentence = tmp_path / "x.npz", sentence.replace(r"x\.npy", r"x\.npz")
    refused(path, sentence)


def test_pickled_objects_are_refused_unopened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    refused(tmp_path / "x.npy", r"^path must hold arrays of numbers, .* with object: pickled objects are programs")


@pytest.mark.parametrize("name", made.FORMATS)
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.97])
def test_files_that_are_cut_short_are_named(tmp_path: Path, name: str, kept: float) -> None:
    fields = made.FORMATS[name](tmp_path)
    path = Path(fields["path"])
    file = path if path.is_file() else sorted(path.iterdir())[1]
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    if name == "save_to_disk" and kept == 0.97:  # within the mark of its end: all rows are there
        file.write_bytes(content[:-30])
    refused(path, r"^(path must hold (readable arrays|files of one schema|an array)|label_key must)")


@pytest.mark.parametrize("name", ["npz", "parquet", "save_to_disk"])
def test_damage_inside_is_named(tmp_path: Path, name: str) -> None:
    """Bytes of a PNG are zeroed, or of the packed array."""
    path = Path(made.FORMATS[name](tmp_path)["path"])
    file = path if path.is_file() else sorted(path.glob("*.arrow"))[0]
    content = bytearray(file.read_bytes())
    place = content.index(b"IHDR") if name != "npz" else len(content) // 3
    content[place : place + 8] = bytes(8)
    file.write_bytes(content)
    refused(path, r"^path must hold readable (arrays|images), got")


def test_images_that_cannot_be_decoded_are_counted_and_named(tmp_path: Path) -> None:
    column: list[Any] = [{"bytes": made.encoded(image), "path": None} for image in made.images()]
    column[3] = {"bytes": b"no image", "path": None}
    column[7] = {"bytes": None, "path": "seven.png"}
    pq.write_table(made.table(column), tmp_path / "x.parquet")
    with pytest.raises(
        UnreadableImages,
        match=r"^path must hold readable images, got 2 unreadable of 12 in .*: image 3 \(no image of a known format\),"
        r" image 7 \(no bytes, at most the name of a file: embed the images\); repair",
    ):
        load(tmp_path / "x.parquet")
    assert not list(cache_folder().rglob("*.npy"))


def test_lists_of_several_sizes_are_refused(tmp_path: Path) -> None:
    rows = [np.zeros((size, 8), np.uint8).tolist() for size in (8, 8, 9)]
    column = pa.array(rows, pa.list_(pa.list_(pa.uint8())))
    pq.write_table(pa.table({"image": column}), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", r"^path must hold images of one size if they are lists of numbers, got several")


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        ([0, 1, None] * 4, r"^label_key must be a column with a class for each image, got 4 without one"),
        ([-1] * 12, r"^label_key must name classes from 0 on, got -1, and 12 of 12 images"),
        ([0, 1, 3] * 4, r"^label_key must name one of 3 classes for each image, got number 3"),
        ([0.5] * 12, r"^label_key must name whole numbers or names as classes, got float64"),
    ],
)
def test_labels_that_are_none_are_refused(tmp_path: Path, classes: Any, sentence: str) -> None:
    pq.write_table(made.table(classes=classes), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", sentence)


def test_labels_of_other_images_are_refused(tmp_path: Path) -> None:
    fields = made.FORMATS["npy"](tmp_path)
    np.save(fields["labels"], np.zeros(5, int))
    refused(
        fields["path"], r"^labels must name a class for each of the 12 images, got .* \[5\]", labels=fields["labels"]
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"key": "pictures"}, r"^key must be a field of .*\(image, label\), got pictures"),
        ({"label_key": "animal"}, r"^label_key must be a field of .*\(image, label\), got animal"),
        ({"key": "label"}, r"^key must be a column of images \(bytes, .*got label of int64 in"),
        ({"labels": "y.npy", "label_key": "y"}, r"^label_key must be left out beside labels, got y and y\.npy"),
        ({"labels": "nowhere.npy"}, r"^path must be .npy.* got .*nowhere\.npy, where there is nothing"),
        ({"side": 4}, r"^side must be in 8..1024, got 4"),
        ({"channels": 2}, r"^channels must be 1 or 3, got 2"),
    ],
)
def test_bad_fields_are_refused(tmp_path: Path, fields: dict[str, Any], sentence: str) -> None:
    refused(made.FORMATS["parquet"](tmp_path)["path"], sentence, **fields)


def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "x.npy", r"^path must be \.npy, \.npz, .* where there is nothing")
    (tmp_path / "x.csv").write_text("1,2")
    refused(tmp_path / "x.csv", r"where there is a \.csv")
    refused(tmp_path, r"got the folder .* without state\.json and \.parquet files")
    (tmp_path / "x.npz").write_bytes(b"no archive")
    refused(tmp_path / "x.npz", r"^path must hold readable arrays, got .*x\.npz: File is not a zip file")
    np.savez(tmp_path / "many.npz", a=1, b=2)
    refused(tmp_path / "many.npz", r"^key must be set to a field of .*\(a, b\), as none is called images or image")


def test_several_parts_of_a_data_set_are_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        made.on_disk(tmp_path / "all" / part, made.table())
    (tmp_path / "all" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    refused(tmp_path / "all", r"got the splits test, train in .*; point it at one of them, such as .*/all/train$")
    (tmp_path / "data").mkdir()
    for part in ("train", "test"):
        pq.write_table(made.table(), tmp_path / "data" / f"{part}-00000-of-00001.parquet")
    refused(tmp_path / "data", r"got the parts test, train in .*: name one file")


def test_a_file_that_the_state_names_must_be_there(tmp_path: Path) -> None:
    path = made.on_disk(tmp_path / "saved", made.table())
    (path / "data-00001-of-00002.arrow").unlink()
    refused(path, r"got no data-00001-of-00002\.arrow: copy the whole folder")
    (path / "state.json").write_text("{}")
    refused(path, r"^path must hold readable arrays, got .*state\.json: ")


# More than the memory


def test_an_array_that_is_larger_than_the_memory_is_mapped(tmp_path: Path) -> None:
    """A sparse file of 1 TB, of which a few pages are read."""
    count, header = 10**12 // (3 * 64 * 64), tmp_path / "huge.npy"
    with header.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (count, 3, 64, 64)}
        )
        file.truncate(file.tell() + count * 3 * 64 * 64)
    data = ArrayFile(path=str(header), side=64)
    data.check()
    assert header.stat().st_blocks * 512 < 10**6
    images = data._bytes(data._images(data._opened()))
    assert images.shape == (count, 3, 64, 64)
    assert images[count - 1].sum() == 0
