"""A promise has a direction and a size."""

from hypothesis import given
from hypothesis import strategies as st

from editing.io.codec import Settings
from editing.recipes.expectations import Expectation, expectation_values, expectations_from


@given(st.sampled_from([-1, 1]), st.floats(0, 20), st.floats(-30, 30))
def test_a_promise_is_kept_its_own_way_only(sign: int, minimum: float, change: float) -> None:
    promised = Expectation("smile", sign, minimum)
    assert promised.met_by(change) == (change * sign >= minimum)
    if minimum > 0:
        assert not (promised.met_by(change) and promised.met_by(-change))
    (back,) = expectations_from([Settings(v, "x") for v in expectation_values([promised])])
    assert back == promised
