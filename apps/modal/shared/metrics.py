"""What Prometheus reads at `/metrics` (text exposition format 0.0.4): few numbers, kept by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.jobs import Job

MEDIA_TYPE = "text/plain; version=0.0.4"
OUTCOMES = ("succeeded", "failed", "cancelled")
PHASES = ("queue", "execution", "cold_start", "idle")


class Metrics:
    """Counts since the app started."""

    def __init__(self) -> None:
        self._jobs: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()

    def count(self, job: Job) -> None:
        """Take in a job that has ended."""
        self._jobs[job.state] += 1
        for phase in PHASES:
            self._seconds[phase] += getattr(job, f"{phase}_seconds")

    def render(self, *, waiting: int, engine_ready: bool, engine_starts: int) -> str:
        """The page; what is not counted here is given as it is now."""
        lines = [
            *_head("flowberth_jobs_total", "counter", "Jobs that have ended, by outcome."),
            *(f'flowberth_jobs_total{{outcome="{name}"}} {self._jobs[name]}' for name in OUTCOMES),
            *_head("flowberth_job_seconds_total", "counter", "Seconds of ended jobs, by phase."),
            *(f'flowberth_job_seconds_total{{phase="{name}"}} {self._seconds[name]:.3f}' for name in PHASES),
            *_head("flowberth_jobs_waiting", "gauge", "Jobs in the queue."),
            f"flowberth_jobs_waiting {waiting}",
            *_head("flowberth_engine_ready", "gauge", "Whether ComfyUI runs."),
            f"flowberth_engine_ready {int(engine_ready)}",
            *_head("flowberth_engine_starts_total", "counter", "How often ComfyUI was started."),
            f"flowberth_engine_starts_total {engine_starts}",
        ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
