"""Apps in Modal's workspaces: deployed once, found again, and never left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.model import RunId
from tests.runner.targets.conftest import COMMIT, spec_of

if TYPE_CHECKING:
    from tests.runner.targets.conftest import Place


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
    assert later.serves(RunId("run_1"))
    assert later.ensure(spec).url == made.url
    assert len(app.versions) == 1
    assert "RUN git clone" in later.log(RunId("run_1"))
    later.stop(RunId("run_1"))
    assert not app.is_deployed
    assert not target.serves(RunId("run_1"))
    target.stop(RunId("run_1"))
    assert len(place.bed.called("AppStop")) == 1
