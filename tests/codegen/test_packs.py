"""Which packs a workflow needs: what the file says, what the lists know, and what is asked instead of guessed."""

import gzip
import json
import time
from dataclasses import fields, replace
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.catalog import load_catalog, packaged_versions
from codegen.core_version import choose_core, foreign_classes
from codegen.lock import PackPin
from codegen.model import Workflow
from codegen.packs import Packs, find_packs
from codegen.packs.known import KnownPacks, Repository, known_packs
from codegen.packs.said import Saying, sayings
from codegen.parse import parse_workflow
from codegen.plan import make_plan
from tests.codegen.canvas import Canvas, empty_image, save

DAY = date(2025, 11, 25)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def repository(name: str, *classes: str, stars: int | None = 10, updated: date | None = DAY, **more: Any) -> Repository:
    return Repository(url=f"https://github.com/{name}", classes=classes, stars=stars, updated=updated, **more)


def uses(*classes: str) -> Workflow:
    """An API export, which says nothing of packs."""
    nodes = {str(number): {"class_type": kind, "inputs": {}} for number, kind in enumerate(classes, 1)}
    return parse_workflow(json.dumps(nodes).encode(), filename="x.json")


def found(workflow: Workflow, *repositories: Repository, core: tuple[str, ...] = ()) -> Packs:
    prompt = choose_core(workflow, None)[0].conversion.prompt
    classes = foreign_classes(dict.fromkeys(node["class_type"] for node in prompt.values()))
    return find_packs(workflow, prompt, classes, KnownPacks(repositories, core=core, day=DAY))


def attributed(packs: Packs) -> dict[str, str]:
    return {kind: use.repository.removeprefix("https://github.com/") for use in packs.uses for kind in use.classes}


def codes(packs: Packs) -> list[str]:
    return [finding.code for finding in packs.findings]


def saved(*nodes: tuple[str, dict[str, Any]]) -> Workflow:
    """A file of the editor, with what it wrote into the properties of each node."""
    canvas = Canvas()
    image = empty_image(canvas)
    for kind, properties in nodes:
        image = canvas.add(kind, properties=properties, image=image)
    save(canvas, image)
    return canvas.workflow()


class TestTheMap:
    def test_the_one_that_has_the_class(self):
        packs = found(uses("Sharpen+"), repository("a/essentials", "Sharpen+"), repository("b/other", "Blur"))
        assert attributed(packs) == {"Sharpen+": "a/essentials"}
        assert [use.source for use in packs.uses] == ["manager-map"]

    def test_a_class_that_is_named_in_the_way_of_a_pack(self):
        packs = found(
            uses("Any Switch (rgthree)", "ttN text"),
            repository("r/rgthree", suffix=" (rgthree)"),
            repository("t/tiny", prefix="ttN "),
        )
        assert attributed(packs) == {"Any Switch (rgthree)": "r/rgthree", "ttN text": "t/tiny"}

    def test_what_comfyui_has_belongs_to_nobody_else(self):
        packs = found(uses("KSampler", "OldSampler"), repository("a/b", "KSampler", "OldSampler"), core=("OldSampler",))
        assert packs == Packs()

    def test_what_nobody_has_is_left_to_others(self):
        assert found(uses("Nobody's"), repository("a/b", "Somebody's")) == Packs()


class TestSeveralHaveTheClass:
    def test_like_with_like_is_a_question(self):
        packs = found(
            uses("LoadVideo2"), repository("b/two", "LoadVideo2"), repository("a/one", "LoadVideo2", stars=30)
        )
        assert packs.uses == packs.pins == ()
        assert packs.attributed == {"LoadVideo2"}
        (finding,) = packs.findings
        assert (finding.code, finding.severity, finding.node) == ("ambiguous-pack", "error", "1")
        assert finding.message == (
            "several packs have a node LoadVideo2: https://github.com/a/one (30 stars), https://github.com/b/two (10 stars)"
        )
        assert finding.hint
        assert "packs in app.lock.json" in finding.hint

    def test_many_are_counted(self):
        packs = found(uses("X"), *(repository(f"a/p{n}", "X", stars=n or None) for n in range(8)))
        assert packs.findings[0].message.endswith("https://github.com/a/p3 (3 stars), and 3 more")

    def test_a_hundred_times_the_stars_decide(self):
        packs = found(uses("X"), repository("a/one", "X", stars=2000), repository("b/two", "X", stars=20))
        assert attributed(packs) == {"X": "a/one"}

    def test_unless_they_shine_on_a_ruin(self):
        long_ago = date(2021, 1, 1)
        old, new = repository("a/old", "X", stars=500, updated=long_ago), repository("b/new", "X", stars=20)
        assert codes(found(uses("X"), old, new)) == ["ambiguous-pack"]
        assert attributed(found(uses("X"), replace(old, updated=DAY), new)) == {"X": "a/old"}

    def test_the_rest_of_the_workflow_decides_against_stars(self):
        packs = found(
            uses("X", "Y"), repository("a/famous", "X", stars=5000), repository("b/needed", "X", "Y", stars=3)
        )
        assert attributed(packs) == {"X": "b/needed", "Y": "b/needed"}

    def test_what_is_decided_decides_the_next(self):
        packs = found(
            uses("X", "Y", "Z"),
            repository("a/famous", "X", stars=3000),
            repository("b/chosen", "X", "Y", stars=400),
            repository("c/unknown", "Y", "Z", stars=0),
            repository("b/chosen2", "Z", stars=90),
        )
        assert attributed(packs)["Y"] == attributed(packs)["X"] == "b/chosen"

    def test_a_fork_loses_to_its_origin(self):
        classes = tuple(f"N{number}" for number in range(9))
        packs = found(
            uses(*classes), repository("a/origin", *classes, stars=500), repository("b/fork", *classes, stars=1)
        )
        assert set(attributed(packs).values()) == {"a/origin"}

    def test_precedence_that_the_manager_gives(self):
        preferred = repository("a/one", "X", preempts=("X",))
        assert attributed(found(uses("X"), preferred, repository("b/two", "X", stars=50))) == {"X": "a/one"}
        assert codes(found(uses("X"), preferred, repository("b/two", "X", stars=2000))) == ["ambiguous-pack"]

    def test_one_of_little_renown_among_nodes_that_nobody_lists_is_a_question(self):
        packs = found(uses("StartLoop2", "EndLoop2", "GetItem"), repository("a/one", "GetItem", stars=100))
        (finding,) = packs.findings
        assert finding.message == (
            "the node GetItem may come from https://github.com/a/one (100 stars), "
            "or from where the nodes come that nobody lists"
        )


class TestWhatTheFileSays:
    def test_a_clone_with_its_commit_is_pinned(self):
        own = {"aux_id": "kijai/ComfyUI-KJNodes", "ver": COMMIT.upper()}
        packs = found(
            saved(("Resize!", own)), repository("Kijai/ComfyUI-KJNodes", "Resize!"), repository("b/famous", "Resize!")
        )
        assert packs.pins == (
            PackPin(
                name="ComfyUI-KJNodes",
                repository="https://github.com/Kijai/ComfyUI-KJNodes",
                commit=COMMIT,
                classes=("Resize!",),
                source="properties",
            ),
        )
        assert packs.findings == ()

    def test_a_word_that_the_lists_contradict_is_taken_and_said(self):
        own = {"aux_id": "a/other-pack", "ver": COMMIT}
        packs = found(saved(("Resize!", own)), repository("a/other-pack", "Crop"), repository("b/famous", "Resize!"))
        assert attributed(packs) == {"Resize!": "a/other-pack"}
        (finding,) = packs.findings
        assert (finding.code, finding.severity) == ("unconfirmed-pack", "warning")
        assert finding.message == (
            "the file says that the node Resize! comes from https://github.com/a/other-pack; as far as the lists know "
            "it is https://github.com/b/famous that has it"
        )

    def test_an_id_of_the_registry_finds_its_repository(self):
        own = {"cnr_id": "comfyui_kjnodes", "ver": "1.2.3"}
        packs = found(saved(("X", own)), repository("k/ComfyUI-KJNodes", "X"), repository("b/famous", "X", stars=9000))
        assert attributed(packs) == {"X": "k/ComfyUI-KJNodes"}
        (finding,) = packs.findings
        assert (finding.code, finding.severity, finding.node) == ("unpinned-pack", "error", "2")
        assert finding.message == (
            "the node X comes from https://github.com/k/ComfyUI-KJNodes, and nothing says at which commit; "
            "the file was saved with version 1.2.3"
        )
        assert packs.uses[0].version == "1.2.3"

    def test_an_id_that_is_not_known_leaves_it_to_the_map(self):
        packs = found(saved(("X", {"cnr_id": "pr-nodes-47064894", "ver": COMMIT})), repository("a/b", "X"))
        assert attributed(packs) == {"X": "a/b"}
        assert packs.pins == (), "the commit may be of another repository"

    def test_an_id_without_the_word_that_most_names_have(self):
        listed = (repository("c/ComfyUI-KikoTools", "X"), repository("b/famous", "X", stars=9000))
        assert attributed(found(saved(("X", {"cnr_id": "kikotools"})), *listed)) == {"X": "c/ComfyUI-KikoTools"}
        assert attributed(found(saved(("X", {"cnr_id": "comfyui"})), *listed)) == {"X": "b/famous"}
        without = (repository("c/ComfyUI-KikoTools", "Y"), listed[1])
        assert attributed(found(saved(("X", {"cnr_id": "kikotools"})), *without)) == {"X": "b/famous"}

    def test_nodes_that_disagree_are_a_question(self):
        first, second = ({"aux_id": name, "ver": COMMIT} for name in ("a/one", "b/two"))
        packs = found(saved(("X", first), ("X", second)), repository("a/one"), repository("b/two"))
        assert codes(packs) == ["ambiguous-pack"]

    def test_a_commit_that_is_said_of_another_pack_is_not_taken_for_the_one_that_wins(self):
        for twin in ({"aux_id": "evil/twin", "ver": COMMIT}, {"cnr_id": "twin", "ver": COMMIT}):
            listed = (repository("a/famous", "X", stars=9000), repository("e/twin"))
            packs = found(saved(("X", {"aux_id": "a/famous"}), ("X", twin)), *listed)
            assert attributed(packs) == {"X": "a/famous"}
            assert packs.pins == ()
            assert codes(packs) == ["unpinned-pack"]

    def test_commits_that_disagree_pin_nothing(self):
        first, second = ({"aux_id": "a/one", "ver": commit} for commit in (COMMIT, COMMIT[::-1]))
        packs = found(saved(("X", first), ("Y", second)), repository("a/one"))
        assert (packs.pins, codes(packs)) == ((), ["unpinned-pack"])

    def test_code_that_only_the_file_itself_knows_is_not_run_before_somebody_has_read_it(self):
        packs = found(saved(("X", {"aux_id": "evil/twin", "ver": COMMIT})), repository("a/one", "X"))
        assert [use.repository for use in packs.uses] == ["https://github.com/evil/twin"]
        assert packs.pins == ()
        assert [(finding.code, finding.severity) for finding in packs.findings] == [("unlisted-pack", "error")]

    def test_comfyuis_own_belongs_to_nobody_else(self):
        assert found(saved(("X", {"cnr_id": "comfy-core", "ver": "0.99.0"})), repository("a/one", "X")) == Packs()

    def test_two_of_one_name_get_folders_of_their_own(self):
        nodes = [(f"N{n}", {"aux_id": f"{owner}/Pack", "ver": COMMIT}) for n, owner in enumerate(("a", "b"))]
        nodes.append(("N2", {"aux_id": "c/B-pack", "ver": COMMIT}))
        listed = (repository("a/Pack"), repository("b/Pack"), repository("c/B-pack"))
        names = [pin.name for pin in found(saved(*nodes), *listed).pins]
        assert names == ["Pack", "b-Pack", "c-B-pack"]

    def test_nodes_in_subgraphs_and_groups_speak_too(self):
        own = {"aux_id": "a/one", "ver": "short"}
        document = {
            "nodes": [],
            "definitions": {"subgraphs": [{"nodes": [{"type": "X", "properties": own}]}]},
            "extra": {"groupNodes": {"G": {"nodes": [{"type": "Y", "properties": own}]}}},
        }
        workflow = Workflow(kind="ui", document=document, source=b"")
        saying = Saying(url="https://github.com/a/one", version="short")
        assert sayings(workflow, {"X", "Y"}) == {"X": (saying,), "Y": (saying,)}

    @pytest.mark.parametrize(
        "own",
        [
            {"aux_id": "../../x"},
            {"aux_id": "a/b; rm -rf /"},
            {"aux_id": "ext::sh -c id"},
            {"aux_id": "https://user:secret@github.com/a/b"},
            {"aux_id": "https://evil.example/a/b"},
            {"aux_id": "a/b@evil.example"},
            {"aux_id": "a/b c"},
            {"aux_id": "a/" + "b" * 1_000_000},
            {"aux_id": "a/b\n"},
            {"aux_id": "--upload-pack=x/y"},
            {"aux_id": ["a/b"]},
            {"cnr_id": {"a": 1}},
            {"cnr_id": "\x1b[2J"},
            {"ver": COMMIT},
        ],
    )
    def test_what_no_editor_writes_is_not_heard(self, own):
        assert sayings(saved(("X", own)), {"X"}) == {}


class TestCopies:
    """A pack that bundles others has all their classes, and would explain most workflows best."""

    def test_a_pack_that_bundles_two_loses_to_both(self):
        first, second = (
            repository("a/first", "X1", "X2", stars=90),
            repository("b/second", "Y1", "Y2", stars=70),
        )
        bundle = repository("z/all", "X1", "X2", "Y1", "Y2", stars=20, copies=(first.url, second.url))
        packs = found(uses("X1", "X2", "Y1", "Y2"), first, second, bundle)
        assert attributed(packs) == {"X1": "a/first", "X2": "a/first", "Y1": "b/second", "Y2": "b/second"}
        assert (
            "z/all"
            in attributed(found(uses("X1", "X2", "Y1", "Y2"), first, second, replace(bundle, copies=()))).values()
        )

    def test_unless_the_workflow_has_a_class_that_is_its_own(self):
        origin = repository("a/origin", "X1", "X2", stars=60)
        copy = repository("b/copy", "X1", "X2", "New", stars=20, copies=(origin.url,))
        packs = found(uses("X1", "X2", "New"), origin, copy)
        assert set(attributed(packs).values()) == {"b/copy"}

    def test_a_fork_says_so(self):
        origin = repository("a/origin", "X", stars=30)
        fork = repository("b/fork", "X", "New", stars=20, fork_of=origin.url.upper().replace("HTTPS", "https"))
        assert attributed(found(uses("X"), origin, fork)) == {"X": "a/origin"}
        packs = found(uses("X", "New"), origin, fork)
        assert attributed(packs) == {"X": "b/fork", "New": "b/fork"}
        assert packs.uses[0].fork_of == fork.fork_of
        assert "https://github.com/b/fork is a fork of" in next(
            finding.message for finding in packs.findings if finding.code == "forked-pack"
        )

    def test_of_something_that_nobody_knows(self):
        packs = found(uses("X"), repository("b/fork", "X", fork_of="https://github.com/gone/away"))
        assert attributed(packs) == {"X": "b/fork"}


class TestWhatIsNotWhereItWas:
    OLD, NEW = "https://github.com/old/Pack", "https://github.com/new/Pack"

    def test_a_repository_that_moved_is_followed(self):
        packs = found(
            saved(("X", {"aux_id": "OLD/pack", "ver": COMMIT})), repository("new/Pack", "X", aliases=(self.OLD,))
        )
        assert [(pin.repository, pin.commit) for pin in packs.pins] == [(self.NEW, COMMIT)]
        assert packs.uses[0].moved_from == "https://github.com/OLD/pack"
        assert [(finding.code, finding.severity, finding.message) for finding in packs.findings] == [
            ("moved-pack", "info", "https://github.com/OLD/pack is https://github.com/new/Pack today")
        ]

    def test_two_names_of_one_are_no_disagreement(self):
        nodes = [("X", {"aux_id": name, "ver": COMMIT}) for name in ("old/Pack", "new/Pack")]
        packs = found(saved(*nodes), repository("new/Pack", "X", aliases=(self.OLD,)))
        assert [pin.repository for pin in packs.pins] == [self.NEW]

    def test_a_pack_that_is_given_up_is_not_swapped_for_another_behind_anybodys_back(self):
        successor = repository("new/Pack", "X", replaces=(self.OLD,), fork_of=self.OLD)
        packs = found(saved(("X", {"aux_id": "old/Pack", "ver": COMMIT})), successor)
        assert packs.pins == ()
        (use,) = packs.uses
        assert (use.repository, use.listed, use.replaced_by) == (self.OLD, False, self.NEW)
        assert [finding.message for finding in packs.findings] == [
            f"the file itself names {self.OLD}, which ComfyUI-Manager does not list; {self.NEW} goes on with its nodes"
        ]

    def test_where_the_file_names_nobody_the_successor_is_taken_and_said(self):
        packs = found(uses("X"), repository("new/Pack", "X", replaces=(self.OLD,), fork_of=self.OLD))
        assert attributed(packs) == {"X": "new/Pack"}
        assert codes(packs) == ["unpinned-pack", "replacing-pack"]
        assert packs.findings[1].message == f"{self.NEW} goes on with the nodes of {self.OLD}, which is given up"

    def test_a_pack_that_is_known_but_not_listed_is_never_pinned(self):
        nodes = saved(("X", {"aux_id": "old/Pack", "ver": COMMIT}))
        for workflow in (uses("X"), nodes):
            packs = found(workflow, repository("old/Pack", "X", listed=False))
            assert attributed(packs) == {"X": "old/Pack"}
            assert packs.pins == ()
            assert codes(packs) == ["unlisted-pack"]
        assert found(uses("X"), repository("old/Pack", "X", listed=False)).findings[0].message == (
            f"the node X comes from {self.OLD}, which ComfyUI-Manager does not list"
        )

    def test_a_class_that_was_removed_finds_where_it_was(self):
        packs = found(uses("Apply"), repository("a/one", "ApplyAdvanced", removed=("Apply",)))
        assert attributed(packs) == {"Apply": "a/one"}
        assert packs.uses[0].removed == ("Apply",)
        assert [(finding.code, finding.severity) for finding in packs.findings] == [
            ("unpinned-pack", "error"),
            ("removed-node", "warning"),
        ]
        assert packs.findings[1].message == "https://github.com/a/one no longer has Apply"

    def test_but_those_who_have_it_today_come_first(self):
        packs = found(uses("Apply"), repository("a/one", removed=("Apply",), stars=9000), repository("b/two", "Apply"))
        assert attributed(packs) == {"Apply": "b/two"}

    def test_a_commit_that_the_file_names_may_well_have_it(self):
        own = saved(("Apply", {"aux_id": "a/one", "ver": COMMIT}))
        packs = found(own, repository("a/one", removed=("Apply",)))
        assert (len(packs.pins), packs.findings) == (1, ())

    def test_ids_that_others_than_the_author_registered(self):
        own = {"cnr_id": "pr-was-node-suite-comfyui-47064894", "ver": "1.0.2"}
        packs = found(
            saved(("X", own)), repository("l/was-node-suite-comfyui", "X"), repository("b/famous", "X", stars=9000)
        )
        assert attributed(packs) == {"X": "l/was-node-suite-comfyui"}


NAMES = st.sampled_from(["A", "B", "C", "D", "E", "KSampler", "SaveImage"])
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "cnr_id": st.sampled_from(["one", "two", "comfy-core", "../x", None]),
        "aux_id": st.sampled_from(["a/one", "z/ONE", "x/y z", 5]),
        "ver": st.sampled_from([COMMIT, COMMIT[:7], "1.0.0", "", None, []]) | st.text(max_size=5),
    },
)
ADDRESSES = st.sampled_from(["a/one", "b/two", "c/three", "z/one"]).map("https://github.com/{}".format)
REPOSITORIES = st.lists(
    st.builds(
        repository,
        st.sampled_from(["a/one", "b/two", "c/three", "d/one"]),
        NAMES,
        NAMES,
        stars=st.none() | st.integers(-1, 10**6),
        updated=st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
        suffix=st.none() | NAMES,
        listed=st.booleans(),
        removed=st.tuples() | st.tuples(NAMES),
        aliases=st.tuples() | st.tuples(ADDRESSES),
        fork_of=st.none() | ADDRESSES,
        replaces=st.tuples() | st.tuples(ADDRESSES),
        copies=st.tuples() | st.tuples(ADDRESSES),
    ),
    max_size=5,
    unique_by=lambda one: one.url,
)


@given(st.lists(st.tuples(NAMES, PROPERTIES), min_size=1, max_size=6), REPOSITORIES, st.randoms())
def test_whatever_a_file_says(nodes, repositories, random):
    workflow = saved(*nodes)
    packs = found(workflow, *repositories)
    shuffled = list(repositories)
    random.shuffle(shuffled)
    assert found(workflow, *shuffled) == packs, "the order of the lists does not matter"
    pinned = [kind for pin in packs.pins for kind in pin.classes]
    asked = [kind for use in packs.uses if not (use.commit and use.listed) for kind in use.classes]
    assert len(codes(packs)) == len(set(packs.findings))
    assert codes(packs).count("unlisted-pack") == sum(not use.listed for use in packs.uses)
    assert codes(packs).count("unpinned-pack") == sum(use.listed and use.commit is None for use in packs.uses)
    assert len(pinned) + len(asked) + codes(packs).count("ambiguous-pack") == len(packs.attributed)
    assert packs.attributed <= {"A", "B", "C", "D", "E"}
    assert all(pin.commit == COMMIT for pin in packs.pins), "no commit is made up"
    assert len({pin.name.lower() for pin in packs.pins}) == len(packs.pins)


def test_many_names_that_many_have_take_no_time():
    classes = [f"N{number}" for number in range(3000)]
    origins = tuple(f"https://github.com/a/p{number}" for number in range(4))
    many = [repository(f"a/p{number}", *classes, stars=number, copies=origins) for number in range(12)]
    known = KnownPacks(many, day=DAY)
    workflow = uses(*classes)
    started = time.process_time()
    packs = find_packs(workflow, workflow.document, classes, known)
    assert len(packs.attributed) == 3000
    assert time.process_time() - started < 5, "a tenth of that where nothing else is running"


def test_a_file_that_names_ten_thousand_packs_for_one_node_takes_no_time():
    nodes = [{"type": "X", "properties": {"aux_id": f"a/p{number}", "ver": COMMIT}} for number in range(10_000)]
    workflow = Workflow(kind="ui", document={"nodes": nodes}, source=b"")
    started = time.process_time()
    known = KnownPacks([repository("a/p7", stars=3)], day=DAY)
    packs = find_packs(workflow, {"1": {"class_type": "X"}}, ["X"], known)
    assert codes(packs) == ["ambiguous-pack"]
    assert packs.findings[0].message.startswith("several packs have a node X: https://github.com/a/p7 (3 stars), ")
    assert packs.findings[0].message.endswith(", and 9995 more")
    assert time.process_time() - started < 5, "a tenth of that where nothing else is running"


class TestWhatShips:
    def test_well_known_classes(self):
        classes = ["Any Switch (rgthree)", "VHS_VideoCombine", "IPAdapterAdvanced", "ImageResize+", "UnetLoaderGGUF"]
        packs = find_packs(uses(*classes), uses(*classes).document, classes)
        assert attributed(packs) == {
            "Any Switch (rgthree)": "rgthree/rgthree-comfy",
            "VHS_VideoCombine": "Kosinkadink/ComfyUI-VideoHelperSuite",
            "IPAdapterAdvanced": "cubiq/ComfyUI_IPAdapter_plus",
            "ImageResize+": "cubiq/ComfyUI_essentials",
            "UnetLoaderGGUF": "city96/ComfyUI-GGUF",
        }

    def test_what_the_lists_do_not_have(self):
        workflow = uses("IPAdapterApply", "MZ_KolorsUNETLoader", "Image Bloom Filter")
        packs = find_packs(workflow, workflow.document, [node["class_type"] for node in workflow.document.values()])
        assert attributed(packs) == {
            "IPAdapterApply": "cubiq/ComfyUI_IPAdapter_plus",
            "MZ_KolorsUNETLoader": "MinusZoneAI/ComfyUI-Kolors-MZ",
            "Image Bloom Filter": "ltdrdata/was-node-suite-comfyui",
        }
        assert {"removed-node", "replacing-pack"} <= set(codes(packs))

    def test_a_node_that_a_fork_and_its_retired_origin_have_is_a_question(self):
        packs = find_packs(uses("Attention couple"), uses("Attention couple").document, ["Attention couple"])
        assert codes(packs) == ["ambiguous-pack"]
        assert "Danand/ComfyUI-ComfyCouple" in packs.findings[0].message
        assert "laksjdjf/attention-couple-ComfyUI" in packs.findings[0].message

    def test_every_repository_can_be_pinned(self):
        snapshot = json.loads(gzip.decompress((files("codegen") / "data" / "packs.json.gz").read_bytes()))
        assert len(snapshot["repositories"]) > 3000
        for entry in snapshot["repositories"]:
            assert set(entry) <= {field.name for field in fields(Repository)}
            name = entry["url"].rsplit("/", 1)[-1]
            PackPin(name=name, repository=entry["url"], commit=COMMIT, classes=(), source="manager-map")

    def test_it_is_not_read_for_workflows_without_foreign_classes(self):
        known_packs.cache_clear()
        canvas = Canvas()
        save(canvas, empty_image(canvas))
        make_plan(canvas.workflow(), filename="x.json")
        assert known_packs.cache_info().misses == 0


class TestPlan:
    def test_what_is_pinned_is_in_the_lock_and_no_longer_unknown(self):
        own = {"aux_id": "cubiq/ComfyUI_essentials", "ver": COMMIT}
        plan = make_plan(saved(("ImageResize+", own), ("Nobody's", {})), filename="x.json")
        assert [(pin.name, pin.commit) for pin in plan.lock.packs] == [("ComfyUI_essentials", COMMIT)]
        assert [use.repository for use in plan.packs] == ["https://github.com/cubiq/ComfyUI_essentials"]
        unknown = [finding.message for finding in plan.findings if finding.code == "unknown-class"]
        assert len(unknown) == 1
        assert "has no node Nobody's" in unknown[0]

    def test_a_class_of_a_newer_comfyui_than_is_asked_for_is_still_comfyuis(self):
        canvas = Canvas()
        save(canvas, canvas.add("ResizeImageMaskNode", values=["scale width", 64, "area"], input=empty_image(canvas)))
        plan = make_plan(canvas.workflow(), filename="x.json", core="0.3.64")
        assert plan.packs == ()
        assert "unknown-class" in [finding.code for finding in plan.findings]


TEMPLATES = files("comfyui_workflow_templates_json") / "templates"


@pytest.mark.long
def test_no_class_of_comfyui_in_any_public_template_is_given_to_others():
    core = {kind for version in packaged_versions() for kind in load_catalog(version).classes()}
    given_to_others: dict[str, set[str]] = {}
    names = sorted(entry.name for entry in TEMPLATES.iterdir() if entry.name.endswith(".json"))
    names = [name for name in names if not name.startswith(("index", "fuse"))]
    for name in names:
        workflow = parse_workflow((TEMPLATES / name).read_bytes(), filename=name)
        choice, _ = choose_core(workflow, None)
        packs = find_packs(workflow, choice.conversion.prompt, foreign_classes(choice.missing))
        assert not packs.attributed & core, name
        for kind, owner in attributed(packs).items():
            given_to_others.setdefault(owner, set()).add(kind)
    assert len(names) == 644
    assert given_to_others == {"cubiq/ComfyUI_essentials": {"ImageRemoveAlpha+"}}, "the only one of a pack among them"
