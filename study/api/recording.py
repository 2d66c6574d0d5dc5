"""Judge what trainings elsewhere have written."""

from collections.abc import Sequence
from pathlib import Path

from study.api.figures import draw
from study.design.hypotheses import Hypothesis
from study.design.study import Contrast
from study.launch import Launch
from study.outcomes.rule import OutcomeRule


def judge(
    folder: str | Path,
    *,
    data: object,
    out: str | Path = "runs",
    study: str | None = None,
    launch: str = "recorded",
    steps: int | None = None,
    samples: int | None = None,
    labels: object = None,
    rule: OutcomeRule | None = None,
    question: str = "",
    hypotheses: Sequence[Hypothesis] = (),
    contrasts: Sequence[Contrast] = (),
    tracking_uri: str | None = None,
) -> Launch:
    """Judge trainings that have only written folders of images at intervals; those judged before stay as they are.

    Args:
        folder: ``seed=3/step-001000/*.png`` in it, or a folder for each cell, such as ``lr=0.0001``, with these in it.
        data: the real images: a name, a data configuration, a folder or an array (:class:`study.Recorder`).
        out: folder of launches.
        study: name of the study; by default that of the folder.
        launch: name of the launch.
        steps: the last step; trainings that have not written it are left out, with a warning. By default the last step
            that there is.
        samples: number of images of every step that are measured; by default as many as every step has, at most 512.
        labels: classes ``[N]`` of real images that are an array.
        rule: how outcomes are decided; by default ``IMAGE_RULE``.
        question: what the study asks.
        hypotheses: claims about levels of the cells.
        contrasts: levels to compare; by default all pairs of values of each setting.
        tracking_uri: MLflow server; by default that of ``MLFLOW_TRACKING_URI``, else SQLite in ``out``; ``"none"`` for
            no tracking.

    Raises:
        ValueError: if the folder has another layout, images cannot be read or have another size than the real ones, or
            the rule cannot judge the data; and if a training has gone on since it was judged.

    Examples:
        >>> import study
        >>> launch = study.judge(images, data="digits", out=folder, study="images", tracking_uri="none")
        >>> launch.records[["seed", "outcome"]].values.tolist()
        [[3, 'not_learned']]
    """
    from study.recording import judging

    store = judging.judge(
        folder,
        data=data,
        out=out,
        study=study,
        launch=launch,
        steps=steps,
        samples=samples,
        labels=labels,
        rule=rule,
        question=question,
        hypotheses=hypotheses,
        contrasts=contrasts,
        tracking_uri=tracking_uri,
    )
    return Launch(store, draw=draw)
