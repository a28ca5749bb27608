"""What is made of packs once their hosts and the registry have been asked."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codegen.facts import Facts, PackFacts, PackOfClass
from codegen.packs import Packs, find_packs
from codegen.packs.known import KnownPacks, Repository
from tests.codegen.test_packs import COMMIT, DAY, codes, repository, saved, uses

NEWEST = COMMIT[::-1]
ONE = "https://github.com/a/one"


def found(workflow: Any, *repositories: Repository, facts: Facts) -> Packs:
    return find_packs(workflow, {"1": {"class_type": "X"}}, ["X"], KnownPacks(repositories, day=DAY), facts)


def of(url: str = ONE, **more: Any) -> Facts:
    return Facts(packs=(PackFacts(repository=url, **more),))


class TestTheCommit:
    def test_the_newest_is_taken_and_said_where_the_file_names_none(self):
        packs = found(uses("X"), repository("a/one", "X"), facts=of(commit=NEWEST, commit_of="main"))
        assert [(pin.repository, pin.commit, pin.source) for pin in packs.pins] == [(ONE, NEWEST, "manager-map")]
        (finding,) = packs.findings
        assert (finding.code, finding.severity) == ("newest-pack", "warning")
        assert finding.message == (
            f"{ONE} is pinned to main as it is now: the file does not say which one it was made with"
        )

    def test_that_of_the_version_in_the_file_needs_no_word(self):
        workflow = saved(("X", {"cnr_id": "one", "ver": "1.2.0"}))
        packs = found(workflow, repository("a/one", "X"), facts=of(commit=NEWEST, commit_of="v1.2.0"))
        assert ([pin.commit for pin in packs.pins], packs.findings) == ([NEWEST], ())

    def test_that_of_another_version_does(self):
        workflow = saved(("X", {"cnr_id": "one", "ver": "1.2.0"}))
        packs = found(workflow, repository("a/one", "X"), facts=of(commit=NEWEST, commit_of="main"))
        assert packs.findings[0].message.endswith("the file was saved with version 1.2.0")

    def test_the_files_own_is_kept(self):
        workflow = saved(("X", {"aux_id": "a/one", "ver": COMMIT}))
        packs = found(workflow, repository("a/one", "X"), facts=of(commit=COMMIT, commit_of=COMMIT))
        assert ([pin.commit for pin in packs.pins], packs.findings) == ([COMMIT], ())
        assert packs.uses[0].commit_of is None

    def test_unless_the_repository_no_longer_has_it(self):
        workflow = saved(("X", {"aux_id": "a/one", "ver": COMMIT}))
        packs = found(workflow, repository("a/one", "X"), facts=of(commit=NEWEST, commit_of="main"))
        assert [pin.commit for pin in packs.pins] == [NEWEST]
        assert packs.findings[0].message == (
            f"{ONE} is pinned to main as it is now: the file was saved with {COMMIT}, which its default branch does not have"
        )

    def test_the_newest_is_no_help_where_it_lacks_the_class(self):
        packs = found(uses("X"), repository("a/one", removed=("X",)), facts=of(commit=NEWEST, commit_of="main"))
        assert packs.pins == ()
        assert codes(packs) == ["unpinned-pack", "removed-node"]

    def test_of_a_pack_that_nobody_lists_it_is_not_pinned(self):
        workflow = saved(("X", {"aux_id": "evil/twin"}))
        packs = found(workflow, facts=of("https://github.com/evil/twin", commit=NEWEST, commit_of="main"))
        assert (packs.pins, codes(packs)) == ((), ["unlisted-pack"])


class TestWhatBecameOfIt:
    def test_it_moved(self):
        facts = of(moved_to="https://github.com/new/one", commit=NEWEST, commit_of="main")
        packs = found(uses("X"), repository("a/one", "X"), facts=facts)
        assert [pin.repository for pin in packs.pins] == ["https://github.com/new/one"]
        assert packs.uses[0].moved_from == ONE
        assert packs.findings[1].message == f"{ONE} is https://github.com/new/one today"

    def test_to_where_another_of_the_lists_is_which_then_is_the_same(self):
        listed = (repository("a/one", "X"), repository("New/one", "Y"))
        workflow = uses("X", "Y")
        facts = of(moved_to="https://github.com/new/ONE")
        packs = find_packs(workflow, workflow.document, ["X", "Y"], KnownPacks(listed, day=DAY), facts)
        assert [(use.repository, use.classes) for use in packs.uses] == [("https://github.com/New/one", ("X", "Y"))]

    def test_only_its_letters_changed(self):
        packs = found(uses("X"), repository("a/one", "X"), facts=of(moved_to="https://github.com/A/One"))
        assert (packs.uses[0].repository, packs.uses[0].moved_from) == (ONE, None)

    def test_it_is_archived_and_a_fork(self):
        facts = of(archived=True, fork_of="https://github.com/b/origin", commit=NEWEST, commit_of="main")
        packs = found(uses("X"), repository("a/one", "X"), facts=facts)
        assert codes(packs) == ["newest-pack", "archived-pack", "forked-pack"]
        assert len(packs.pins) == 1, "it works as well as it ever did"

    def test_it_is_gone(self):
        workflow = saved(("X", {"aux_id": "a/one", "ver": COMMIT}))
        successor = repository("c/next", "Y", replaces=(ONE,))
        packs = found(workflow, repository("a/one", "X"), successor, facts=of(state="missing"))
        assert packs.pins == ()
        assert [(finding.code, finding.severity, finding.message) for finding in packs.findings] == [
            (
                "missing-pack",
                "error",
                f"the node X comes from {ONE}, which is not there any more; {successor.url} goes on with its nodes",
            )
        ]


class TestTheRegistry:
    def registered(self, *addresses: str, registry_id: str = "one") -> Facts:
        return Facts(
            classes=tuple(PackOfClass(class_type="X", repository=one, registry_id=registry_id) for one in addresses)
        )

    def test_it_knows_a_class_that_nobody_else_knows(self):
        packs = found(uses("X"), repository("a/one", "Y"), facts=self.registered("https://github.com/A/one"))
        assert [(use.repository, use.source, use.listed) for use in packs.uses] == [(ONE, "registry", True)]

    def test_who_the_manager_lists_comes_first(self):
        packs = found(uses("X"), repository("a/one", "X"), facts=self.registered("https://github.com/evil/twin"))
        assert [use.repository for use in packs.uses] == [ONE]

    def test_whom_only_the_registry_knows_people_must_read_first(self):
        packs = found(uses("X"), facts=self.registered("https://github.com/new/comer"))
        assert codes(packs) == ["unlisted-pack"]
        assert packs.findings[0].message.startswith("the node X comes from https://github.com/new/comer")

    def test_two_are_a_question(self):
        packs = found(uses("X"), facts=self.registered(ONE, "https://github.com/b/two"))
        assert (packs.uses, codes(packs)) == ((), ["ambiguous-pack"])

    def test_comfyuis_own_belongs_to_nobody_else(self):
        facts = self.registered("https://github.com/comfyanonymous/ComfyUI", registry_id="comfy-core")
        assert found(uses("X"), facts=facts) == Packs()


ADDRESSES = st.sampled_from(["a/one", "b/two", "c/three"]).map("https://github.com/{}".format)
LOOKED_UP = st.builds(
    Facts,
    packs=st.lists(
        st.builds(
            PackFacts,
            repository=ADDRESSES,
            state=st.sampled_from(["found", "missing"]),
            moved_to=st.none() | ADDRESSES,
            archived=st.booleans(),
            fork_of=st.none() | ADDRESSES,
            commit=st.none() | st.just(NEWEST),
            commit_of=st.none() | st.sampled_from(["main", "v1.0.0", "\x1b[2J"]),
        ),
        max_size=4,
    ).map(tuple),
    classes=st.lists(
        st.builds(PackOfClass, class_type=st.sampled_from("XYZ"), repository=ADDRESSES, registry_id=st.just("one")),
        max_size=3,
    ).map(tuple),
)


@given(LOOKED_UP, st.lists(st.sampled_from("XYZ"), min_size=1, max_size=3, unique=True), st.booleans())
def test_whatever_is_answered(facts, classes, listed):
    known = KnownPacks([repository("a/one", "X", "Y"), repository("b/two", "Y", listed=listed)], day=DAY)
    packs = find_packs(uses(*classes), uses(*classes).document, classes, known, facts)
    assert len({pin.name.lower() for pin in packs.pins}) == len({pin.repository.lower() for pin in packs.pins})
    assert len(packs.pins) == len({pin.repository.lower() for pin in packs.pins}), "nothing is installed twice"
    blocked = [use for use in packs.uses if use.missing or not use.listed or use.commit is None]
    assert len(packs.pins) + len(blocked) == len(packs.uses)
    errors = [finding for finding in packs.findings if finding.severity == "error"]
    questions = codes(packs).count("ambiguous-pack")
    assert len(errors) == len(blocked) + questions, "each pack that cannot be pinned is said once"
    assert not any("\x1b" in finding.message for finding in packs.findings)
