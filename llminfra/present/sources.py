"""Where numbers come from: sources as titles, linked where an address is public."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from llminfra import formats
from llminfra.catalog.loader import sources
from llminfra.plan import Plan

_ARXIV: Final = re.compile(r"\barXiv (\d{4}\.\d{4,5})\b")
_REPOSITORY: Final = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)(?: (?P<kind>issue|pull request) (?P<number>\d+))?(?= |[,;]|$)"
)
_PARTS: Final = {"issue": "issues", "pull request": "pull"}
_MOST: Final = 3  # sources under one figure; the rest stand in the list


class Citation(str):
    """A source line as text, and the same as titles with their addresses."""

    links: list[dict[str, str]]

    @classmethod
    def of(cls, ids: Sequence[str]) -> "Citation":
        """Cite sources by id, the first few by title."""
        links = [{"text": title_of(s), "url": url_of(s)} for s in ids[:_MOST]]
        more = len(ids) - len(links)
        if more > 0:
            links.append({"text": f"{more} more in the list of sources", "url": ""})
        line = cls("; ".join(link["text"] for link in links))
        line.links = links
        return line


def cite(plan: Plan, *facets: str) -> Citation:
    """Cite the sources that facets have read, all if none is named, those read most first."""
    found = Counter(r.fact.source for r in plan.facts if not facets or set(r.users) & set(facets))
    if not found:  # what the plan to follow has read where the one asked for has not
        found = Counter(r.fact.source for r in plan.facts if "comparison" in r.users)
    return Citation.of([source for source, _ in found.most_common()])


def numbered(plan: Plan) -> dict[str, int]:
    """Number the sources of a plan in the order in which they were read."""
    names = dict.fromkeys(read.fact.source for read in plan.facts)
    return {name: number for number, name in enumerate(names, start=1)}


def title_of(source_id: str) -> str:
    """Return the title of a source; what a scenario gives is its own title."""
    known = sources().get(source_id)
    return known.title if known else source_id


def url_of(source_id: str) -> str:
    """Return the public address of a source; nothing where it has none.

    Examples
    --------
    >>> url_of("gpt-3-paper"), url_of("vllm-issue-13882"), url_of("own-assumption")
    ('https://arxiv.org/abs/2005.14165', 'https://github.com/vllm-project/vllm/issues/13882', '')
    """
    known = sources().get(source_id)
    locator = known.locator if known else ""
    if paper := _ARXIV.search(locator):
        return f"https://arxiv.org/abs/{paper[1]}"
    if found := _REPOSITORY.match(locator):
        part = f"/{_PARTS[found['kind']]}/{found['number']}" if found["kind"] else ""
        return f"https://github.com/{found['repository']}{part}"
    return ""


def source_list(plan: Plan) -> list[dict[str, Any]]:
    """Return the numbered list of a plan's sources: text, title and address of each."""
    return [
        {"number": number, "text": _line(source), "title": title_of(source), "url": url_of(source)}
        for source, number in numbered(plan).items()
    ]


def _line(source_id: str) -> str:
    """What stands behind the title: publisher and date, and the licence."""
    known = sources().get(source_id)
    if known is None:
        return "given in the scenario"
    parts = (known.publisher, known.locator if not url_of(source_id) else "", known.published)
    return formats.join([part for part in (*parts, known.licence) if part]).replace(" and ", ", ")
