"""A launch in TensorBoard's event files, the only module that imports it.

===========  ===================================  ==============================================================
folder       name below ``tensorboard/``           carries
===========  ===================================  ==============================================================
replica      ``<i> <cell>/seed <s> <outcome>``     curves by step, those that the rule judges too; ``outcome`` as
                                                  text; grids as the image series ``samples``; for the tab HParams
                                                  the cell's parameters and ``success`` 0 or 1
cell         ``<i> <cell>/all seeds``              success rate, interval and counts, by the number of decided seeds
===========  ===================================  ==============================================================
"""

import shlex
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.hparams import summary_v2
from tensorboard.summary.writer.record_writer import RecordWriter

from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.storage.records import Record
from study.storage.store import Store
from study.tracking.folder_view import FolderView, Shown, became
from study.tracking.forms import form_of
from study.tracking.values import Point, config_params, outcomes_text
from study.tracking.view import View, series_of

_FILE = "events.out.tfevents.0.study"
_CELL = "all seeds"


class TensorBoardView(FolderView):
    """Event files in the folder ``tensorboard`` of a launch, one per replica and cell, appended to without threads."""

    title = "TensorBoard"

    def __init__(self, plan: Plan, store: Store) -> None:
        super().__init__(plan, store, store.root / "tensorboard")
        self._form = form_of(plan)

    @classmethod
    def look(cls, store: Store) -> str:
        return f"tensorboard --logdir {shlex.quote(str(store.root / 'tensorboard'))}"

    def write_points(self, shown: Shown, points: Sequence[Point]) -> None:
        _append(
            shown.place,
            (
                _event(
                    point.step,
                    [Summary.Value(tag=name, simple_value=value) for name, value in point.values.items()],
                    point.stamp / 1000,
                )
                for point in points
                if point.values
            ),
        )

    def write_outcome(self, shown: Shown, record: Record) -> None:
        cell = self.cells[record.cell]
        own = self._form.params_of(cell)
        params = {**own, **config_params(cell, own), "seed": str(record.seed), "outcome": became(record)}
        values = [_text("outcome", became(record))]
        if record.decided:
            values.append(Summary.Value(tag="success", simple_value=float(record.converged)))
        trial = f"{record.launch}/cell={record.cell}/seed={record.seed}"
        start = Event(wall_time=time.time(), summary=summary_v2.hparams_pb(params, trial_id=trial))
        _append(shown.place, [_event(record.steps, values), start])

    def write_picture(self, shown: Shown, record: Record, path: Path) -> None:
        series, step = series_of(path)
        with Image.open(path) as image:
            image.load()  # a damaged picture is refused here and not in the browser
            width, height, bands = image.width, image.height, len(image.getbands())
        picture = Summary.Image(height=height, width=width, colorspace=bands, encoded_image_string=path.read_bytes())
        _append(shown.place, [_event(step, [Summary.Value(tag=series, image=picture)])])

    def clear_cell(self, folder: Path) -> None:
        (folder / _CELL / _FILE).unlink(missing_ok=True)

    def write_cell(self, folder: Path, summary: CellSummary, metrics: dict[str, float]) -> None:
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        _append(folder / _CELL, [_event(summary.rate.n, [*values, _text("outcomes", outcomes_text(summary))])])


def _append(folder: Path, events: Iterable[Event]) -> None:
    """Append events to the one event file of a folder."""
    path = folder / _FILE
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        records = RecordWriter(file)
        if file.tell() == 0:
            source = SourceMetadata(writer="gan-stability-lab")
            first = Event(wall_time=time.time(), file_version="brain.Event:2", source_metadata=source)
            records.write(first.SerializeToString())
        for event in events:
            records.write(event.SerializeToString())


def _event(step: int, values: Sequence[Summary.Value], wall_time: float | None = None) -> Event:
    return Event(wall_time=time.time() if wall_time is None else wall_time, step=step, summary=Summary(value=values))


def _text(tag: str, text: str) -> Summary.Value:
    """Return a text as the plugin "text" reads it."""
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[text.encode()],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


VIEW: type[View] = TensorBoardView
