"""`flowberth up` holds itself to the repository's `.github/flowberth.yml`, and takes a picture to compare with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from PIL import Image

from github_app.cli.failures import CommandError
from github_app.cli.up_rules import MAX_BYTES, Wishes, held_to, rules_at
from github_app.repository_settings import parse_repository_settings
from runner.model import RunRequest
from tests.as_comfyui import AS_COMFYUI
from tests.engine import engine
from tests.github_app.test_up import git, made_repo
from tests.github_app.workflows import GRAPH, saved

PATH = ".github/flowberth.yml"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made_repo(tmp_path)


@pytest.fixture
def tile(tmp_path: Path) -> Path:
    (tmp_path / "tile.json").write_bytes(saved(GRAPH))
    return tmp_path / "tile.json"


def commits(repo: Path, text: str) -> None:
    (repo / ".github").mkdir(exist_ok=True)
    (repo / PATH).write_text(text)
    git(repo, "add", PATH)
    git(repo, "commit", "-q", "-m", "Settle it")


def held(text: str, **wishes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of a request the settings change, and the notes."""
    request = RunRequest(repo=Path("/nowhere"), base="main", filename="x.json", workflow=b"{}")
    now, notes = held_to(parse_repository_settings(text.encode()), request, Wishes(**wishes))
    before = request.model_dump()
    return {key: value for key, value in now.model_dump().items() if value != before[key]}, notes


def test_a_run_is_held_to_budgets_gpus_and_quality() -> None:
    changed, notes = held(
        "budget_usd: 5\nmonthly_budget_usd: 50\ngpus: [T4, L4]\nquality: {image: 4, opinion: false}\n"
    )
    assert changed == snapshot(
        {
            "budget_usd": 5.0,
            "monthly_budget_usd": 50.0,
            "gpus": ("T4", "L4"),
            "quality": {
                "image": 4.0,
                "video": 2.0,
                "audio": 2.0,
                "mesh": 2.0,
                "text": 2.0,
                "reference": 0.0,
                "untested": (),
                "opinion": False,
            },
        }
    )
    assert notes == ()
    assert held("reviewers: [alice]\n") == ({}, ())  # without a word on money what the machine says counts


def test_the_command_line_wins_and_that_is_said() -> None:
    changed, notes = held("budget_usd: 5\ngpus: [T4]\ntarget: modal\n", gpu="H100", budget_usd=7.5)
    assert (changed["budget_usd"], changed["gpus"]) == (7.5, ("T4", "H100"))
    assert notes == snapshot(
        (
            ".github/flowberth.yml says target: modal; this run stays on this machine, and costs nothing",
            "--gpu H100: is none of the GPUs that .github/flowberth.yml allows (T4), and counts here",
            "--budget 7.5: is more than the 5 that .github/flowberth.yml allows, and counts here",
        )
    )
    assert held("budget_usd: 5\ngpus: [T4]\n", gpu="T4", budget_usd=2.0) == (
        {"budget_usd": 2.0, "gpus": ("T4",)},
        (),
    )


def test_where_the_repository_says_local_nothing_goes_where_it_costs() -> None:
    with pytest.raises(CommandError, match=r"flowberth.yml says target: local, and this machine deploys to modal"):
        held("target: local\n", target="modal")


def test_what_is_committed_on_the_base_branch_counts(repo: Path) -> None:
    assert rules_at(repo, "main") is None
    commits(repo, "budget_usd: 5\n")
    (repo / PATH).write_text("budget_usd: 6\n")
    rules = rules_at(repo, "main")
    assert rules is not None
    assert rules.budget_usd == 5
    assert rules_at(repo, "nowhere") is None
    assert rules_at(repo, "--output=x") is None


def test_a_file_that_cannot_be_used_is_refused_with_file_line_and_field(
    flowberth: Callable, tile: Path, repo: Path, data_dir: Path
) -> None:
    commits(repo, "budget_usd: '5'\nquality:\n  image: 11\n  imge: 2\ngpu: [T4]\n")
    said = flowberth("up", tile, "--repo", repo, "--json")
    assert said.code == 2
    assert said.json["error"] == snapshot(
        {
            "type": "InvalidRepositorySettings",
            "message": """\
the settings on main cannot be used:
.github/flowberth.yml, line 1, budget_usd: must be a number, without quotes
.github/flowberth.yml, line 3, quality.image: should be less than or equal to 10
.github/flowberth.yml, line 4, quality.imge: there is no such setting; did you mean image?
.github/flowberth.yml, line 5, gpu: there is no such setting; did you mean gpus?\
""",
            "hint": "Put it right and commit it: what is committed on the base branch counts. docs/github.md lists the settings.",
        }
    )
    assert not (data_dir / "worktrees").exists()
    told = flowberth("up", tile, "--repo", repo).err
    assert told.count(f"{PATH}, line ") == 4


def test_a_huge_file_of_settings_is_not_read(flowberth: Callable, tile: Path, repo: Path) -> None:
    commits(repo, "# " + "x" * MAX_BYTES)
    said = flowberth("up", tile, "--repo", repo, "--json")
    assert said.code == 2
    assert "bytes; at most 262,144 are read" in said.json["error"]["message"]


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf", "1001"])
def test_an_amount_that_nobody_means_is_refused(flowberth: Callable, tile: Path, repo: Path, budget: str) -> None:
    said = flowberth("up", tile, "--repo", repo, f"--budget={budget}", "--json")
    assert said.code == 2
    assert said.json["error"]["message"] == f"--budget {budget}: must be more than 0, and at most 1000 US dollars"


def test_what_is_no_picture_is_refused(flowberth: Callable, tile: Path, repo: Path, tmp_path: Path) -> None:
    said = flowberth("up", tile, "--repo", repo, "--reference", tile, "--json")
    assert said.code == 2
    assert said.json["error"] == {
        "type": "BadInput",
        "message": f"--reference {tile}: it is no PNG, JPEG or WebP picture that can be read",
        "hint": "Give a PNG, JPEG or WebP picture of at most 25 MiB.",
    }
    said = flowberth("up", tile, "--repo", repo, "--reference", tmp_path / "none.png", "--json")
    assert said.json["error"]["message"] == f"{tmp_path / 'none.png'}: there is no such file"


@pytest.mark.long
def test_what_is_good_enough_is_what_the_repository_says(
    flowberth_process: Callable, database_url: str, repo: Path, tile: Path, tmp_path: Path
) -> None:
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "wanted.png")
    with engine(AS_COMFYUI) as url:
        command = ("up", tile, "--repo", repo, "--comfyui", url, "--reference", tmp_path / "wanted.png", "--json")

        def failed() -> list[str]:
            result = flowberth_process(*command, FLOWBERTH_DATABASE_URL=database_url).json
            return [test["detail"] for test in result["tests"] if not test["passed"]]

        (blank,) = failed()
        commits(repo, "quality: {image: 0}\n")
        assert failed() == []
        commits(repo, "quality: {image: 0, reference: 10}\n")
        (unlike,) = failed()
    assert blank.startswith("image: contrast has 0.0 of 10, below 2: ")
    assert unlike.startswith("image: reference-likeness has ")
