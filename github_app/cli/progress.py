"""Telling what a run does while it does it: a live list on a terminal, plain lines elsewhere. Both on stderr."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from github_app.cli import terminal
from runner.model import REPAIR_STEPS, TRIED_AGAIN, steps_of

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import RenderableType

    from github_app.cli.terminal import SafeConsole
    from runner.model import RunId, StepName

HERE = steps_of("propose", drafts=False)
"""Of a run on this machine."""
FRAMES_PER_SECOND = 8
"""Enough for the spinner and the seconds to look alive, and little for a remote terminal."""
DETAIL_CHARACTERS = 90
"""Of a detail in the live list: one line beside the step's name and seconds on a usual terminal."""


def watcher(*, plain: bool, steps: tuple[StepName, ...] = HERE) -> Lines | LiveSteps:
    """The live list of `steps` if stderr is a terminal and nothing speaks against it, else lines."""
    console = terminal.stderr()
    return LiveSteps(console, steps) if console.is_terminal and not plain else Lines(console)


class Lines:
    """One line per event, for logs and scripts."""

    def __init__(self, console: SafeConsole) -> None:
        self._console = console

    def started(self, run_id: RunId, step: StepName) -> None:
        """Say it."""
        del run_id
        self._console.print(f"{step} …")

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Say it."""
        del run_id
        self._console.print(f"{step}: {terminal.one_line(message)}")

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """Say it."""
        del run_id
        self._console.print(f"{step} done in {seconds:.1f} s")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


@dataclass
class _Step:
    began: float | None = None
    seconds: float | None = None
    detail: str = ""
    spinner: Spinner = field(default_factory=lambda: Spinner("dots", style="cyan"))


class LiveSteps:
    """All steps of a run, kept up to date in place. Told from the run's thread, drawn from Rich's."""

    def __init__(self, console: SafeConsole, steps: tuple[StepName, ...] = HERE) -> None:
        self._guard = threading.Lock()
        self._ended = False
        self._planned = steps
        self._steps: dict[StepName, _Step] = {step: _Step() for step in steps}
        self._run_id: RunId | None = None
        self._live = Live(console=console, refresh_per_second=FRAMES_PER_SECOND, get_renderable=self._draw)

    def started(self, run_id: RunId, step: StepName) -> None:
        """Show the step as going on; another run than before starts a fresh list."""
        with self._guard:
            if self._run_id not in (None, run_id):
                self._steps = {step: _Step() for step in self._planned}
            self._run_id = run_id
            if step in REPAIR_STEPS:
                self._repairing(step)
            self._steps[step] = _Step(began=time.monotonic())

    def _repairing(self, step: StepName) -> None:
        """After the tests; what comes before them begins anew with a change."""
        at = list(self._steps).index("test") + 1
        items = [item for item in self._steps.items() if item[0] != step]
        self._steps = dict([*items[:at], (step, _Step()), *items[at:]])
        if step == REPAIR_STEPS[-1]:
            self._steps |= {name: _Step() for name in TRIED_AGAIN}

    def detail(self, run_id: RunId, step: StepName, message: str) -> None:
        """Show the newest detail beside the step."""
        del run_id
        with self._guard:
            self._steps[step].detail = terminal.shorten(message, DETAIL_CHARACTERS)

    def finished(self, run_id: RunId, step: StepName, seconds: float) -> None:
        """Tick the step off."""
        del run_id
        with self._guard:
            self._steps[step].seconds = seconds

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._ended = True
        self._live.stop()

    def _draw(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column()
        table.add_column(justify="right", min_width=7)
        table.add_column(overflow="ellipsis", no_wrap=True, style="dim")
        with self._guard:
            for name, step in self._steps.items():
                table.add_row(*self._row(name, step))
        return table

    def _row(self, name: str, step: _Step) -> tuple[RenderableType, RenderableType, str, str]:
        if step.seconds is not None:
            return Text("✓", style="green"), Text(name), f"{step.seconds:.1f} s", step.detail
        if step.began is None:
            return Text("·", style="dim"), Text(name, style="dim"), "", ""
        mark = Text("✗", style="red") if self._ended else step.spinner
        return mark, Text(name, style="bold"), f"{time.monotonic() - step.began:.1f} s", step.detail
