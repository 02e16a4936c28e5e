"""Russian words in command arguments, put into the English ones that commands read: `на 2 часа` is `for 2h`. Pure."""

import re
from collections.abc import Mapping, Sequence

_AS_TYPED = frozenset({"why"})  # an id may be any word
_UNITS = {
    "m": ("м", "мин", "минута", "минуту", "минуты", "минут"),
    "h": ("ч", "час", "часа", "часов"),
    "d": ("д", "день", "дня", "дней", "сутки", "суток"),
}
_UNIT = {word: unit for unit, words in _UNITS.items() for word in words}
_WORDS = {
    "на": "for",
    "все": "all", "всё": "all",
    "входы": "entries",
    "выкл": "off", "нет": "off",
    "авто": "auto", "подтверждение": "confirm", "наблюдение": "observe",
    "выше": "above", "кроме": "except",
    "сегодня": "today", "неделя": "7d", "неделю": "7d", "месяц": "month",
    "наблюдатель": "viewer", "трейдер": "trader", "владелец": "owner",
    "пригласить": "invite", "удалить": "revoke", "отозвать": "withdraw", "коды": "codes",
    "счёт": "account", "счет": "account",
    "сброс": "default",
    "русский": "ru", "английский": "en",
    "капитал": "equity", "дни": "daily",
    "налоги": "tax",
    "одобрения": "approvals", "сделки": "trades", "отказы": "refusals", "неполадки": "problems", "система": "system",
    "сводки": "digests", "громко": "loud", "тихо": "silent",
    "новый": "new",
}  # fmt: skip
_OF_COMMAND: Mapping[str, Mapping[str, str]] = {
    "buy": {
        "стоп": "stop", "цель": "target", "цели": "target", "безубыток": "breakeven", "следом": "trail",
        "ступени": "steps", "ступень": "steps", "ступеньки": "steps", "докупка": "steps", "докупки": "steps",
        "усреднение": "steps", "усреднения": "steps", "сетка": "steps",
    },
    "whatif": {
        "стоп": "stop", "цель": "target", "цели": "target", "безубыток": "breakeven", "следом": "trail", "размер": "size",
        "сумма": "size",
    },
    "protect": {"стоп": "stop", "цель": "target", "цели": "target", "безубыток": "breakeven", "следом": "trail"},
    "pnl": {"день": "today"},
    "performance": {"день": "today"},
    "quality": {"день": "today"},
    "report": {"день": "day", "сегодня": "day", "неделя": "week", "неделю": "week", "месяц": "month"},
}  # fmt: skip
COMMAND_NAMES: Mapping[str, str] = {
    "статус": "status", "состояние": "status", "позиции": "positions", "прибыль": "pnl", "дни": "daily",
    "недели": "weekly", "месяцы": "monthly", "доходность": "performance", "статистика": "stats",
    "качество": "quality", "исполнение": "quality", "отчёт": "report", "отчет": "report",
    "график": "chart", "сделки": "trades", "сигналы": "signals", "почему": "why", "ордера": "orders",
    "баланс": "balance", "риск": "risk", "риски": "risk", "здоровье": "health", "экспорт": "export", "выгрузка": "export",
    "купить": "buy", "покупка": "buy", "продать": "sell", "продажа": "sell", "закрыть": "close", "защита": "protect",
    "защитить": "protect", "отмена": "cancel", "отменить": "cancel", "паника": "panic", "пауза": "pause",
    "возобновить": "resume", "продолжить": "resume", "режим": "mode", "стратегии": "strategies", "настройки": "settings",
    "лимит": "set", "лимиты": "set", "сброс": "reset", "принять": "accept", "оповещения": "notify",
    "уведомления": "notify", "тишина": "mute", "ночь": "quiet", "пульс": "heartbeat", "язык": "lang", "тема": "theme",
    "пояс": "zone", "еслибы": "whatif", "аеслибы": "whatif",
    "доступ": "users", "люди": "users", "код": "code", "аудит": "audit", "журнал": "audit", "старт": "start",
    "помощь": "help", "справка": "help",
}  # fmt: skip
"""The command that a Russian word names; Telegram itself takes Latin letters only."""
_GLUED = re.compile(r"(\d{1,4})([а-я]+)")


def in_english(command: str, args: Sequence[str]) -> tuple[str, ...]:
    """Returns the arguments with the Russian words of `command` in English, numbers joined to their unit; other words stay."""
    if command in _AS_TYPED:
        return tuple(args)
    read: list[str] = []
    for word in args:
        lower = word.lower()
        unit = _UNIT.get(lower)
        if unit is not None and read and re.fullmatch(r"\d{1,4}", read[-1], re.ASCII):
            read[-1] += unit
        else:
            read.append(_word(command, lower) or word)
    return tuple(read)


def _word(command: str, word: str) -> str | None:
    found = _OF_COMMAND.get(command, {}).get(word) or _WORDS.get(word)
    if found is not None:
        return found
    if word in _UNIT:
        return f"1{_UNIT[word]}"
    glued = _GLUED.fullmatch(word)
    return f"{glued[1]}{_UNIT[glued[2]]}" if glued is not None and glued[2] in _UNIT else None
