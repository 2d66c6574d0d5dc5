"""The command ``study best``."""

from pathlib import Path

from study.cli.app import LaunchArgument, Out, app, console, errors, one_sentence, stored


@app.command()
@one_sentence
def best(launch: LaunchArgument, out: Out = Path("runs")) -> None:
    """Print the confirmed best cell of a launch as a setting: `study best LAUNCH > best.json; study run best.json`."""
    store = stored(launch, out)
    from study.search import confirmation

    known = confirmation.confirmations(store)
    setting = confirmation.setting(store, known[-1] if known else None)
    errors.print(setting.note, soft_wrap=not errors.is_terminal, highlight=False, markup=False)
    if not known:
        errors.print(f"confirm it on fresh seeds: study confirm {store.root}", soft_wrap=True, highlight=False)
    console.file.write(setting.text() + "\n")
