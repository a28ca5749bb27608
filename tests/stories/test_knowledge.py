"""What a repository's deployments have taught is found again by whoever asks in a conversation."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.stories.reading import read

KNOWLEDGE = "docs/knowledge-base/workflows"
PORTRAIT = """\
---
name: portrait
title: Upscale a portrait
classes: [UltralyticsDetectorProvider, FaceDetailer]
models: ["upscale_models/4x-UltraSharp.pth"]
---

# Upscale a portrait
"""
HOSTILE = """\
---
title: "](https://evil.example) @alice <img src=x> | `cat`"
classes: ["Cat`Loader | @bob"]
---
"""
ERRORS = """\
# Common errors

## `insightface` is missing

ModuleNotFoundError: No module named 'insightface'
"""


def test_the_knowledge_base_answers_in_a_conversation_and_follows_the_default_branch(town):
    files = {
        f"{KNOWLEDGE}/patterns/portrait.md": PORTRAIT,
        f"{KNOWLEDGE}/patterns/cat.md": HOSTILE,
        f"{KNOWLEDGE}/learnings/common-errors.md": ERRORS,
    }
    people = town.people("acme/wise", files=files)
    issue = people.opens_issue("bob", title="What do we have?", body="Just asking.")

    def answer(who: str, words: str) -> str:
        before = len(people.bodies(issue))
        people.comments(who, issue, words)
        people.until(lambda: len(people.bodies(issue)) > before)
        return read(people.bodies(issue)[-1])

    assert answer("bob", "/kb upscaling portraits") == snapshot("""\
What the knowledge base has on `upscaling portraits`, best first:

1. [Upscale a portrait](https://github.com/acme/wise/blob/COMMIT/docs/knowledge-base/workflows/patterns/portrait.md) (workflow): title, model `upscale_models/4x-UltraSharp.pth`, name `portrait`

<sub>Searched by words alone: no embeddings are installed.</sub>
""")
    assert answer("bob", "/kb No module named 'insightface'") == snapshot("""\
What the knowledge base has on `No module named 'insightface'`, best first:

1. [\\`insightface\\` is missing](https://github.com/acme/wise/blob/COMMIT/docs/knowledge-base/workflows/learnings/common-errors.md#insightface-is-missing) (learned): error `ModuleNotFoundError: No module named 'insightface'`, title

<sub>Searched by words alone: no embeddings are installed.</sub>
""")
    assert answer("bob", "/kb cat") == snapshot("""\
What the knowledge base has on `cat`, best first:

1. [\\](https:\u200b//evil.example) @\u200balice \\<img src=x\\> \\| \\`cat\\`](https://github.com/acme/wise/blob/COMMIT/docs/knowledge-base/workflows/patterns/cat.md) (workflow): title, node `` Cat`Loader \\| @bob ``

<sub>Searched by words alone: no embeddings are installed.</sub>
""")
    assert answer("bob", "/kb '; DROP TABLE knowledge_entry; --") == snapshot("""\
Nothing in the knowledge base has to do with `'; DROP TABLE knowledge_entry; --`. Fewer or other words may find something.

<sub>Searched by words alone: no embeddings are installed.</sub>
""")
    assert answer("bob", "/kb") == snapshot("""\
This was not understood, so nothing was done:

- `/kb`: /kb needs what to look for, as in /kb upscale a portrait

`/help` lists all commands.
""")

    people.writes("alice", f"{KNOWLEDGE}/patterns/portrait.md", PORTRAIT.replace("portrait", "landscape"))
    assert "portrait" not in answer("bob", "/kb portrait").partition("best first")[2]
    assert "Upscale a landscape" in answer("bob", "/kb landscapes")
