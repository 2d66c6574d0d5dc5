"""The command ``study metrics``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from study.cli.app import LaunchArgument, Out, app, console, one_sentence, stored
from study.formatting import number


@app.command()
@one_sentence
def metrics(
    launch: LaunchArgument,
    features: Annotated[str, typer.Option(help="Feature extractor: inception, exported, or that of a plugin.")],
    weights: Annotated[
        Path | None, typer.Option(help="Its file of weights on this machine; none is downloaded.", show_default=False)
    ] = None,
    n: Annotated[int, typer.Option("-n", help="Samples per replica. FID depends on it.")] = 10_000,
    which: Annotated[str, typer.Option(help="last or best: which of the kept networks.")] = "last",
    cell: Annotated[str | None, typer.Option(help="The cell: its number, or its name.", show_default="all")] = None,
    out: Out = Path("runs"),
) -> None:
    """Measure kept generators by FID, KID, precision, recall, density and coverage. No verdict uses them."""
    store = stored(launch, out)
    from study.api.metrics import measure_metrics
    from study.launch import Launch

    cells = None if cell is None else [cell]
    measure_metrics(Launch(store), features, weights, n=n, which=which, cells=cells, tell=_tell)
    console.print(Text(f"metrics  {store.metrics_path}"), soft_wrap=True)
    if store.report_path.exists():
        console.print(Text(f"report   {store.report_path}"), soft_wrap=True)
    console.print(Text(f"trackers study sync {store.root}  shows them there"), soft_wrap=True)


def _tell(row: Mapping[str, Any]) -> None:
    place = f"{row['cell_name']}, seed {row['seed']}:"
    if row["broken"]:
        said = f"{row['broken']} of {row['n']} samples are not finite"
    else:
        names = ("fid", "kid", "precision", "recall", "density", "coverage")
        said = "  ".join(f"{name} {number(row[name], 3)}" for name in names)
    console.print(Text(f"{place} {said}"), soft_wrap=True)
