"""The people of the demo: the owner, a trader, a viewer, a stranger, and the group in which they meet."""

from local_telegram.group import Group
from local_telegram.model import Person
from local_telegram.room import OWNER

TRADER = Person(1002, "Trader", "trader")
VIEWER = Person(1003, "Viewer", "viewer")
STRANGER = Person(6666, "Stranger", "stranger", started=False)
PEOPLE = (OWNER, TRADER, VIEWER, STRANGER)
"""The first is the owner."""

TRADING_DESK = Group(
    chat_id=-1001000000042,
    title="Trading desk",
    members=tuple(person.user_id for person in PEOPLE),
    topics=("Alerts", "Questions"),
)
ALERTS, QUESTIONS = 2, 3
"""message_thread_id of its topics: the ids of the messages that created them, after the one that created the group."""
