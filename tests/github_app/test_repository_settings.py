"""`.github/flowberth.yml`: what may be in it, and what is said about everything else."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import external_file, snapshot

from codegen.strict_yaml import MAX_CHARACTERS, MAX_DEPTH
from github_app.repository_settings import (
    DEFAULTS,
    InvalidRepositorySettings,
    RepositorySettings,
    json_schema,
    matches,
    parse_repository_settings,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "flowberth.schema.json"

EVERYTHING = """\
# yaml-language-server: $schema=https://raw.githubusercontent.com/flowberth/flowberth/main/docs/schemas/flowberth.schema.json
budget_usd: 7.50
monthly_budget_usd: 120
gpus: [L4, A100-80GB]
target: modal
environments:
  preview: Preview
  production: Production / EU
auto_merge:
  when: when-green
  method: rebase
  authors: ["@octocat", renovate]
  paths: [apps/modal/**]
paths: [workflows/**, "*.json"]
branches: [main, release/*]
reviewers: ["@acme/artists", hubot]
notifications:
  labels: false
  comments: result
  mention: ["@octocat"]
quality:
  image: 4
  audio: 0
  reference: 2.5
  untested: ["mask*"]
  opinion: false
verified_commits: true
"""


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(InvalidRepositorySettings) as invalid:
        parse_repository_settings(text.encode() if isinstance(text, str) else text)
    assert str(invalid.value)
    return [str(problem) for problem in invalid.value.problems]


def test_everything_that_can_be_set() -> None:
    settings = parse_repository_settings(EVERYTHING.encode())
    assert settings.model_dump() == snapshot(
        {
            "budget_usd": 7.5,
            "monthly_budget_usd": 120.0,
            "gpus": ("L4", "A100-80GB"),
            "target": "modal",
            "environments": {"preview": "Preview", "production": "Production / EU"},
            "auto_merge": {
                "when": "when-green",
                "method": "rebase",
                "authors": ("@octocat", "renovate"),
                "paths": ("apps/modal/**",),
            },
            "paths": ("workflows/**", "*.json"),
            "branches": ("main", "release/*"),
            "reviewers": ("@acme/artists", "hubot"),
            "notifications": {"labels": False, "comments": "result", "mention": ("@octocat",)},
            "quality": {
                "image": 4.0,
                "video": 2.0,
                "audio": 0.0,
                "mesh": 2.0,
                "text": 2.0,
                "reference": 2.5,
                "untested": ("mask*",),
                "opinion": False,
            },
            "verified_commits": True,
        }
    )
    assert set(yaml.safe_load(EVERYTHING)) == set(RepositorySettings.model_fields)


@pytest.mark.parametrize("text", [b"", b"\n", b"# nothing yet\n", b"---\n", b"{}", b"\xef\xbb\xbfbudget_usd: 20\n"])
def test_nothing_is_required(text: bytes) -> None:
    assert parse_repository_settings(text) == DEFAULTS


def test_auto_merge_in_one_word() -> None:
    assert parse_repository_settings(b"auto_merge: when-green").auto_merge.when == "when-green"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("budgt_usd: 5\n", snapshot(["line 1, budgt_usd: there is no such setting; did you mean budget_usd?"])),
        (
            "gpus: [L4, A100]\n",
            snapshot(
                [
                    "line 1, gpus.1: must be 'T4', 'L4', 'A10', 'L40S', 'A100-40GB', 'A100-80GB', 'RTX-PRO-6000', 'H100', 'H200' or 'B200'; did you mean A100-40GB?"
                ]
            ),
        ),
        (
            "gpus:\n  - L4\n  - H1000\n",
            snapshot(
                [
                    "line 3, gpus.1: must be 'T4', 'L4', 'A10', 'L40S', 'A100-40GB', 'A100-80GB', 'RTX-PRO-6000', 'H100', 'H200' or 'B200'; did you mean H100?"
                ]
            ),
        ),
        ("gpus: []\n", snapshot(["line 1, gpus: must not be empty"])),
        ("auto_merge: always\n", snapshot(["line 1, auto_merge.when: must be 'never' or 'when-green'"])),
        (
            "auto_merge:\n  when: green\n  path: [x]\n",
            snapshot(
                [
                    "line 2, auto_merge.when: must be 'never' or 'when-green'; did you mean when-green?",
                    "line 3, auto_merge.path: there is no such setting; did you mean paths?",
                ]
            ),
        ),
        ("budget_usd: '5'\n", snapshot(["line 1, budget_usd: must be a number, without quotes"])),
        (
            "budget_usd: -1\n",
            snapshot(
                [
                    "line 1, budget_usd: should be greater than 0",
                ]
            ),
        ),
        ("budget_usd: 99999\n", snapshot(["line 1, budget_usd: should be less than or equal to 1000"])),
        ("verified_commits: yes\n", snapshot(["line 1, verified_commits: must be true or false"])),
        ("reviewers: octocat\n", snapshot(["line 1, reviewers: must be a list"])),
        ("reviewers: ['not a login']\n", snapshot(["line 1, reviewers.0: not a login cannot be used here"])),
        ("notifications: loud\n", snapshot(["line 1, notifications: must hold settings, one per line, as key: value"])),
        (
            "paths: ['a\\b', \"a\\0b\"]\n",
            snapshot(["line 1, paths.0: a\\b cannot be used here", "line 1, paths.1: a b cannot be used here"]),
        ),
        ("environments:\n  stagin: x\n", snapshot(["line 2, environments.stagin: there is no such setting"])),
        ("- budget_usd: 5\n", snapshot(["line 1: must hold settings, one per line, as key: value"])),
        ("just words\n", snapshot(["line 1: must hold settings, one per line, as key: value"])),
        (
            "target: mars\nbudget: 5\ngpu: L4\n",
            snapshot(
                [
                    "line 1, target: must be 'modal' or 'local'",
                    "line 2, budget: there is no such setting; did you mean budget_usd?",
                    "line 3, gpu: there is no such setting; did you mean gpus?",
                ]
            ),
        ),
        (
            f"reviewers: [{', '.join(['a'] * 51)}]\n",
            snapshot(["line 1, reviewers: has 51 entries; at most 50 are taken"]),
        ),
    ],
)
def test_each_problem_is_told_with_its_line_and_field(text: str, told: list[str]) -> None:
    assert problems(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "budget_usd: 5\ntarget: [\n",
            snapshot(["line 3: while parsing a flow node, expected the node content, but found '<stream end>'"]),
        ),
        ("budget_usd: 5\nbudget_usd: 6\n", snapshot(["line 2: the key 'budget_usd' occurs twice; remove one of them"])),
        (
            "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            snapshot(["line 1: anchors and aliases (& and *) are not taken; write the value out"]),
        ),
        ("a: !!python/object/apply:os.system ['true']\n", snapshot(["line 1: tags (!) are not taken"])),
        (
            "a: 1\n---\nb: 2\n",
            snapshot(["line 2: expected a single document in the stream, but found another document"]),
        ),
        ("? [a]\n: b\n", snapshot(["line 1: a key has to be a word"])),
        ("a: \0\n", snapshot(["line 1: the character U+0000 is not allowed in YAML"])),
        (
            "\tbudget_usd: 5\n",
            snapshot(["line 1: while scanning for the next token, found character '\\t' that cannot start any token"]),
        ),
        (b"\xff\xfe\x00", snapshot(["line 1: the file is not UTF-8"])),
        ("[" * (MAX_DEPTH + 1), snapshot(["line 1: nested more than 20 levels deep"])),
        ("[" * 60_000, snapshot(["line 1: nested more than 20 levels deep"])),
        ("x" * (MAX_CHARACTERS + 1), snapshot(["line 1: the text has 65,537 characters; at most 65,536 are read"])),
    ],
)
def test_what_is_not_the_yaml_that_is_taken(text: str | bytes, told: list[str]) -> None:
    assert problems(text) == told


def test_words_that_yaml_once_took_for_something_else_stay_words() -> None:
    settings = parse_repository_settings(b"branches: [no, on, 12:30, 2026-01-01, 0x1f, 1_000]")
    assert settings.branches == ("no", "on", "12:30", "2026-01-01", "0x1f", "1_000")


def test_a_file_full_of_mistakes_is_told_in_bounds() -> None:
    told = problems("".join(f"{'k' * 50}{number}: 1\n" for number in range(1_000)))
    assert len(told) == 50
    assert len(problems(f"{'k' * 60_000}: 1")[0]) < 200


def test_a_problem_says_where_it_is() -> None:
    with pytest.raises(InvalidRepositorySettings) as invalid:
        parse_repository_settings(b"# ours\nbudgt_usd: 5\ngpus:\n  - A100\n")
    told = [(each.line, each.field, each.suggestion) for each in invalid.value.problems]
    assert told == [(2, "budgt_usd", "budget_usd"), (4, "gpus.0", "A100-40GB")]


def test_the_published_schema_is_what_the_models_say() -> None:
    assert json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n" == external_file(SCHEMA, format=".txt")


def accepted_by_schema(document: Any) -> bool:
    return jsonschema.Draft202012Validator(json_schema()).is_valid(document)


@pytest.mark.parametrize(
    "text",
    [
        EVERYTHING,
        "auto_merge: never",
        "environments: {production: null}",
        "gpus: null",
        "gpus: [A100]",
        "gpus: []",
        "budget: 5",
        "budget_usd: 0",
        "budget_usd: '5'",
        "auto_merge: always",
        "auto_merge: {when: always}",
        "notifications: {mention: ['a b']}",
    ],
)
def test_the_schema_and_the_server_agree(text: str) -> None:
    accepted = True
    try:
        parse_repository_settings(text.encode())
    except InvalidRepositorySettings:
        accepted = False
    assert accepted_by_schema(yaml.safe_load(text)) is accepted


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("a.json", "*.json", True),
        ("x/a.json", "*.json", False),
        ("x/a.json", "**/*.json", True),
        ("a.json", "**/*.json", True),
        ("workflows/x/a.json", "workflows/**", True),
        ("workflows/x/a.json", "workflows/", True),
        ("workflows/x/a.json", "./workflows/*/a.json", True),
        ("workflows/x/a.json", "workflows/*", False),
        ("other/a.json", "workflows/**", False),
        ("a/b/c/d", "a/**/d", True),
        ("a/d", "a/**/d", True),
        ("release/1", "release/?", True),
        ("a" * 1000, "*a" * 90 + "b", False),
        ("/".join("a" * 500), "**/a/" * 30 + "b", False),
    ],
)
def test_patterns(path: str, pattern: str, *, fits: bool) -> None:
    assert matches(path, [pattern]) is fits


def test_who_and_what_is_merged_by_itself() -> None:
    def allows(text: str, *, asked_by: str = "octocat", changed: tuple[str, ...] = ("apps/modal/x/app.py",)) -> bool:
        return parse_repository_settings(text.encode()).auto_merge.allows(asked_by=asked_by, changed=changed)

    assert not allows("")
    assert allows("auto_merge: when-green")
    limited = "auto_merge: {when: when-green, authors: ['@Octocat'], paths: [apps/modal/**]}"
    assert allows(limited)
    assert not allows(limited, asked_by="somebody")
    assert not allows(limited, changed=("apps/modal/x/app.py", ".github/workflows/ci.yml"))
    assert not allows("auto_merge: {when: never, authors: [octocat]}")


def test_what_is_allowed() -> None:
    settings = parse_repository_settings(b"gpus: [L4]\npaths: [workflows/**]\nbranches: [release/*]")
    assert settings.allows_gpu("L4")
    assert settings.allows_gpu(None)
    assert not settings.allows_gpu("H100")
    assert settings.allows_path("workflows/a.json")
    assert not settings.allows_path("a.json")
    assert settings.allows_base("release/1", default="main")
    assert not settings.allows_base("main", default="main")
    assert DEFAULTS.allows_base("main", default="main")
    assert not DEFAULTS.allows_base("dev", default="main")
    assert DEFAULTS.allows_path("deep/down/a.json")


LINES = st.sampled_from([
    "budget_usd: ", "gpus: ", "  - ", "auto_merge:\n", "  when: ", "&a ", "*a", "<<: ", "!!str ", "[", "]", "{", "}", "null", "L4", "when-green",
    "1e400", "9" * 400, "|\n", ">\n  x\n", "'", '"', "#", "\n", "\t", "\0", "\u2028", "\ufeff", "? ", "- ", "---\n", "...\n", "%YAML 1.1\n", "\ud800",
])  # fmt: skip


@settings(deadline=None)
@given(st.lists(LINES | st.text(max_size=8), max_size=25).map("".join))
def test_any_text_is_settings_or_is_explained(text: str) -> None:
    data = text.encode(errors="surrogatepass")
    try:
        settings = parse_repository_settings(data)
    except InvalidRepositorySettings as invalid:
        for problem in invalid.problems:
            assert (
                1 <= problem.line <= text.count("\n") + text.count("\u2028") + text.count("\r") + text.count("\x85") + 2
            )
            assert len(problem.message) < 500
    else:
        assert isinstance(settings, RepositorySettings)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with suppress(InvalidRepositorySettings):
        parse_repository_settings(data)
