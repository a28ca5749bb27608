"""Apps in Modal's workspaces: deployed once, found again, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from modal_proto import api_pb2
from pydantic import SecretStr

from runner.errors import DeployFailed, RunCancelled
from runner.model import RunId
from runner.targets.modal.accounts import ModalAccounts
from runner.targets.modal.errors import ModalAuthRefused, ModalError, ModalRefused, ModalUnavailable, NoModalAccount
from tests.modal.world import Volume
from tests.runner.targets.conftest import COMMIT, account, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.modal.bed import ModalBed
    from tests.runner.targets.conftest import Place

pytestmark = pytest.mark.long

RUN = RunId("run_1")
PATIENCE_SECONDS = 30.0
CANARY = "canary-7f3a"


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def strangers(data: Path, module: str = "") -> list[psutil.Process]:
    """Whatever of a confined process is still there."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            ours = process.environ().get("HOME", "").startswith(str(data)) and "modal.control" not in command
            if ours and module in command and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def live(bed: ModalBed, workspace: str = "acme") -> list[str]:
    """Names of all apps of a workspace that have not been stopped."""
    states = (api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_STOPPING)
    return sorted(app.name for app in bed.workspace(workspace).apps.values() if app.state not in states)


def test_an_app_is_deployed_found_again_and_stopped(place: Place) -> None:
    said: list[str] = []
    spec, target = spec_of(place.app()), place.target()
    made = target.ensure(spec, tell=said.append)
    assert (made.name, made.engine) == ("tile-pr5", "comfyui")
    assert "deploying tile-pr5 to Modal" in said
    app = place.bed.app("tile-pr5")
    assert {key: app.tags[key] for key in app.tags if key != "flowberth-content"} == {
        "flowberth-repository": "github-77",
        "flowberth-app": "tile",
        "flowberth-environment": "preview",
        "flowberth-pull": "5",
        "flowberth-commit": COMMIT,
        "flowberth-run": "run_1",
        "flowberth-attempt": "1",
    }
    assert app.versions[0].published.deployment_tag == "c0ffee000000_run_1_1"
    assert not app.versions[0].published.commit_info.commit_hash
    assert made.startup_seconds > 0
    assert target.ensure(spec) == made.model_copy(update={"startup_seconds": 0.0})
    later = place.target()  # as a process has that is started after this one's end
    assert later.serves(RUN)
    assert later.ensure(spec).url == made.url
    assert len(app.versions) == 1
    assert "RUN git clone" in later.log(RUN)
    volumes = place.bed.workspace().volumes
    for number, name in enumerate(("tile-pr5-own", "flowberth-models")):
        volume = volumes[f"vo-{number}"] = Volume(f"vo-{number}", name, "main", 2)
        place.bed.volume_folder(volume).mkdir(parents=True)
    later.stop(RUN)
    assert not app.is_deployed
    assert [volume.name for volume in volumes.values()] == ["flowberth-models"]
    assert not target.serves(RUN)
    target.stop(RUN)
    assert len(place.bed.called("AppStop")) == 1
    assert strangers(place.data) == []


def test_a_newer_run_takes_the_place_of_an_older_one_which_cannot_stop_it(place: Place) -> None:
    target, folder = place.target(), place.app()
    first = target.ensure(spec_of(folder))
    second = target.ensure(spec_of(folder, run_id=RunId("run_2")))  # the same app: Modal may well skip it
    assert second.url == first.url
    assert not target.serves(RUN)
    target.stop(RUN)
    assert target.serves(RunId("run_2"))
    target.stop(RunId("run_2"))
    assert live(place.bed) == []


def test_what_modal_skips_because_nothing_has_changed_is_deployed_all_the_same(place: Place) -> None:
    skipping = (
        "\nimport os, pathlib\nif pathlib.Path('skip').exists():\n    os._exit(0)\n"  # as if Modal left all as it was
    )
    target, folder = place.target(), place.app(change=lambda text: text + skipping)
    target.ensure(spec_of(folder))
    app = place.bed.app("tile-pr5")
    kept = dict(app.tags)
    (folder / "report.json").write_text("{}")  # no app uploads it
    work = place.data / "modal" / "runs" / "run_2" / "work"
    work.mkdir(parents=True)
    (work / "skip").touch()
    assert target.ensure(spec_of(folder, run_id=RunId("run_2"))).name == "tile-pr5"
    assert len(app.versions) == 1
    assert app.tags == {**kept, "flowberth-run": "run_2"}


def test_a_preview_stays_where_it_is_when_its_pull_request_is_opened(place: Place) -> None:
    target, folder = place.target(), place.app()
    before = target.ensure(spec_of(folder, pull=None))
    assert before.name == "tile-preview"
    assert target.keep(spec_of(folder, pull=5)).url == before.url
    assert target.keep(spec_of(folder, pull=5, attempt=2)).name == "tile-pr5"
    target.stop(RUN)
    assert live(place.bed) == []


def test_production_is_what_it_was_until_the_next_one_is_kept(place: Place) -> None:
    target, folder = place.target(), place.app()
    one = spec_of(folder, environment="production")
    assert target.ensure(one).name == "tile-next"
    kept = target.keep(one)
    assert kept.name == "tile"
    assert target.ensure(one).url == kept.url
    assert live(place.bed) == ["tile"]
    two = spec_of(folder, environment="production", run_id=RunId("run_2"))
    tested = target.ensure(two)
    assert tested.name == "tile-next"
    assert tested.url != kept.url
    assert target.serves(RUN)
    target.stop(RunId("run_2"))  # its tests have failed
    assert live(place.bed) == ["tile"]
    assert target.serves(RUN)
    three = spec_of(folder, environment="production", run_id=RunId("run_3"))
    assert target.keep(three).url == kept.url
    assert target.keep(three).url == kept.url
    assert (target.serves(RUN), target.serves(RunId("run_3"))) == (False, True)
    assert live(place.bed) == ["tile"]
    assert [version["version"] for version in target.history(RunId("run_3"))] == ["v2", "v1"]


def test_names_that_strangers_have_are_left_to_them(place: Place) -> None:
    theirs = place.target()
    theirs.ensure(spec_of(place.app(), repository="github:1"))
    ours = spec_of(place.app(checkout="b"), run_id=RunId("run_2"))
    said: list[str] = []
    made = theirs.ensure(ours, tell=said.append)
    assert made.name.startswith("tile-pr5-")
    assert f"the workspace has another app called tile-pr5; this one is called {made.name}" in said
    assert theirs.serves(RUN)
    theirs.stop(RUN)
    assert theirs.ensure(ours).url == made.url  # it stays where it is
    again = theirs.ensure(spec_of(ours.folder, run_id=RunId("run_3")))
    assert again.url == made.url
    place.bed.app(made.name).tags.clear()  # by hand, in Modal's dashboard
    place.bed.app("tile-pr5").state = api_pb2.APP_STATE_DEPLOYED
    with pytest.raises(ModalRefused, match="that are not this repository's"):
        theirs.ensure(ours)


def test_a_build_that_fails_says_how_and_leaves_what_was_deployed(place: Place) -> None:
    target, folder = place.target(), place.app()
    target.ensure(spec_of(folder))
    place.bed.fail_build(
        "torch==9", ["\x1b[31mCollecting torch==9", "ERROR: No matching distribution found for torch==9\x1b[0m"]
    )
    other = '@app.function(image=modal.Image.debian_slim().pip_install("torch==9"))\ndef other(): ...\n'
    broken = place.app(change=lambda text: f"{text}\n\n{other}", checkout="b")
    with pytest.raises(DeployFailed) as failure:
        target.ensure(spec_of(broken, run_id=RunId("run_2")))
    assert failure.value.stage == "build"
    assert "ERROR: No matching distribution found for torch==9\n" in failure.value.log
    assert "\x1b" not in failure.value.log
    assert "ImageBuildError" in failure.value.log
    assert target.serves(RUN)
    assert "No matching distribution" in target.log(RunId("run_2"))
    target.stop(RunId("run_2"))
    assert live(place.bed) == ["tile-pr5"]


@pytest.mark.parametrize(
    ("code", "log"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("app = 5", "app.py has no variable `app` that is a modal.App"),
        ("import os; os.kill(os.getpid(), 9)", ""),
        ('print(\'{"app_id": "ap-1", "url": "https://evil.example"}\', flush=True); import os; os._exit(0)', "evil"),
    ],
)
def test_an_app_py_that_is_no_app_deploys_nothing_whatever_it_says(place: Place, code: str, log: str) -> None:
    with pytest.raises(DeployFailed) as failure:
        place.target().ensure(spec_of(place.app(change=lambda text: f"{text}\n{code}\n")))
    assert failure.value.stage == "build"
    assert log in failure.value.log
    assert live(place.bed) == []


def test_an_older_app_is_not_taken_for_what_only_claims_to_have_been_deployed(place: Place) -> None:
    target = place.target()
    target.ensure(spec_of(place.app()))
    liar = place.app(change=lambda text: f"{text}\nimport os; os._exit(0)\n", checkout="b")
    with pytest.raises(DeployFailed, match="what Modal has as tile-pr5 is not what was to be deployed"):
        target.ensure(spec_of(liar, run_id=RunId("run_2")))


def test_a_strange_app_py_sees_no_secret_of_ours_and_shows_none_of_its_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "MODAL_TOKEN_SECRET", "ANTHROPIC_API_KEY", "DATABASE_URL", "FLOWBERTH_DATABASE_URL"):
        monkeypatch.setenv(name, CANARY)
    secret = place.bed.environment()["MODAL_TOKEN_SECRET"]
    code = """
        import os, sys
        print(sorted(os.environ), os.environ, sys.argv, os.getcwd(), sys.flags.isolated)
        print("ghs_" + "a" * 36, "https://user:hunter2@example.com/x.git", "\\x1b]0;title\\x07bell\\x1b[2J")
        print("x" * 100_000)
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    target = place.target()
    said: list[str] = []
    target.ensure(spec_of(place.app(change=lambda text: f"{text}\n{lines}\n")), tell=said.append)
    log = target.log(RUN)
    assert CANARY not in log
    for hidden in (secret, "hunter2", "ghs_a", "\x1b", "x" * 5000):
        assert hidden not in log
        assert hidden not in "".join(said)
    assert "'HOME'" in log
    assert "FLOWBERTH" not in log.partition("FROM ")[0]  # what app.py has printed
    assert "bell" in log


LOOKING_AROUND = """
import os, pathlib
def look(what, do):
    try:
        print("SEEN", what, do())
    except OSError as error:
        print("DENIED", what, type(error).__name__)
data = pathlib.Path.cwd().parents[3]
look("data", lambda: list(data.iterdir()))
look("key", lambda: (data / "github-app.pem").read_text())
look("other run", lambda: list((data / "modal" / "runs" / "run_0").iterdir()))
look("sources", lambda: pathlib.Path("{checkout}").read_text())
for process in sorted(pathlib.Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
    if int(process.name) != os.getpid():
        look("environment", lambda: (process / "environ").read_text())
look("own folder", lambda: pathlib.Path("mine").write_text("x"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")
def test_a_strange_app_py_sees_no_file_of_ours_and_looks_into_no_other_process(place: Place) -> None:
    place.data.mkdir()
    (place.data / "github-app.pem").write_text(CANARY)
    (place.data / "modal" / "runs" / "run_0").mkdir(parents=True)
    code = LOOKING_AROUND.replace("{checkout}", str(place.app() / "app.lock.json"))
    target = place.target()
    target.ensure(spec_of(place.app(change=lambda text: text + code)))
    log = target.log(RUN)
    assert [line for line in log.splitlines() if line.startswith("SEEN")] == ["SEEN own folder 1"]
    assert len([line for line in log.splitlines() if line.startswith("DENIED environment")]) > 2
    assert CANARY not in log
    assert live(place.bed) == ["tile-pr5"]


def test_links_out_of_the_checkout_are_not_uploaded(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    folder = place.app()
    (folder / "link.json").symlink_to(secret)
    (folder / "links").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    os.utime(folder / "prompt.json", (time.time() + 3600, time.time() + 3600))  # a clock that is wrong
    place.target().ensure(spec_of(folder))
    assert not any(CANARY.encode() in data for data in place.bed.workspace().files.values())
    mounted = {file.filename for files in place.bed.workspace().mounts.values() for file in files}
    assert "/root/app/app.lock.json" in mounted
    assert not any("link" in name or "pipe" in name for name in mounted)


FORKING = """
import os, subprocess, sys, time
from pathlib import Path
if not os.fork():
    os.setsid()
    if not os.fork():
        Path("daemon.pid").write_text(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
subprocess.Popen(["sleep", "600"], start_new_session=True)
while not Path("daemon.pid").exists():
    time.sleep(0.01)
"""


def test_nothing_that_an_app_py_has_forked_lives_on(place: Place) -> None:
    place.target().ensure(spec_of(place.app(change=lambda text: text + FORKING)))
    assert strangers(place.data) == []
    assert live(place.bed) == ["tile-pr5"]


def test_what_takes_too_long_is_ended_whole(place: Place) -> None:
    target = place.target(build_seconds=5.0)
    with pytest.raises(DeployFailed, match="it took longer than"):
        target.ensure(
            spec_of(place.app(change=lambda text: f"{text}{FORKING}\nprint('still here')\ntime.sleep(600)\n"))
        )
    assert strangers(place.data) == []
    assert "still here" in target.log(RUN)


def test_what_prints_without_end_is_ended(place: Place) -> None:
    flood = "import os\nwhile True:\n    os.write(1, b'y' * 65536)\n"
    target = place.target()
    with pytest.raises(DeployFailed, match="it printed more than 64 MiB"):
        target.ensure(spec_of(place.app(change=lambda text: f"{text}\n{flood}")))
    assert len(target.log(RUN)) <= 20_000
    assert strangers(place.data) == []


def test_a_run_that_is_stopped_while_it_deploys_leaves_nothing(place: Place) -> None:
    place.bed.fail_build("git clone", ["Cloning"], fails=False, seconds=60, times=1)
    target, failures = place.target(), list[BaseException]()

    def deploy() -> None:
        with pytest.raises(DeployFailed, match="it was stopped") as failure:
            target.ensure(spec_of(place.app()))
        failures.append(failure.value)

    thread = threading.Thread(target=deploy)
    thread.start()
    until(lambda: place.bed.called("ImageJoinStreaming"))
    assert live(place.bed) == ["tile-pr5"]  # as something that is being made
    target.stop(RUN)
    target.stop(RUN)
    thread.join(PATIENCE_SECONDS)
    assert len(failures) == 1
    target.stop(RUN)  # as each run does in the end
    assert live(place.bed) == []
    assert strangers(place.data) == []


def test_a_cancellation_comes_through_between_two_lines(place: Place) -> None:
    def tell(line: str) -> None:
        if "Cloning" in line:
            raise RunCancelled("cancelled by a person")

    place.bed.fail_build("git clone", ["Cloning"] * 3, fails=False, seconds=2)
    target = place.target()
    with pytest.raises(RunCancelled):
        target.ensure(spec_of(place.app(change=lambda text: f"{text}\nimport time; time.sleep(0.6)\n")), tell=tell)
    assert strangers(place.data) == []
    target.stop(RUN)
    assert live(place.bed) == []


def test_a_server_that_is_killed_while_it_deploys_leaves_one_deployment_to_its_successor(place: Place) -> None:
    place.bed.fail_build("git clone", ["Cloning"], fails=False, seconds=60, times=1)
    spec, acme = spec_of(place.app()), account(place.bed)
    order = {**spec.model_dump(mode="json"), "data": str(place.data), "server_url": acme.server_url}
    tokens = {"token_id": acme.token_id.get_secret_value(), "token_secret": acme.token_secret.get_secret_value()}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.runner.targets.driver"],
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert server.stdin is not None
    server.stdin.write(json.dumps(order | tokens) + "\n")
    server.stdin.flush()
    until(lambda: place.bed.called("ImageJoinStreaming"))
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdin.close()
    until(lambda: not strangers(place.data))
    assert not place.bed.app("tile-pr5").is_deployed
    place.bed.faults.clear()
    made = place.target().ensure(spec)
    assert made.name == "tile-pr5"
    assert live(place.bed) == ["tile-pr5"]  # the half-made one is gone
    assert len(place.bed.app("tile-pr5").versions) == 1


def test_a_deployment_whose_answer_never_came_is_found_by_its_tags(place: Place) -> None:
    place.bed.fail("AppPublish", "UNAVAILABLE", when="after", times=None)
    target, spec = place.target(), spec_of(place.app())
    with pytest.raises(ModalUnavailable):
        target.ensure(spec)
    place.bed.faults.clear()
    published = len(place.bed.called("AppPublish"))
    target.ensure(spec)
    assert len(place.bed.called("AppPublish")) == published
    assert live(place.bed) == ["tile-pr5"]


def test_a_run_that_another_machine_has_carried_out_is_found_and_stopped(place: Place, tmp_path: Path) -> None:
    spec = spec_of(place.app())
    place.target().ensure(spec)
    place.data = tmp_path / "another"
    there = place.target()
    assert there.serves(RUN)
    assert there.ensure(spec).name == "tile-pr5"
    assert len(place.bed.app("tile-pr5").versions) == 1
    there.stop(RUN)
    assert live(place.bed) == []
    there.stop(RunId("run_of_nobody"))
    assert not there.serves(RunId("run_of_nobody"))


def test_two_workspaces_at_once_never_mix(place: Place) -> None:
    place.bed.workspace("globex")
    accounts = ModalAccounts(
        account(place.bed), {"hank": account(place.bed, "globex", "login-hank", source="[hank] in accounts.toml")}
    )
    target = place.target(accounts)
    first, second = (place.app(checkout=checkout) for checkout in ("a", "b"))
    specs = (
        spec_of(first, run_id=RunId("run_1"), owner="octo"),
        spec_of(second, run_id=RunId("run_2"), owner="Hank", repository="github:78"),
    )
    with ThreadPoolExecutor(2) as pool:
        urls = [made.url for made in pool.map(target.ensure, specs)]
    assert len(set(urls)) == 2
    for workspace, run in (("acme", "run_1"), ("globex", "run_2")):
        assert live(place.bed, workspace) == ["tile-pr5"]
        assert place.bed.app("tile-pr5", workspace).tags["flowberth-run"] == run
    assert (target.check("octo"), target.check("hank")) == ("acme", "globex")
    target.stop(RunId("run_2"))
    assert live(place.bed) == ["tile-pr5"]
    assert live(place.bed, "globex") == []
    assert {call.status for call in place.bed.calls if call.workspace is None} <= {"OK"}


def test_a_token_that_is_not_accepted_is_told_with_the_setting_it_came_from(place: Place) -> None:
    wrong = account(place.bed, token_secret=SecretStr("as-wrong"))
    target = place.target(ModalAccounts(wrong))
    with pytest.raises(ModalAuthRefused, match="the token of FLOWBERTH_MODAL_TOKEN_ID"):
        target.ensure(spec_of(place.app()))
    with pytest.raises(ModalAuthRefused, match="FLOWBERTH_MODAL_TOKEN_ID"):
        target.check()
    with pytest.raises(NoModalAccount, match="no Modal workspace is set up for octo"):
        place.target(ModalAccounts(None)).ensure(spec_of(place.app()))


def test_limits_of_the_workspace_are_told_in_words(place: Place) -> None:
    place.bed.fail("AppPublish", "RESOURCE_EXHAUSTED", message="Deployed web endpoints are limited to 8 on this plan")
    with pytest.raises(ModalRefused, match="limited to 8 on this plan"):
        place.target().ensure(spec_of(place.app()))
    assert live(place.bed) == []


def test_modal_is_asked_again_after_a_hiccup_and_waited_for_when_it_asks_for_patience(place: Place) -> None:
    place.bed.fail("AppGetByDeploymentName", "UNAVAILABLE", times=1)
    place.bed.throttle("FunctionCreate", 0.2, times=2)
    assert place.target().ensure(spec_of(place.app())).name == "tile-pr5"


def test_modal_that_is_away_is_said_to_be_away(place: Place) -> None:
    target = place.target()
    target.ensure(spec_of(place.app()))
    place.bed.fail("*", "UNAVAILABLE", message="maintenance", times=None)
    for ask in (target.serves, target.stop):
        with pytest.raises(ModalUnavailable, match="maintenance") as failure:
            ask(RUN)
        assert failure.value.retryable
    place.bed.faults.clear()
    target.stop(RUN)
    assert live(place.bed) == []


def test_the_process_that_speaks_to_modal_may_die(place: Place) -> None:
    target = place.target()
    target.ensure(spec_of(place.app()))
    for process in psutil.Process().children(recursive=True):
        if "runner.targets.modal.control" in process.cmdline():
            process.kill()
            process.wait()
    assert target.serves(RUN)


def test_money_and_logs_are_those_of_the_run(place: Place) -> None:
    target = place.target()
    target.ensure(spec_of(place.app()))
    target.ensure(spec_of(place.app("other"), run_id=RunId("run_2")))
    hour_ago = datetime.now(UTC) - timedelta(hours=2)
    place.bed.cost("tile-pr5", at=hour_ago.timestamp(), L40S="0.51", CPU="0.02")
    place.bed.cost("other-pr5", at=hour_ago.timestamp(), CPU="0.25")
    bill = target.bill(RUN, hour_ago - timedelta(hours=1))
    assert [str(line.usd) for line in bill] == ["0.53"]
    assert str(target.rates("octo")["L40S"]) == "0.000542"
    place.bed.log(
        "tile-pr5",
        f"\x1b[1mTo see the GUI go to: http://0.0.0.0:8188\n{place.bed.environment()['MODAL_TOKEN_SECRET']}\n",
    )
    assert target.log(RUN) == "To see the GUI go to: http://0.0.0.0:8188\n[secret]"
    stats = target.stats(RUN)
    assert stats is not None
    assert stats.calls == 0
    target.stop(RUN)
    assert "To see the GUI" in target.log(RUN)
    assert target.stats(RUN) is None


def test_many_apps_at_once_are_so_many_apps_in_few_processes(place: Place) -> None:
    count = 4
    target = place.target(most_at_once=2)
    specs = [
        spec_of(place.app(f"tile{number}"), run_id=RunId(f"run_{number}"), repository=f"github:{number}")
        for number in range(count)
    ]
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, len(strangers(place.data, "modal.supervising")))

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(count) as pool:
        made = list(pool.map(target.ensure, specs))
    over.set()
    watching.join()
    assert most == 2
    assert [deployment.name for deployment in made] == [f"tile{number}-pr5" for number in range(count)]
    assert len({deployment.url for deployment in made}) == count
    for number in range(count):
        assert place.bed.app(f"tile{number}-pr5").tags["flowberth-run"] == f"run_{number}"


def test_requests_carry_a_proxy_token_that_is_made_once_and_kept(place: Place) -> None:
    spec, target = spec_of(place.app()), place.target()
    headers = target.headers(spec)
    assert place.bed.workspace().proxy_tokens[headers["Modal-Key"]] == headers["Modal-Secret"]
    assert place.target().headers(spec) == headers
    kept = next(place.data.rglob("proxy-token.json"))
    assert kept.stat().st_mode & 0o077 == 0
    given = account(place.bed, proxy_token_id=SecretStr("wk-1"), proxy_token_secret=SecretStr("ws-1"))
    assert place.target(ModalAccounts(given)).headers(spec) == {"Modal-Key": "wk-1", "Modal-Secret": "ws-1"}


def test_an_error_of_modal_that_is_no_other_is_a_modal_error(place: Place) -> None:
    target = place.target()
    target.ensure(spec_of(place.app()))
    place.bed.fail("AppStop", "FAILED_PRECONDITION", message="it is being moved")
    with pytest.raises(ModalError, match="it is being moved"):
        target.stop(RUN)
    target.stop(RUN)
    assert live(place.bed) == []


def test_what_a_run_could_not_stop_is_stopped_later_and_what_is_old_is_forgotten(place: Place) -> None:
    target, folder = place.target(), place.app()
    target.ensure(spec_of(folder))
    target.ensure(spec_of(place.app("other"), run_id=RunId("run_2")))
    place.bed.fail("AppStop", "UNAVAILABLE", message="maintenance", times=None)
    with pytest.raises(ModalUnavailable):
        target.stop(RUN)  # and its run ends
    target.reap(lambda: {RunId("run_2")})
    assert live(place.bed) == ["other-pr5", "tile-pr5"]
    place.bed.faults.clear()
    target.reap(lambda: {RunId("run_2")})
    assert live(place.bed) == ["other-pr5"]
    runs = place.data / "modal" / "runs"
    target.reap(lambda: {RunId("run_2")})
    assert sorted(path.name for path in runs.iterdir()) == ["run_1", "run_2"]  # its log may still be asked for
    target.reap(lambda: {RunId("run_2")}, clock=lambda: time.time() + 31 * 24 * 3600)
    assert [path.name for path in runs.iterdir()] == ["run_2"]
    assert live(place.bed) == ["other-pr5"]
