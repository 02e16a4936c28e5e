"""Digests as text. Pure."""

from bot.texts import Html, Texts
from bot.views.number_format import alike, money
from bot.views.totals import total_lines
from core.domain.digest import Digest, Occasion, ShadowFigures
from core.domain.money import EXACT


def digest_lines(digest: Digest, texts: Texts) -> list[Html]:
    """Returns a full screen in the morning and in the evening, two lines for a heartbeat."""
    if digest.occasion is Occasion.HEARTBEAT:
        key = "heartbeat.trouble" if digest.troubles else "heartbeat.well"
        return [texts(key, time=texts.exact_time(digest.at), troubles=_troubles(digest, texts)), _stand(digest, texts)]
    lines = [texts(f"digest.{digest.occasion}", time=texts.full_moment(digest.at)), _stand(digest, texts)]
    if digest.together is not None or digest.lacking:
        lines += total_lines(digest.together, digest.report, digest.lacking, texts)
    lines += [
        texts("status.unrealised", profit=money(profit, signed=True), quote=quote) for quote, profit in digest.unrealised.items()
    ]
    if digest.exits:
        lines.append(texts("digest.exits", exits=digest.exits, wins=digest.wins))
    for one in digest.shadow:
        lines += shadow_lines(one, texts)
    if digest.questions:
        lines.append(texts("digest.questions", count=digest.questions))
    lines.append(texts("digest.trouble", troubles=_troubles(digest, texts)) if digest.troubles else texts("digest.well"))
    return lines


def shadow_lines(figures: ShadowFigures, texts: Texts) -> list[Html]:
    """Returns trading beside its shadow, and the stages that the difference comes from, the largest first."""
    difference = EXACT.subtract(figures.traded, figures.shadow)
    written = alike([figures.traded, figures.shadow, difference])
    traded, shadow, less = (written(amount) for amount in (figures.traded, figures.shadow, difference))
    line = texts("digest.shadow", days=figures.days, traded=traded, shadow=shadow, difference=less, quote=figures.quote)
    stages = sorted(figures.stages.items(), key=lambda each: -abs(each[1]))
    parts = [texts(f"shadow.{stage}", amount=written(amount)) for stage, amount in stages if f"{amount:.2f}".strip("-0.")]
    return [line, texts("digest.shadow_stages", stages=Html(", ".join(parts)))] if parts else [line]


def _stand(digest: Digest, texts: Texts) -> Html:
    """Returns the day's result, the positions and whether it trades, on one line."""
    results = [texts("status.result", profit=money(profit, signed=True), quote=quote) for quote, profit in digest.today.items()]
    today = Html(", ".join(results)) if results else texts("digest.no_result")
    paused = texts("digest.paused") if digest.pause != "off" else Html("")
    return texts("digest.stand", today=today, positions=digest.positions, mode=digest.mode, paused=paused)


def _troubles(digest: Digest, texts: Texts) -> Html:
    return Html(", ".join(texts(f"part.{name}") if texts.has(f"part.{name}") else name for name in digest.troubles))
