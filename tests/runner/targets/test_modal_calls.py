"""What deployed apps are asked: for their models, and what they lack. Their answers are a stranger's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from runner.errors import DeployFailed
from runner.model import RunId
from shared.models import _place
from tests.modal.world import Volume
from tests.runner.targets.conftest import spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.targets.conftest import Place

pytestmark = pytest.mark.long

RUN = RunId("run_1")
BOMB = """
class Bomb:
    def __reduce__(self):
        import os
        return (os.system, ("touch opened; cp /proc/self/environ seen",))
"""


def with_function(name: str, body: str, before: str = "") -> Any:
    """An app whose function of that name, if it has one, is another."""
    code = f'{before}\n\n@app.function(image=image, name="{name}")\ndef changed():\n    {body}\n'

    def change(text: str) -> str:
        return text.replace(f"def {name}(", f"def _{name}(") + code

    return change


def test_a_generated_app_says_itself_what_it_lacks(place: Place) -> None:
    target, spec = place.target(), spec_of(place.app())
    with pytest.raises(DeployFailed, match="not deployed any more"):
        target.preflight(spec)
    target.ensure(spec)
    found = target.preflight(spec)
    assert found.passed, found
    assert set(found.definitions) == {"EmptyImage", "SaveImage"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError('no such pack')", "no such pack"),
        ("print('half way'); import os; os._exit(3)", "half way"),
    ],
)
def test_a_preflight_that_gives_no_answer_says_why(place: Place, body: str, said: str) -> None:
    target, spec = place.target(), spec_of(place.app(change=with_function("preflight", body)))
    target.ensure(spec)
    with pytest.raises(DeployFailed) as failure:
        target.preflight(spec)
    assert failure.value.stage == "preflight"
    assert said in f"{failure.value}\n{failure.value.log}"


def test_what_a_container_answers_is_opened_where_it_can_do_no_harm(place: Place) -> None:
    target, spec = place.target(), spec_of(place.app(change=with_function("preflight", "return Bomb()", BOMB)))
    target.ensure(spec)
    with pytest.raises(DeployFailed):
        target.preflight(spec)
    work = place.data / "modal" / "runs" / RUN / "work"
    assert (work / "opened").exists()
    seen = (work / "seen").read_bytes()
    assert b"MODAL_TOKEN_SECRET" in seen  # of this workspace, which the app's owner has anyway
    assert not any(name in seen for name in (b"FLOWBERTH_", b"DATABASE", b"GITHUB", b"ANTHROPIC"))
    assert not any(path.name == "opened" for path in place.data.rglob("accounts/**/*"))


def needing_a_model(folder: Path) -> Path:
    lock = json.loads((folder / "app.lock.json").read_text())
    lock["models"] = [{"folder": "checkpoints", "file": "a.safetensors", "source": "answer"}]
    (folder / "app.lock.json").write_text(json.dumps(lock))
    return folder


def test_models_are_fetched_once_before_anything_needs_them(place: Place) -> None:
    folder = needing_a_model(place.app(change=with_function("fetch_models", "print('fetched')")))
    target, said = place.target(), list[str]()
    target.ensure(spec_of(folder), tell=said.append)
    assert "fetching 1 model into the workspace's Volume" in said
    calls = len(place.bed.called("FunctionMap"))
    assert calls == 1
    place.target().ensure(spec_of(folder))
    assert len(place.bed.called("FunctionMap")) == calls


def test_a_model_that_is_damaged_is_fetched_anew_and_one_with_a_hash_left_to_those_who_use_it(place: Place) -> None:
    place.bed.instead_of("fetch_models", bool)
    folder = needing_a_model(place.app(change=with_function("fetch_models", "print('fetched')")))
    document = json.loads((folder / "app.lock.json").read_bytes())
    (pinned,) = document["models"]
    loose = {**pinned, "file": "loose.safetensors", "sha256": None, "url": "https://example.com/loose.safetensors"}
    document["models"] = [{**pinned, "sha256": "a" * 64}, loose]
    (folder / "app.lock.json").write_text(json.dumps(document))
    volume = place.bed.workspace().volumes["vo-1"] = Volume("vo-1", "flowberth-models", "main", 1)
    store = place.bed.volume_folder(volume)
    for file in (*(_place(store, model) for model in document["models"]), store / "url" / "of-others"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")
    target = place.target()
    target.ensure(spec_of(folder))
    target.discard(spec_of(folder), [f"{model['folder']}/{model['file']}" for model in document["models"]])
    assert sorted(path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()) == [
        f"sha256/{'a' * 64}",
        "url/of-others",
    ]
    target.discard(spec_of(folder), [f"{loose['folder']}/{loose['file']}"])  # as a run that was killed does once more
    calls = len(place.bed.called("FunctionMap"))
    target.ensure(spec_of(folder))
    assert len(place.bed.called("FunctionMap")) == calls + 1


def test_models_that_cannot_be_had_fail_in_their_own_stage(place: Place) -> None:
    body = "print('GET https://huggingface.co/x: 403 gated', flush=True); raise SystemExit(1)"
    folder = needing_a_model(place.app(change=with_function("fetch_models", body)))
    target = place.target()
    with pytest.raises(DeployFailed) as failure:
        target.ensure(spec_of(folder))
    assert failure.value.stage == "models"
    assert "403 gated" in failure.value.log
    target.stop(RUN)
    assert not place.bed.app("tile-pr5").is_deployed


def test_what_was_deployed_answers_those_who_carry_the_proxy_token(place: Place) -> None:
    spec, target = spec_of(place.app()), place.target()
    url = target.ensure(spec).url
    assert place.bed.containers == {}  # nothing has woken it
    assert httpx.get(f"{url}/health", trust_env=False).status_code == 401
    answer = httpx.get(f"{url}/health", headers=target.headers(spec), timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    target.stop(RUN)
    with pytest.raises(httpx.HTTPStatusError):
        httpx.get(f"{url}/health", headers=target.headers(spec), timeout=60, trust_env=False).raise_for_status()
