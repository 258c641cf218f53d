"""No value becomes markup."""

import html.parser

from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.analysis import page


class _Reader(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


# The parser itself folds carriage returns and drops NUL, like browsers.
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@settings(deadline=None, max_examples=100)
@given(_TEXT, _TEXT)
def test_text_and_attributes_come_back_as_they_were(text, attribute):
    read = _Reader(page.element("p", text, title=attribute).rstrip("\n"))
    assert read.tags == ["p"]
    assert read.text == text
    assert read.attributes == {"title": attribute}


def test_elements_nest_without_a_second_escape():
    inner = page.element("b", "1 < 2")
    assert page.element("p", inner) == "<p><b>1 &lt; 2</b>\n</p>\n"
    assert page.element("img", src="x") == '<img src="x">'
    assert page.element("p", class_="note") == '<p class="note"></p>\n'


def test_table_marks_its_headings():
    read = _Reader(page.table(("", "A&B"), [("row", "<i>")]))
    assert read.tags[2:] == [
        "thead",
        "tr",
        "th",
        "th",
        "tbody",
        "tr",
        "th",
        "td",
    ]
    assert read.text.split() == ["A&B", "row", "<i>"]


def test_half_a_character_becomes_a_question_mark():
    assert "a?b" in page.document("a\ud800b").encode("utf-8").decode()
