"""Whether ``metrics.parquet`` is whole, and of the replicas and the kept networks of the launch."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from study.audit.reproduce import Check
from study.design.plan import Plan
from study.formatting import plural
from study.storage import metrics_table
from study.storage.store import Store
from trainables import weights
from trainables.files import DamagedFile, is_whole


def check_metrics(plan: Plan, store: Store) -> Check:
    """Check that known metrics are of the plan's replicas, of the networks that are kept, and say what gave them.

    The numbers themselves are not computed again: that needs the file of weights, or the plugin, of the features.
    """
    path = store.metrics_path
    try:
        rows = metrics_table.read(store)
    except DamagedFile as error:
        return Check(name="metrics", compared="nothing", differences=(str(error),))
    names = {(block.cell.index, seed): block.cell.name for block in plan.blocks() for seed in block.seeds}
    differences = [] if is_whole(path) else [f"{path} has no SHA-256: study metrics has not written it"]
    notes, digest = [], plan.digest()
    for row in rows:
        place = f"metrics of cell {row['cell']}, seed {row['seed']} ({row['features']}, {row['which']}, n {row['n']})"
        differences += [f"{place} {said}" for said in _wrong(row, names, digest)]
        kept = _kept(store, row)
        if kept is None:
            notes.append(f"{place} are of networks that are not kept any more")
        elif kept not in ("", row["networks_digest"]):
            differences.append(f"{place} are of networks with digest {row['networks_digest']}, kept are {kept}")
    compared = f"{plural(len(rows), 'row')}: replicas, digests of networks and features"
    return Check(name="metrics", compared=compared, differences=tuple(differences), notes=tuple(notes))


def _wrong(row: Mapping[str, Any], names: Mapping[tuple[int, int], str], plan: str) -> Iterator[str]:
    """Yield what does not agree in a row, as the rest of a sentence."""
    name = names.get((row["cell"], row["seed"]))
    if name is None:
        yield "are of no replica of the plan"
    elif name != row["cell_name"]:
        yield f"are of a cell named {row['cell_name']}, the plan's is {name}"
    if row["plan"] != plan:
        yield f"were measured under the plan {row['plan']}, spec.json is {plan}"
    if not (row["weights_digest"] or row["plugin_digest"]):
        yield "have neither the digest of weights nor that of a plugin: what gave the features cannot be told"
    values = {own: row[own] for own in metrics_table.NUMBERS}
    lacking = [own for own, value in values.items() if value is None or not math.isfinite(value)]
    if row["broken"] and len(lacking) < len(values):
        yield f"must be absent, as {plural(row['broken'], 'sample')} were not finite"
    elif lacking and not row["broken"]:
        yield f"must be finite, and are not: {', '.join(lacking)}"


def _kept(store: Store, row: Mapping[str, Any]) -> str | None:
    """Return the digest of the kept networks that a row is of; "" if they are damaged, which another check names."""
    try:
        return weights.read(store.weight_folder(row["cell"], row["seed"]), row["which"]).digest
    except FileNotFoundError:
        return None
    except DamagedFile:
        return ""
