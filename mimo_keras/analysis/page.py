"""A self-contained HTML page in which all values are escaped."""

import html

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e;
  --line: #d9dee3; --panel: #f5f7f9; --page: #ffffff; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed;
  --soft: #a3abb5; --line: #3a4149; --panel: #20252b; --page: #14171a;
  --accent: #6cb8e8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px; max-width: 1060px; color: var(--ink);
  background: var(--page); font: 15px/1.5 system-ui, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; }
header { border-bottom: 3px solid var(--accent); margin-bottom: 20px;
  padding-bottom: 12px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 32px 0 8px; }
p { margin: 4px 0 10px; max-width: 75ch; }
header p, .note, figcaption { color: var(--soft); }
.note, figcaption { font-size: 0.87rem; }
.tiles { display: grid; gap: 10px; padding: 0; margin: 0;
  grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); }
.tiles div { background: var(--panel); border: 1px solid var(--line);
  border-radius: 8px; padding: 8px 12px; }
.tiles dt { color: var(--soft); font-size: 0.8rem; }
.tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 4px 22px 4px 0;
  text-align: right; white-space: nowrap; }
tr > :first-child { text-align: left; }
tr > :last-child { padding-right: 4px; }
tbody th { font-weight: 400; }
thead th { border-bottom: 2px solid var(--soft); font-size: 0.87rem; }
.figures { display: flex; flex-wrap: wrap; gap: 16px; }
figure { margin: 16px 0; max-width: 100%; }
figure img { background: #ffffff; border: 1px solid var(--line);
  border-radius: 8px; padding: 10px; max-width: 100%; height: auto;
  display: block; }
figure img.wide { min-width: 600px; }
figcaption { margin-top: 6px; max-width: 75ch; }
.figures figcaption { max-width: 48ch; }
.listing { columns: 300px; column-gap: 28px; padding: 0; margin: 0;
  list-style: none; font: 0.85rem/1.7 ui-monospace, "DejaVu Sans Mono",
  Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media print { :root { --ink: #000000; --soft: #444444; --line: #bbbbbb;
  --panel: #ffffff; --page: #ffffff; --accent: #0072b2; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  figure, tr, .tiles div { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(6, 1fr); }
  .figures { flex-wrap: nowrap; } .figures figure { flex: 0 1 48%; }
  h2, .note { break-after: avoid; } .scroll { overflow: visible; } }
"""


class Markup(str):
    """Text that is already HTML; all other text is escaped when inserted."""


NOTHING = Markup("")


def element(name, /, *children, **attributes):
    """Returns an HTML element.

    Args:
        name: The tag's name.
        *children: `Markup` unchanged, anything else as escaped text.
        **attributes: The attributes, their values escaped; `class_` is
            written "class".

    Returns:
        `Markup`.
    """
    pairs = (
        f' {key.rstrip("_")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
    )
    start = f"<{name}{''.join(pairs)}>"
    if name in ("img", "meta"):
        return Markup(start)
    inner = "".join(
        child if isinstance(child, Markup) else html.escape(str(child))
        for child in children
    )
    return Markup(f"{start}{inner}</{name}>\n")


def table(columns, rows):
    """Returns an HTML table; the first cell of each row is its header."""
    head = (element("th", column, scope="col") for column in columns)
    body = (
        element(
            "tr",
            element("th", first, scope="row"),
            *(element("td", cell) for cell in others),
        )
        for first, *others in rows
    )
    content = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *body),
    )
    return element("div", content, class_="scroll")


def tiles(pairs):
    """Returns labels and values as a row of tiles."""
    boxes = (
        element("div", element("dt", label), element("dd", value))
        for label, value in pairs
    )
    return element("dl", *boxes, class_="tiles")


def picture(address, alt, caption, wide=False):
    """Returns an image with its caption and alternative text.

    Args:
        address: Its address, such as a data URI.
        alt: What it shows, in words.
        caption: The text below it.
        wide: Whether it has several panels, which a narrow window does not
            shrink, but scrolls.
    """
    of_kind = {"class_": "wide"} if wide else {}
    image = element("img", src=address, alt=alt, **of_kind)
    image = element("div", image, class_="scroll") if wide else image
    return element("figure", image, element("figcaption", caption))


def listing(lines):
    """Returns short lines of code as a list, in as many columns as fit."""
    items = (element("li", line) for line in lines)
    return element("ul", *items, class_="listing")


def section(title, *children):
    """Returns a titled section."""
    return element("section", element("h2", title), *children)


def document(title, *children):
    """Returns the whole page as text."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            name="viewport",
            content="width=device-width, initial-scale=1",
        ),
        element("title", title),
        element("style", Markup(_STYLE)),
    )
    body = element("body", *children)
    page = "<!DOCTYPE html>\n" + element("html", head, body, lang="en")
    # A file written by hand may hold half a character, which is no UTF-8.
    return page.encode("utf-8", "replace").decode("utf-8")
