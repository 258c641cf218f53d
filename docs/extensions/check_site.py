"""Checks a built site: its links lead somewhere, and it loads nothing remote.

python docs/extensions/check_site.py build/site
"""

import html.parser
import pathlib
import sys
import urllib.parse

# What a browser loads by itself, and where its address stands.
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src"}


class _Page(html.parser.HTMLParser):
    """Collects a page's anchors, its links and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loaded = {""}, set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors.update(filter(None, [given.get("id")]))
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        elif given.get(LOADED.get(tag)):
            self.loaded.add(given[LOADED[tag]])


def faults(folder):
    """Yields a line for each fault of the site in a folder."""
    pages = {
        path.resolve(): _Page(path.read_text("utf-8"))
        for path in sorted(pathlib.Path(folder).rglob("*.html"))
    }
    for path, page in pages.items():
        for address in sorted(page.loaded):
            if urllib.parse.urlsplit(address).netloc:
                yield f"{path}: loads {address}"
        for address in sorted(page.links | page.loaded):
            if not _leads_somewhere(path, address, pages):
                yield f"{path}: nothing at {address}"


def _leads_somewhere(path, address, pages):
    parts = urllib.parse.urlsplit(address)
    if parts.scheme or parts.netloc:
        return True
    target = path
    if parts.path:
        target = (path.parent / urllib.parse.unquote(parts.path)).resolve()
    if target not in pages:
        return target.exists()
    return urllib.parse.unquote(parts.fragment) in pages[target].anchors


def main(folder):
    """Prints what is wrong with the site; returns whether anything is."""
    found = list(faults(folder))
    print("\n".join(found) or f"{folder}/index.html")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
