"""The two ways of sending what schemathesis generates: request by request, and in stories along links.

A target with a sampler gets the same requests each time: each is written down as it is sent, genuine values filled in,
and a later run sends what is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.server.generation.written import START, is_forbidden, retrace, take, written

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.generation.generated import Generated
    from device_grant.targets.ports import Sampler


def try_requests(generated: Generated, fuzz: Fuzz, share: float) -> None:
    """Send requests that fit the document and some that do not; `share` of the profile's examples an operation."""
    sampler = fuzz.sampler
    if sampler is not None:
        _try_written(generated, fuzz, share, sampler)
        return

    def judge(example: tuple[Any, bool]) -> None:
        request, genuine = example
        generated.try_out(request, genuine=genuine)

    for requests in generated.strategies():
        with generated.exploring():
            fuzz(_with_values(requests), judge, share=share)


def _with_values(requests: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, bool]]:
    """Requests, and whether genuine values are filled in: mostly, since few others get beyond authentication."""
    from hypothesis import strategies as st

    return st.tuples(requests, st.sampled_from([True, True, False]))


def _try_written(generated: Generated, fuzz: Fuzz, share: float, sampler: Sampler) -> None:
    case, generated.batch = generated.case, "requests"
    texts = sampler.kept(generated.batch)
    if texts is not None:
        case.examples += len(texts) - texts.count(START)
        retrace(generated, texts)
        return
    for requests in generated.strategies():
        for request, genuine in fuzz.drawn(_with_values(requests), share=share):
            if genuine:
                generated.fill(request, credentials=True)
            text = written(request, forbidden=is_forbidden(request))
            if text:
                case.examples += 1
                generated.note(text)
                take(generated, text)


def tell_stories(generated: Generated, fuzz: Fuzz, stories: int, steps: int) -> None:
    """Send stories of so many requests along the links of the document, one at least."""
    sampler, generated.batch = fuzz.sampler, "stories"
    texts = sampler.kept(generated.batch) if sampler is not None else None
    if texts is not None:
        retrace(generated, texts)
        return
    workflow: Any = generated.workflow()
    with generated.exploring():
        fuzz.stories(workflow, max(1, stories), steps, batch=generated.batch)
