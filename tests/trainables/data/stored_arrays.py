"""The same twelve small images in every format that is read."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Array = npt.NDArray[Any]
COUNT, SIDE = 12, 8
NAMES = ("cat", "dog", "emu")


def images() -> npt.NDArray[np.uint8]:
    """Return ``[12, 8, 8, 3]``."""
    return np.random.default_rng(0).integers(256, size=(COUNT, SIDE, SIDE, 3), dtype=np.uint8)


def labels() -> npt.NDArray[np.int64]:
    """Return classes 0, 1 and 2, four images of each."""
    return np.arange(COUNT) % 3


def encoded(image: Array) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def table(column: Any = None, classes: Any = None, names: Sequence[str] = NAMES) -> pa.Table:
    """Return what Hugging Face's ``datasets`` stores: encoded images, and the names of classes in the schema."""
    if column is None:
        column = [{"bytes": encoded(image), "path": None} for image in images()]
    feature = {"names": list(names), "_type": "ClassLabel"}
    note = json.dumps({"info": {"features": {"image": {"_type": "Image"}, "label": feature}}})
    found = pa.table({"image": column, "label": labels() if classes is None else classes})
    return found.replace_schema_metadata({"huggingface": note} if names else None)


def on_disk(folder: Path, content: pa.Table, shards: int = 2) -> Path:
    """Write what ``Dataset.save_to_disk`` writes."""
    folder.mkdir(parents=True)
    files, rows = [], -(-len(content) // shards)
    for number in range(shards):
        files.append(f"data-{number:05d}-of-{shards:05d}.arrow")
        with pa.OSFile(str(folder / files[-1]), "wb") as out, pa.ipc.new_stream(out, content.schema) as writer:
            writer.write_table(content.slice(number * rows, rows), max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in files]}))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def _npy(folder: Path) -> dict[str, str]:
    np.save(folder / "x.npy", images())
    np.save(folder / "y.npy", np.array(NAMES)[labels()])
    return {"path": str(folder / "x.npy"), "labels": str(folder / "y.npy")}


def _npz(folder: Path) -> dict[str, str]:
    np.savez_compressed(folder / "both.npz", images=images().transpose(0, 3, 1, 2), y=np.array(NAMES)[labels()])
    return {"path": str(folder / "both.npz")}


def _parquet(folder: Path) -> dict[str, str]:
    pq.write_table(table(), folder / "one.parquet", row_group_size=5)
    return {"path": str(folder / "one.parquet")}


def _shards(folder: Path) -> dict[str, str]:
    (folder / "data").mkdir()
    for number in range(2):
        pq.write_table(table().slice(6 * number, 6), folder / "data" / f"train-{number:05d}-of-00002.parquet")
    return {"path": str(folder / "data")}


def _lists(folder: Path) -> dict[str, str]:
    content = table(pa.array(images().tolist(), pa.list_(pa.list_(pa.list_(pa.uint8())))), names=NAMES)
    pq.write_table(content, folder / "lists.parquet")
    return {"path": str(folder / "lists.parquet")}


def _tensors(folder: Path) -> dict[str, str]:
    column = pa.FixedShapeTensorArray.from_numpy_ndarray(images())
    pq.write_table(table(column), folder / "tensors.parquet")
    return {"path": str(folder / "tensors.parquet")}


def _save_to_disk(folder: Path) -> dict[str, str]:
    return {"path": str(on_disk(folder / "saved", table()))}


FORMATS: dict[str, Callable[[Path], dict[str, str]]] = {
    "npy": _npy,
    "npz": _npz,
    "parquet": _parquet,
    "shards": _shards,
    "lists": _lists,
    "tensors": _tensors,
    "save_to_disk": _save_to_disk,
}
"""Each writes the images into a folder and returns the fields of the data set."""
