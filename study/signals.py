"""The signals that have told this process to end: whatever dies with it was ended by them, too."""

import signal

received: list[int] = []
"""Their numbers, in order of arrival; the command ``study`` takes them down, a notebook does not."""


def reason() -> str:
    """Return e.g. ``ended by SIGTERM``; empty if no signal has come."""
    return f"ended by {signal.Signals(received[0]).name}" if received else ""
