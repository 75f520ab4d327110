"""What the document calls a format, for the tester: how to write one."""

import os
import string
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode


CERTIFICATE = Path(os.environ["DIRECTORY_TEST_CERTIFICATE"]).read_text()


def domains():
    label = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
    return st.lists(label, min_size=2, max_size=4).map(".".join)


def schedules():
    """Intervals, and cron expressions with each kind of item."""

    def field(least, most, names=()):
        number = st.integers(least, most)
        value = st.one_of(number.map(str), st.sampled_from(names)) if names else number.map(str)
        bounds = st.tuples(number, number).map(sorted)
        span = bounds.map(lambda pair: f"{pair[0]}-{pair[1]}")
        stepped = st.tuples(st.one_of(st.just("*"), span), st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}")
        item = st.one_of(st.just("*"), value, span, stepped)
        return st.lists(item, min_size=1, max_size=3).map(",".join)

    months = ("JAN", "jun", "DEC")
    days = ("MON", "fri", "SUN")
    cron = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12, months), field(0, 7, days)).map(" ".join)
    every = st.one_of(
        st.integers(1, 366 * 1440).map("every {}m".format),
        st.integers(1, 366 * 24).map("every {}h".format),
        st.integers(1, 366).map("every {}d".format),
    )
    return st.one_of(every, cron)


def external_ids():
    """Short enough in bytes, whatever the characters."""
    return st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60).filter(str.strip)


def addresses():
    local = st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=20)
    return st.tuples(local, domains()).map("@".join)


schemathesis.openapi.format("domain", domains())
schemathesis.openapi.format("schedule", schedules())
schemathesis.openapi.format("external-id", external_ids())
schemathesis.openapi.format("email-address", addresses())
# Public addresses by their form; nothing is sent unless something happens, or a test is asked for, and these lead nowhere.
schemathesis.openapi.format("webhook-url", st.sampled_from(["https://hooks.invalid/", "https://hooks.invalid:8443/in?code=7"]))
schemathesis.openapi.format("event-place", st.just("latest"))
schemathesis.openapi.format("event-types", st.sampled_from(["user.created", "run.held,run.finished"]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """What no schema can describe well enough to invent it. What is invalid on purpose is sent as it is."""
    if not case.meta or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    # A cursor comes from a page and nowhere else.
    if case.query:
        case.query.pop("cursor", None)
        case.query.pop("after", None)
    # A certificate is more than text.
    if isinstance(case.body, dict) and isinstance(case.body.get("certificate"), str):
        case.body["certificate"] = CERTIFICATE
    # Nor does a format say that a time is to come.
    if isinstance(case.body, dict) and isinstance(case.body.get("clientSecretExpiresAt"), str):
        case.body["clientSecretExpiresAt"] = "2090" + case.body["clientSecretExpiresAt"][4:].replace("-02-29", "-02-28")
