"""Columns of Parquet files and of folders that Hugging Face's ``datasets`` wrote (Arrow streams), read in parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trainables.data.stored import FORMATS, Classes, Encoded, Numbers, Stored, damaged
from trainables.text import printable

ROWS = 256
"""Rows that are read at once."""
_DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder that ``save_to_disk`` wrote, or its Parquet files, in order.

    Raises:
        ValueError: if it holds neither, or several splits.
    """
    here = printable(str(folder))
    if (folder / "dataset_dict.json").is_file():
        splits = sorted(path.parent.name for path in folder.glob("*/state.json"))
        likely = "train" if "train" in splits else splits[0] if splits else ""
        named = f"; point it at one of them, such as {here}/{printable(likely)}" if splits else ""
        raise ValueError(
            f"path must be one set of images, got the splits {', '.join(map(printable, splits)) or 'of none'} in"
            f" {here}{named}"
        )
    if (state := folder / "state.json").is_file():
        return _of_state(state)
    found = sorted(folder.glob("*.parquet"))
    if not found:
        raise ValueError(f"path must be {FORMATS}, got the folder {here} without state.json and .parquet files")
    if len(parts := {path.name.rpartition("-of-")[0].rpartition("-")[0] for path in found}) > 1:
        raise ValueError(
            f"path must be one set of images, got the parts {', '.join(map(printable, sorted(parts)))} in {here}: name"
            " one file, or a folder with the files of one part"
        )
    return found


def _of_state(state: Path) -> list[Path]:
    """Return the files that ``state.json`` names.

    Raises:
        ValueError: if one is absent, or rows were chosen that the files do not tell.
    """
    try:
        content = json.loads(state.read_text(encoding="utf-8"))
        files = [state.parent / each["filename"] for each in content["_data_files"]]
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise damaged(state, error) from None
    absent = [path.name for path in files if not path.is_file()]
    if absent or not files:
        raise ValueError(
            f"path must hold the files that {printable(str(state))} names, got no"
            f" {', '.join(map(printable, absent)) or 'names'}: copy the whole folder"
        )
    return files


def opened(path: Path, files: Sequence[Path]) -> Stored:
    """Open files of one schema as one table.

    Raises:
        ValueError: if one is damaged, or has another schema.
    """
    schemas = [_schema(file) for file in files]
    for file, schema in zip(files, schemas, strict=True):
        if not schema.equals(schemas[0]):
            raise ValueError(f"path must hold files of one schema, got another one in {printable(str(file))}")

    def classes(name: str) -> Classes:
        column = pa.chunked_array(
            [part for file in files for part in _parts(file, name)], type=schemas[0].field(name).type
        )
        return Classes(values=_plain(column, path), names=_class_names(schemas[0], name))

    return Stored(
        path=path,
        fields=tuple(schemas[0].names),
        array=lambda name: _array(path, files, name, schemas[0].field(name).type),
        classes=classes,
    )


def _array(path: Path, files: Sequence[Path], name: str, kind: pa.DataType) -> Numbers | Encoded:
    count = sum(map(_count, files))
    if not count:
        raise ValueError(f"path must hold images, got no rows in {printable(str(path))}")
    if _is_encoded(kind):
        return Encoded(count=count, parts=lambda: (_bytes(part) for file in files for part in _parts(file, name)))
    if not _is_nested(kind):
        raise ValueError(
            f"key must be a column of images (bytes, a struct with bytes, or lists of numbers), got {printable(name)}"
            f" of {kind} in {printable(str(path))}"
        )
    first = next(part for file in files for part in _parts(file, name) if len(part))
    sample = _tensor(first[:1], path)

    def parts() -> Iterator[npt.NDArray[Any]]:
        for file in files:
            for part in _parts(file, name):
                found = _tensor(part, path)
                if len(found) and found.shape[1:] != sample.shape[1:]:
                    raise _uneven(path)
                yield found

    return Numbers(shape=(count, *sample.shape[1:]), dtype=sample.dtype, parts=parts)


def _is_encoded(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(i).name == "bytes" for i in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_nested(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.FixedShapeTensorType) or _is_list(kind)


def _schema(file: Path) -> pa.Schema:
    try:
        if file.suffix.lower() == ".parquet":
            return pq.read_schema(file)
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            return reader.schema
    except _DAMAGED as error:
        raise damaged(file, error) from None


def _count(file: Path) -> int:
    try:
        if file.suffix.lower() == ".parquet":
            return int(pq.read_metadata(file).num_rows)
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            return sum(batch.num_rows for batch in reader)
    except _DAMAGED as error:
        raise damaged(file, error) from None


def _parts(file: Path, name: str) -> Iterator[pa.Array]:
    """Yield a column in parts of at most ROWS rows."""
    try:
        if file.suffix.lower() == ".parquet":
            with pq.ParquetFile(file, pre_buffer=False) as table:
                for batch in table.iter_batches(batch_size=ROWS, columns=[name]):
                    yield batch.column(0)
            return
        with pa.memory_map(str(file)) as source, pa.ipc.open_stream(source) as reader:
            for batch in reader:
                column = batch.column(reader.schema.get_field_index(name))
                yield from (column[start : start + ROWS] for start in range(0, len(column), ROWS))
    except _DAMAGED as error:
        raise damaged(file, error) from None


def _bytes(part: pa.Array) -> list[bytes | None]:
    column = part.field("bytes") if pa.types.is_struct(part.type) else part
    found: list[bytes | None] = column.to_pylist()
    return found


def _tensor(part: pa.Array, path: Path) -> npt.NDArray[Any]:
    """Return lists of lists of numbers as an array.

    Raises:
        ValueError: if their lengths differ, values are missing, or are no numbers.
    """
    if isinstance(part.type, pa.FixedShapeTensorType):
        tensors: npt.NDArray[Any] = part.to_numpy_ndarray()
        return tensors
    count, sizes = len(part), []
    while _is_list(part.type):
        lengths = pc.list_value_length(part)
        ends = pc.min_max(lengths)
        if lengths.null_count or ends["min"] != ends["max"]:
            raise _uneven(path)
        sizes.append(ends["max"].as_py() or 0)
        part = part.flatten()
    if part.null_count or not (pa.types.is_integer(part.type) or pa.types.is_floating(part.type)):
        raise ValueError(f"path must hold lists of numbers, got some of {part.type} in {printable(str(path))}")
    return np.asarray(part.to_numpy(zero_copy_only=False)).reshape(count, *sizes)


def _uneven(path: Path) -> ValueError:
    return ValueError(
        f"path must hold images of one size if they are lists of numbers, got several or missing ones in"
        f" {printable(str(path))}: bring them to one size, or store them as PNG"
    )


def _plain(column: pa.ChunkedArray, path: Path) -> npt.NDArray[Any]:
    """Return classes as numbers or text.

    Raises:
        ValueError: if some are missing.
    """
    if column.null_count:
        raise ValueError(
            f"label_key must be a column with a class for each image, got {column.null_count:,} without one in"
            f" {printable(str(path))}"
        )
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=np.str_)
    return np.asarray(column.to_numpy())


def _class_names(schema: pa.Schema, name: str) -> tuple[str, ...]:
    """Return the names of classes that ``datasets`` keeps in the schema; none if it does not."""
    stored = (schema.metadata or {}).get(b"huggingface")
    if stored is None:
        return ()
    try:
        feature = json.loads(stored)["info"]["features"][name]
        names = feature["names"] if feature["_type"] == "ClassLabel" else []
    except (KeyError, TypeError, ValueError):  # another version of the note: the numbers are names enough
        return ()
    return tuple(map(str, names))
