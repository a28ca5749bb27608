"""What people write in comments, and what of it is meant for us."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from codegen.lock import Gpu
from codegen.questions import LONGEST_NAME, about_model, about_pack
from github_app.commands import answers
from github_app.commands.answers import Answers
from github_app.commands.approve import Approve
from github_app.commands.cancel import Cancel
from github_app.commands.comment import parse_comment
from github_app.commands.deploy import Deploy
from github_app.commands.fix import MAX_HINT, Fix
from github_app.commands.grammar import MAX_LINE, CommandError
from github_app.commands.help import Help
from github_app.commands.kb import Kb
from github_app.commands.known import GRAMMARS, MAX_COMMANDS, Command, help_text, show
from github_app.commands.logs import Logs
from github_app.commands.retry import Retry
from github_app.commands.rollback import Rollback
from github_app.commands.status import Status
from github_app.commands.teardown import Teardown
from github_app.commands.test import Test
from runner.model import Answer

BOT = "flowberth[bot]"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def parsed(body: str, **how: Any) -> tuple[Command | CommandError, ...]:
    return parse_comment(body, bot=BOT, **how)


def refused(body: str) -> str:
    [error] = parsed(body)
    assert isinstance(error, CommandError)
    return error.message + (f" -> {error.suggestion}" if error.suggestion else "")


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("/deploy", Deploy()),
        ("/deploy --gpu L4", Deploy(gpu="L4")),
        ("/deploy --gpu=L4 --budget=5", Deploy(gpu="L4", budget=5)),
        ("/Deploy  --GPU  rtx-pro-6000", Deploy(gpu="RTX-PRO-6000")),
        ('/deploy --gpu "A100 80GB"', Deploy(gpu="A100-80GB")),
        ("/deploy --gpu `H100`", Deploy(gpu="H100")),
        (
            "/deploy --budget $7.50 --target modal --env production",
            Deploy(budget=7.5, target="modal", env="production"),
        ),
        ("/deploy --budget '12 USD'", Deploy(budget=12)),
        ("/deploy \u2014gpu \u201cL4\u201d", Deploy(gpu="L4")),
        ("  /deploy\r\n", Deploy()),
        ("/test", Test()),
        ("/status", Status()),
        ("/logs", Logs()),
        ("/cancel", Cancel()),
        ("/retry", Retry()),
        ("/approve", Approve()),
        ("/teardown", Teardown()),
        ("/help", Help()),
        ("/rollback", Rollback()),
        ("/rollback poster/v3", Rollback(to="poster/v3")),
        (f"/rollback {COMMIT}", Rollback(to=COMMIT)),
        ('/fix it isn\'t "big" enough --really', Fix(hint='it isn\'t "big" enough --really')),
        ('/kb  "no module" -video', Kb(text='"no module" -video')),
        ("@flowberth deploy --gpu T4", Deploy(gpu="T4")),
        ("@Flowberth /status", Status()),
    ],
)
def test_a_command(body: str, command: Command) -> None:
    assert parsed(body) == (command,)


def test_several_commands_are_in_their_order() -> None:
    assert parsed("/cancel\n/deploy --gpu L4\n\n/status") == (Cancel(), Deploy(gpu="L4"), Status())


@pytest.mark.parametrize(
    "above",
    [
        "> you can /deploy\n\n",
        "> /cancel\n>\n> /teardown\n\n",
        "<!-- /cancel -->\n",
        "<!--\n\n/cancel\n\n-->\n\n",
        "```\n/cancel\n```\n",
        "~~~sh\n/cancel\n~~~\n",
        "    /cancel\n\n",
        "\n\n",
    ],
)
def test_quotes_code_and_html_comments_above_do_not_count(above: str) -> None:
    assert parsed(f"{above}/deploy") == (Deploy(),)


@pytest.mark.parametrize(
    "below",
    [
        "\nthanks!\n/cancel",
        "\n\nthanks!\n\n/cancel",
        "\n\n- /cancel",
        "\n--\nSent from my phone",
        " <!--\n/cancel\n-->",
        "\n\n# /cancel",
    ],
)
def test_prose_ends_the_commands(below: str) -> None:
    assert parsed(f"/deploy{below}") == (Deploy(),)


@pytest.mark.parametrize(
    "talk",
    [
        "",
        "You can type /deploy to deploy.",
        "Type this:\n/deploy",
        "Please\n\n/deploy",
        "`/deploy`",
        "> /deploy\nlazily continued: /cancel",
        "- /deploy",
        "1. /deploy",
        "# /deploy",
        "<details>\n\n/deploy\n\n</details>",
        "```\n/deploy",
        "<!-- /deploy",
        "/usr/bin/python is missing",
        "/",
        "// comment",
        "/123",
        "@flowberth thanks, that was quick!",
        "@flowberth-fan deploy",
        "@flowberth",
        "pack your bags",
        "the model = the best",
        "model behaviour is described at https",
        "> pack A = https://github.com/a/b",
        "```\npack A = https://github.com/a/b\n```",
    ],
)
def test_talk_is_no_command(talk: str) -> None:
    assert parsed(talk) == ()


def test_in_a_review_commands_may_begin_any_paragraph() -> None:
    review = "Looks dark to me, and\n/cancel is not what I want.\n\n/fix make it brighter\n\n> /teardown\n\nThanks"
    assert parsed(review) == ()
    assert parsed(review, anywhere=True) == (Fix(hint="make it brighter"),)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("/deplo", snapshot("there is no command /deplo -> /deploy")),
        ("/frobnicate", snapshot("there is no command /frobnicate")),
        ("@flowberth /deplyo", snapshot("there is no command /deplyo -> /deploy")),
        ("/deploy --gup L4", snapshot("/deploy has no option --gup; it has --target, --gpu, --budget, --env -> --gpu")),
        ("/deploy --gpu A100", snapshot("--gpu: A100 is none of T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200 -> --gpu A100-40GB")),
        ("/deploy --gpu L400", snapshot("--gpu: L400 is none of T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200 -> --gpu L40S")),
        ("/deploy --gpu", snapshot("--gpu needs a value, as in --gpu GPU")),
        ("/deploy --gpu --budget 5", snapshot("--gpu needs a value, as in --gpu GPU")),
        ("/deploy --gpu=", snapshot("--gpu is empty")),
        ("/deploy --gpu L4 --gpu T4", snapshot("--gpu is given twice")),
        ("/deploy --budget lots", snapshot("--budget: lots is no amount of US dollars; write it like 5 or 7.50")),
        ("/deploy --budget 0", snapshot("--budget: 0 must be more than 0 and at most 1,000 US dollars")),
        ("/deploy --budget 1e3", snapshot("--budget: 1e3 is no amount of US dollars; write it like 5 or 7.50")),
        ("/deploy --budget 99999999", snapshot("--budget: 99999999 must be more than 0 and at most 1,000 US dollars")),
        ("/deploy --env prod", snapshot("--env: prod is none of preview, production -> --env production")),
        ("/deploy please", snapshot("/deploy has no place for please; its form is /deploy [--target modal|local] [--gpu GPU] [--budget USD] [--env preview|production]")),
        ("/deploy gpu=L4", snapshot("/deploy has no place for gpu=L4; its form is /deploy [--target modal|local] [--gpu GPU] [--budget USD] [--env preview|production] -> --gpu=L4")),
        ('/deploy --gpu "L4', snapshot("a quotation mark has no second one")),
        ("/status --verbose", snapshot("/status has no options, so it cannot have --verbose")),
        ("/fix", snapshot("/fix needs a hint of what to change, as in /fix 24 GB are not enough, take an L40S")),
        (f"/fix {'x' * (MAX_HINT + 1)}", snapshot("hint: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… has 501 characters; at most 500 are taken")),
        ("/rollback ../../main", snapshot("version: ../../main is no version; give a tag, such as poster/v3, or a commit")),
        ("/rollback v1 v2", snapshot("/rollback has no place for v2; its form is /rollback [version]")),
        (f"/fix {'x' * MAX_LINE}", snapshot("the line has 1,005 characters; at most 1,000 are read")),
        ("\n".join(["/status"] * (MAX_COMMANDS + 1)), snapshot("one comment can hold 5 commands; this one has 6")),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_explained(body: str, message: str) -> None:
    assert refused(body) == message


def test_nothing_is_done_if_anything_cannot_be_understood() -> None:
    [error] = parsed("/teardown\n/deploy --gpu H10")
    assert isinstance(error, CommandError)
    assert (error.line, error.suggestion) == ("/deploy --gpu H10", "--gpu H100")


def test_a_wall_of_mistakes_is_not_answered_with_another_one() -> None:
    assert len(parsed("\n".join(["/deplo"] * 1000))) == MAX_COMMANDS


def test_help_is_made_from_the_grammar() -> None:
    assert help_text() == snapshot("""\
| Command | What it does |
|---|---|
| `/deploy [--target modal\\|local] [--gpu GPU] [--budget USD] [--env preview\\|production]` | Deploy and test again: on a pull request what its branch has, on an issue the workflow in it. |
| `/test` | Deploy what the pull request's branch has to a preview and test it, with nothing else changed. |
| `/vary <input=values …>` | On a pull request: call its app with every combination of some values, such as `/vary seed=1..4 steps=20,30 cfg=5..7:0.5`, and show them side by side. |
| `/adopt <number>` | Make the values of a variation the app's defaults: a commit to its lock, deployed and tested. |
| `/status` | Say how the runs of this conversation stand, and what they have cost. |
| `/logs` | Show the last lines that the newest deployment printed. |
| `/cancel` | Stop what is going on here: the runs of this issue or pull request. |
| `/retry` | Start the last run again, as it was asked for. |
| `/fix <hint>` | Change the app by a hint that names a GPU, or that answers a question: a commit to its lock. |
| `/approve` | Let the workflow of somebody without write permission run, at the cost that was estimated. |
| `/rollback [version]` | On a pull request of the app: put the version before, or the one named, back into production. |
| `/teardown [--env preview\\|production]` | Stop the previews of this pull request or issue, or what a merged pull request has put into production. |
| `/kb <text>` | Look into the knowledge base: for what a workflow does, for a node, a model or an error. |
| `/help` | Show this list. |

Options of `/deploy`:

- `--target`: where to deploy (modal, local).
- `--gpu`: the GPU, instead of the smallest that holds the models (T4, L4, A10, L40S, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200).
- `--budget`: the most that this run may spend, in US dollars.
- `--env`: the environment; a preview unless said otherwise (preview, production).

Example: `/deploy --gpu L4 --budget 5`

Options of `/teardown`:

- `--env`: what is stopped; previews unless said otherwise (preview, production).

Example: `/teardown --env production`

Questions are answered with one line each:

```text
pack NodeClass = https://github.com/owner/repository
model checkpoints/file.safetensors = https://…
```

Commands are the first lines of a comment, one per line and at most 5.
They are carried out in their order; if one cannot be understood, none is.
They take write permission for this repository.
""")


def test_every_example_of_the_help_works() -> None:
    for grammar in GRAMMARS.values():
        [command] = parsed(grammar.example)
        assert type(command) is grammar.makes


@pytest.mark.parametrize(
    ("line", "about", "name", "value"),
    [
        ("pack Foo = https://github.com/a/b", "pack", "Foo", "https://github.com/a/b"),
        (f"Pack Foo=https://github.com/a/b@{COMMIT}", "pack", "Foo", f"https://github.com/a/b@{COMMIT}"),
        ("pack Foo Bar (new) = <https://github.com/a/b>", "pack", "Foo Bar (new)", "https://github.com/a/b"),
        ("pack `A=B` = `https://github.com/a/b`", "pack", "A=B", "https://github.com/a/b"),
        ("pack *odd*_name_ = https://github.com/a/b", "pack", "*odd*_name_", "https://github.com/a/b"),
        ("- pack Foo = https://github.com/a/b", "pack", "Foo", "https://github.com/a/b"),
        ("model vae/a b.pt = https://x.org/a.pt?download=1", "model", "vae/a b.pt", "https://x.org/a.pt?download=1"),
        ('model "vae/a.pt" = https://x.org/a.pt', "model", "vae/a.pt", "https://x.org/a.pt"),
    ],
)  # fmt: skip
def test_an_answer(line: str, about: Any, name: str, value: str) -> None:
    answer = Answers(answers=(Answer(about=about, name=name, value=value),))
    for body in (line, f"Here it is:\n\n{line}\n\nThanks!", f"> which one?\n\n{line}"):
        assert parsed(body) == (answer,)


def test_answers_come_with_commands_and_together() -> None:
    body = "/retry\npack A = https://github.com/a/b\n\nand\n\nmodel vae/x.pt = https://x.org/x.pt"
    retry, both = parsed(body)
    assert retry == Retry()
    assert isinstance(both, Answers)
    assert [answer.name for answer in both.answers] == ["A", "vae/x.pt"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pack A https://github.com/a/b", snapshot("there has to be a = between the name and the address, as in pack NodeClass = https://github.com/owner/repository")),
        ("pack A = http://github.com/a/b", snapshot("http://github.com/a/b is no address of a repository for A; one looks like https://github.com/owner/repository")),
        ("pack A = https://github.com/a", snapshot("https://github.com/a is no address of a repository for A; one looks like https://github.com/owner/repository")),
        ("pack A = https://user:secret@github.com/a/b", snapshot("https://user:secret@github.com/a/b is no address of a repository for A; one looks like https://github.com/owner/repository")),
        ("pack A = https://github.com/a/b@main", snapshot("main is no commit for A; give all of its 40 characters, or leave it out for the newest one")),
        ("pack A = https://github.com/a/b/tree/main", snapshot("https://github.com/a/b/tree/main is no address of a repository for A; one looks like https://github.com/owner/repository")),
        ("pack A = https://github.com/owner/repository", snapshot("this is still the example: put the real address behind the =")),
        ("model vae/x.pt = https://…", snapshot("this is still the example: put the real address behind the =")),
        ("model x.pt = https://x.org/x.pt", snapshot("x.pt is no model; name it with its folder below models/, as checkpoints/model.safetensors")),
        ("model ../x.pt = https://x.org/x.pt", snapshot("../x.pt is no model; name it with its folder below models/, as checkpoints/model.safetensors")),
        ("model vae/x.pt = ftp://x.org/x.pt", snapshot("ftp://x.org/x.pt is no address for vae/x.pt that can be made public; give one that begins with https:// and has no password in it")),
        ("model vae/x.pt = https://me:secret@x.org/x.pt", snapshot("https://me:secret@x.org/x.pt is no address for vae/x.pt that can be made public; give one that begins with https:// and has no password in it")),
        (f"pack {'A' * (LONGEST_NAME + 1)} = https://github.com/a/b", snapshot("the name has to be 1 to 300 characters long, as in pack NodeClass = https://github.com/owner/repository")),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_explained(body: str, message: str) -> None:
    assert refused(body) == message


def test_our_own_questions_are_answered_by_filling_in_their_example() -> None:
    names = ["KSampler+", "Foo (bar) = baz", "a `b` c", "*x*"]
    for name in names:
        [question] = about_pack(name, "")
        filled = question.example_answer.replace("https://github.com/owner/repository", "https://github.com/a/b")
        [read] = parsed(filled)
        assert isinstance(read, Answers)
        assert read.answers[0].name == name
    [question] = about_model("loras", "my lora.safetensors", "")
    [read] = parsed(question.example_answer.replace("https://…", "https://x.org/l.safetensors"))
    assert isinstance(read, Answers)
    assert read.answers[0].name == "loras/my lora.safetensors"


COMMANDS = st.one_of(
    st.builds(
        Deploy,
        target=st.sampled_from([None, "modal", "local"]),
        gpu=st.none() | st.sampled_from(get_args(Gpu)),
        budget=st.none() | st.integers(1, 100_000).map(lambda cents: cents / 100),
        env=st.sampled_from([None, "preview", "production"]),
    ),
    st.sampled_from([Test(), Status(), Logs(), Cancel(), Retry(), Approve(), Teardown(), Help()]),
    st.builds(
        Fix, hint=st.from_regex(r"[A-Za-z0-9\"'.,;:()-]{1,20}( [A-Za-z0-9\"'.,;:()-]{1,20}){0,9}", fullmatch=True)
    ),
    st.builds(Rollback, to=st.none() | st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]|[./][a-z]){0,20}", fullmatch=True)),
)


@settings(deadline=None)
@given(st.lists(COMMANDS, min_size=1, max_size=MAX_COMMANDS))
def test_what_is_printed_is_read_back(commands: list[Command]) -> None:
    assert parsed("\n".join(map(show, commands))) == tuple(commands)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="`<"), min_size=1, max_size=20)


@settings(deadline=None)
@given(NAMES, st.sampled_from(["", f"@{COMMIT}"]))
def test_answers_that_are_printed_are_read_back(name: str, commit: str) -> None:
    given_ = Answers(answers=(Answer(about="pack", name=name, value=f"https://github.com/a/b{commit}"),))
    assert parsed(show(given_)) == (given_,)


PIECES = st.sampled_from([
    "/deploy", "/fix", "/rollback", "--gpu", "--", "=", "\n", "\n\n", " ", "> ", "```", "~~~", "<!--", "-->", "<a", "`", '"', "'", "@flowberth ",
    "pack ", "model ", "https://", "\0", "\ud800", "\u2014", "\u202e", "- ", "1. ", "---", "\t", "    ", "\\", "x" * 2000,
])  # fmt: skip


@settings(deadline=None)
@given(body=st.lists(PIECES | st.text(max_size=10), max_size=30).map("".join), anywhere=st.booleans())
def test_nothing_crashes_and_every_command_can_be_printed(body: str, *, anywhere: bool) -> None:
    for each in parsed(body, anywhere=anywhere):
        if isinstance(each, CommandError):
            assert len(each.line) <= 120
            assert len(each.message) < 1_000
        else:
            assert show(each)


@pytest.mark.parametrize("piece", ["> ", "- ", "`", "<!--", "/status\n", "* [x](", "<a ", "pack A = https://"])
def test_hostile_repetition_is_read_quickly(piece: str) -> None:
    parsed((piece * 65_536)[:65_536])


def test_forms_in_the_help_have_the_form_of_answers() -> None:
    assert all(answers.is_answer(form) for form in answers.FORMS.values())
