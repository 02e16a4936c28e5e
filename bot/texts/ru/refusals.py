"""What came in and could not be taken."""

CATALOGUE: dict[str, str] = {
    "dead_letters": "<b>🗑 Нечитаемых записей: {count}</b>",
    "dead_letters.first": "Первая: {problem}",
    "dead_letters.where": "Откуда: <code>{position}</code>",
    "dead_letters.raw": "Начало: <code>{raw}</code>",
    "dead_letters.kind": "• {count} × {problem} (<code>{position}</code>)",
    "dead_letters.others": "• {count} × прочее",
    "dead_letters.raw_first": "Начало первой: <code>{raw}</code>",
    "dead_letters.see": "По ним ничего не сделано: если это был выход, позиция ещё открыта (/positions). Они сохранены"
    " в реестре, записи Kafka ещё и в топике недоставленных. Исправьте отправителя.",
    "requests_refused": "<b>🚪 Отклонено на POST /signals с {time}: {count}</b>",
    "requests_refused.kind": "• {count} × {why}",
    "requests_refused.wrong_secret": "подпись или token не от WEBHOOK_SECRET",
    "requests_refused.no_secret": "нет ни подписи, ни token",
    "requests_refused.unreadable": "не читается, и нет ни верной подписи, ни верного token",
    "requests_refused.too_long": "слишком длинно для сигнала",
    "requests_refused.incomplete": "тело запроса пришло не целиком",
    "requests_refused.too_many": "слишком часто и без секрета",
    "requests_refused.other": "прочее",
    "requests_refused.next": "Если среди них ваш отправитель, его сигналы теряются, пока в нём не исправлен секрет. Если нет,"
    " это стучатся чужие: ничего из этого не прочитано.",
}
