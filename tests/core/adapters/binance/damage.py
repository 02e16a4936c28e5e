"""Answers that are almost right."""

from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """Draws `whole` with one part changed or removed."""
    if isinstance(whole, dict) and whole and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(whole)))
        rest = {name: value for name, value in whole.items() if name != key}
        return rest if draw(st.booleans()) else {**rest, key: draw(damaged(whole[key]))}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return [draw(damaged(whole[0])), *whole[1:]]
    return draw(JSON)
