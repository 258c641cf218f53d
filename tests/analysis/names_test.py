"""Methods have the names of their papers."""

from mimo_keras import analysis, methods


def test_every_method_has_its_papers_name():
    names = [analysis.method_title(name) for name in methods.list_methods()]
    assert not set(names) & set(methods.list_methods())
    assert len(set(names)) == len(names)


def test_members_are_added_and_other_names_stay():
    assert analysis.method_title("mimo", 3) == "MIMO, M = 3"
    assert analysis.method_title("mine") == "mine"
