"""What a loaded data set contains, in words: how many images of which classes, and which files are left out."""

from typing import Any

from trainables.data.source import ImageTruth, Remarked
from trainables.later import torch

LISTED_CLASSES = 20
"""Classes that are listed one by one."""
UNLABELED = "none: unlabelled"


def sentence(data: Any, truth: ImageTruth) -> str:
    """Return in one line what is trained on, and which files of the user's are left out."""
    left_out = data.remarks() if isinstance(data, Remarked) else ()
    count = len(truth.images)
    other = [said] if (said := unpublished(data, count)) else []
    return "; ".join([f"{count:,} {'image' if count == 1 else 'images'}, classes {classes(truth)}", *other, *left_out])


def unpublished(data: Any, count: int) -> str:
    """Say that a set under a published name has not the published number of images; empty if it has."""
    published = getattr(data, "published", count)
    return "" if count == published else f"the published set has {published:,}, so this is not it, or not all of it"


def classes(truth: ImageTruth) -> str:
    """Return the number of classes with the name and the number of images of each, or the range of these numbers."""
    if truth.labels is None:
        return UNLABELED
    return counted(torch.bincount(truth.labels, minlength=truth.classes).tolist(), truth.names)


def counted(per_class: list[int], names: tuple[str, ...] = ()) -> str:
    """Return e.g. ``2: cat 60, dog 58``; if the classes are many, the names of the first, and the range of numbers."""
    if len(per_class) <= LISTED_CLASSES:
        if names:
            return (
                f"{len(per_class)}: {', '.join(f'{name} {own:,}' for name, own in zip(names, per_class, strict=True))}"
            )
        return f"{len(per_class)}, with {', '.join(map(str, per_class))} images"
    empty = sum(count == 0 for count in per_class)
    listed = f": {', '.join(names[:LISTED_CLASSES])} and {len(names) - LISTED_CLASSES:,} more" if names else ""
    return f"{len(per_class):,}{listed}, with {min(per_class)} to {max(per_class)} images each; {empty} without any"
