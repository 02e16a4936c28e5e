"""Changes to people's access as text. Pure."""

from bot.texts import Html, Texts, short
from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked

PeopleEvent = PersonJoined | PersonRevoked | AuthenticatorChanged


def person_line(event: PeopleEvent, texts: Texts) -> Html:
    """Returns the alert for owners."""
    if isinstance(event, AuthenticatorChanged):
        return texts("person.codes_ended" if event.ended else "person.codes", person=event.person, who=short(event.by))
    person = event.person
    key, who = ("person.joined", person.invited_by) if isinstance(event, PersonJoined) else ("person.revoked", event.by)
    shown = {"name": short(person.name), "person": person.user_id, "role": texts(f"role.{person.role.name.lower()}")}
    return texts(key, who=short(who), **shown)
