"""The command ``study check``."""

from typing import Annotated

import typer
from rich.text import Text

from study.cli.app import app, console, one_sentence


@app.command()
@one_sentence
def check(
    file: Annotated[str, typer.Argument(help="A plugin: a Python file.", metavar="FILE.py")],
) -> None:
    """Check a plugin before it is trained: shapes, gradients, stacks against single runs, docstrings."""
    from study.api import extensions
    from study.validation import conformance

    (module,) = extensions.load([file])[-1:]
    findings = conformance.check(module.__name__)
    if not findings:
        raise ValueError(f"{file} must mark what it adds, as @plugins.objective does, got nothing that is marked")
    for finding in findings:
        word, style = ("holds", "default") if finding.holds else ("fails", "red")
        line = Text.assemble(f"{finding.member}  {finding.check:<15} ", (word, style), f"  {finding.said}")
        console.print(line, soft_wrap=True, highlight=False)
    failures = sum(not finding.holds for finding in findings)
    if failures:
        raise typer.Exit(1)
    console.print(Text(f"{file}: all {len(findings)} checks hold"), soft_wrap=True)
