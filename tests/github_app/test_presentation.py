"""What people see of runs and pull requests, whole."""

import io
import re

import pytest
from inline_snapshot import snapshot

from codegen.model import Finding
from github_app.cli.pr import show_pull_request, show_pull_requests
from github_app.cli.progress import Lines, LiveSteps
from github_app.cli.summary import show_result
from github_app.cli.terminal import SafeConsole
from runner.model import Cost, PullRequest, PullRequestRef, RunId, RunResult, TestResult

RUN = RunId("run_abcdefghijklmnopqrst")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def paper() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(paper: io.StringIO) -> SafeConsole:
    return SafeConsole(paper)


def printed(paper: io.StringIO) -> str:
    """Without the spaces that tables end their lines with."""
    return "".join(line.rstrip() + "\n" for line in paper.getvalue().splitlines())


def result(**changes: object) -> RunResult:
    values = {
        "run_id": RUN,
        "state": "succeeded",
        "name": "poster",
        "repo": "/repo",
        "branch": "flowberth/poster",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "app_dir": "apps/modal/poster",
        "endpoint": None,
        "engine": "stand-in",
        "attempts": 1,
        "tests": (
            TestResult(name="health", passed=True, seconds=0.012, detail="200, stand-in 0.33.0"),
            TestResult(name="generate", passed=True, seconds=1.5, detail="640x480 image/png"),
        ),
        "cost": Cost(usd=0.000123, basis="estimate", execution_seconds=0.52, usd_per_second=0.000236),
        "pr": PullRequestRef(number=1, title="Add poster: an image endpoint", url="flowberth://local/1"),
    }
    return RunResult.model_validate({**values, **changes})


def test_a_simulated_success_says_that_it_is_one(paper: io.StringIO, console: SafeConsole) -> None:
    show_result(console, result())
    assert printed(paper) == snapshot("""\
poster succeeded
✓  health    0.01 s  200, stand-in 0.33.0
✓  generate  1.50 s  640x480 image/png
SIMULATED: the stand-in engine answered, not ComfyUI. This shows that the app and its interface work, not that the workflow does; --comfyui URL|PATH runs it on a real one.
Cost of a call  $0.000123 (estimate: 0.52 s at $0.000236 a second)
Branch          flowberth/poster at 0123456789ab in /repo
Pull request    #1 Add poster: an image endpoint
                flowberth pr show 1, or flowberth://local/1
Endpoint        stopped; --keep leaves it serving
Run             run_abcdefghijklmnopqrst
""")


def test_a_kept_app_says_where_it_is_and_how_to_stop_it(paper: io.StringIO, console: SafeConsole) -> None:
    show_result(console, result(engine="comfyui", endpoint="http://127.0.0.1:4711"))
    assert printed(paper) == snapshot("""\
poster succeeded
✓  health    0.01 s  200, stand-in 0.33.0
✓  generate  1.50 s  640x480 image/png
Cost of a call  $0.000123 (estimate: 0.52 s at $0.000236 a second)
Branch          flowberth/poster at 0123456789ab in /repo
Pull request    #1 Add poster: an image endpoint
                flowberth pr show 1, or flowberth://local/1
Serving at      http://127.0.0.1:4711
Playground      http://127.0.0.1:4711/playground
Stop it with    flowberth runs cancel run_abcdefghijklmnopqrst
Run             run_abcdefghijklmnopqrst
""")


def test_a_failure_says_why_and_hostile_words_stay_words(paper: io.StringIO, console: SafeConsole) -> None:
    finding = Finding(
        code="unknown-class", severity="warning", message="\x1b[2J[bold]Evil\nnode", node="7", hint="Name the pack."
    )
    tests = (TestResult(name="health", passed=False, seconds=3.0, detail="503\n✓ all well\x07"),)
    show_result(
        console,
        result(
            state="failed",
            tests=tests,
            cost=None,
            pr=None,
            findings=(finding,),
            reason="deploy: it died\n✓ \x1b[31mall well",
        ),
    )
    assert printed(paper) == snapshot("""\
poster failed
✗  health  3.00 s  503 ✓ all well\\x07
Why: deploy: it died
    ✓ \\x1b[31mall well
SIMULATED: the stand-in engine answered, not ComfyUI. This shows that the app and its interface work, not that the workflow does; --comfyui URL|PATH runs it on a real one.
warning: node 7: \\x1b[2J[bold]Evil node. Name the pack.
Branch    flowberth/poster at 0123456789ab in /repo
Endpoint  stopped; --keep leaves it serving
Run       run_abcdefghijklmnopqrst
""")


def test_lines_for_logs(paper: io.StringIO, console: SafeConsole) -> None:
    with Lines(console) as lines:
        lines.started(RUN, "analyse")
        lines.detail(RUN, "analyse", "Poster\x1b[2J:\n1 node")
        lines.finished(RUN, "analyse", 0.123)
    assert printed(paper) == snapshot("""\
analyse …
analyse: Poster\\x1b[2J: 1 node
analyse done in 0.1 s
""")


def test_the_live_list_shows_every_step_and_how_far_it_is() -> None:
    terminal = Terminal()
    with LiveSteps(SafeConsole(terminal)) as steps:
        steps.started(RUN, "analyse")
        steps.finished(RUN, "analyse", 0.123)
        steps.started(RUN, "branch")
        steps.detail(RUN, "branch", "evil \x1b]0;title\x07 branch")
    last = terminal.getvalue().rpartition("analyse")[2]
    assert "0.1 s" in last
    assert "✗" in last  # the list ended while the step was going on
    assert "evil \\x1b]0;title\\x07 branch" in last
    assert "\x1b]0;" not in terminal.getvalue()
    assert "finish" in last


def test_the_live_list_starts_afresh_for_another_run() -> None:
    terminal = Terminal()
    with LiveSteps(SafeConsole(terminal)) as steps:
        steps.started(RUN, "finish")
        steps.finished(RUN, "finish", 77.7)
        steps.started(RunId("run_2"), "analyse")
    assert "77.7" not in terminal.getvalue().rpartition("analyse")[2]


def pull_request(**changes: object) -> PullRequest:
    values = {
        "number": 3,
        "title": "Add [red]poster[/red]\x1b[31m",
        "body": "# Poster\n\n| test | result |\n|---|---|\n| health | ✓ |\n\n[a link](https://example.org/\x1b]8;;x)\n",
        "head": "flowberth/poster",
        "base": "main",
        "url": "flowberth://local/3",
    }
    return PullRequest.model_validate({**values, **changes})


def test_pull_requests_as_a_table(paper: io.StringIO, console: SafeConsole) -> None:
    show_pull_requests(console, (pull_request(), pull_request(number=2, title="Older", state="merged")))
    assert printed(paper) == snapshot("""\
    title                          state   branch            into
#3  Add [red]poster[/red]\\x1b[31m  open    flowberth/poster  main
#2  Older                          merged  flowberth/poster  main
""")


def test_a_pull_request_in_a_pipe_is_its_markdown(paper: io.StringIO, console: SafeConsole) -> None:
    show_pull_request(console, pull_request())
    assert printed(paper) == snapshot("""\
#3 Add [red]poster[/red]\\x1b[31m
open  flowberth/poster → main
flowberth://local/3

# Poster

| test | result |
|---|---|
| health | ✓ |

[a link](https://example.org/\\x1b]8;;x)

""")


def test_what_a_page_folds_has_a_line_above_it_on_a_terminal() -> None:
    terminal = Terminal()
    body = (
        "> [!WARNING]\n> Simulated.\n\n<details><summary>All 8 inputs</summary>\n\n| a |\n|---|\n| b |\n\n</details>\n"
    )
    show_pull_request(SafeConsole(terminal), pull_request(body=body))
    laid_out = terminal.getvalue()
    assert "All 8 inputs" in laid_out
    assert not re.search("WARNING|details|summary", laid_out)


def test_a_pull_request_on_a_terminal_is_laid_out() -> None:
    terminal = Terminal()
    show_pull_request(SafeConsole(terminal), pull_request())
    laid_out = terminal.getvalue()
    assert "|---|" not in laid_out
    assert "https://example.org/" in laid_out
    assert "\x1b]8" not in laid_out
