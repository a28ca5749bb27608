"""A real target, with the real client, against a Modal of the test's own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from codegen.parse import parse_workflow
from codegen.plan import make_plan
from codegen.render import app_files
from codegen.vendored import runtime_files
from runner.model import EngineChoice, RunId
from runner.protocols import DeploymentSpec
from runner.targets.modal.accounts import ModalAccount, ModalAccounts
from runner.targets.modal.names import app_name, lane_tags
from runner.targets.modal.target import ModalTarget
from tests.modal.fixtures import modal_bed  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.modal.bed import ModalBed

PROMPT = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}
REPOSITORY = "github:77"
COMMIT = "c0ffee" + "0" * 34


def account(bed: ModalBed, workspace: str = "acme", key: str = "default", **more: Any) -> ModalAccount:
    variables = bed.environment(workspace)
    given = {
        "key": key,
        "source": "FLOWBERTH_MODAL_TOKEN_ID",
        "token_id": SecretStr(variables["MODAL_TOKEN_ID"]),
        "token_secret": SecretStr(variables["MODAL_TOKEN_SECRET"]),
        "server_url": variables["MODAL_SERVER_URL"],
    }
    return ModalAccount(**{**given, **more})


def spec_of(folder: Path, **more: Any) -> DeploymentSpec:
    """A preview of pull request 5."""
    environment = more.pop("environment", "preview")
    pull = more.pop("pull", 5 if environment == "preview" else None)
    repository = more.pop("repository", REPOSITORY)
    facts = {
        "run_id": RunId("run_1"),
        "attempt": 1,
        "name": folder.name,
        "folder": folder,
        "engine": EngineChoice(),
        "environment": environment,
        "owner": "octo",
        "app": app_name(folder.name, environment=environment, pull=pull),
        "tags": lane_tags(repository, folder.name, environment=environment, pull=pull, commit=COMMIT),
    }
    return DeploymentSpec(**{**facts, **more})


@dataclass
class Place:
    """A server's data folder, and apps in a checkout."""

    bed: ModalBed
    data: Path
    apps: Path
    targets: list[ModalTarget] = field(default_factory=list)

    def target(self, accounts: ModalAccounts | None = None, **more: Any) -> ModalTarget:
        """As one process of a server has it."""
        target = ModalTarget(accounts or ModalAccounts(account(self.bed)), self.data, **more)
        self.targets.append(target)
        return target

    def app(self, name: str = "tile", change: Callable[[str], str] = str, *, checkout: str = "a") -> Path:
        """A generated app, its `app.py` perhaps changed by hand; its folder."""
        prompt = json.dumps(PROMPT).encode()
        plan = make_plan(parse_workflow(prompt, filename=f"{name}.json"), filename=f"{name}.json", name=name)
        folder = self.apps / checkout / "apps" / "modal"
        for path, data in {f"{name}/{path}": data for path, data in app_files(plan).items()}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        for path, data in runtime_files().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        app_py = folder / name / "app.py"
        app_py.write_text(change(app_py.read_text()))
        return folder / name


@pytest.fixture
def place(modal_bed: ModalBed, tmp_path: Path) -> Iterator[Place]:  # noqa: F811 - the fixture
    place = Place(modal_bed, tmp_path / "data", tmp_path / "checkouts")
    yield place
    for target in place.targets:
        target.close()
