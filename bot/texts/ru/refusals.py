"""Records and requests that were rejected."""

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
    "refused.conflict": "<b>♻️ {signal_type} не принят: его номер уже был</b>",
    "advice.conflict": "Что делать: убрать <code>signal_id</code> у отправителя или давать каждому сигналу свой."
    " Повтор сигнала должен совпадать с ним слово в слово.",
    "refused.turned_back": "<b>↩️ {signal_type} возвращён отправителю</b>",
    "ledger_away": "<b>🧯 Реестр не отвечает: торговли нет, выходов тоже</b>",
    "ledger_away.since": "С {time}. Сигналы ждут там, где они есть, или придут повторно; нужное будет сделано, как"
    " только он ответит.",
    "ledger_away.held": "В позиции: {symbols}. Что не может ждать, продавайте на самой бирже.",
    "ledger_away.next": "Что делать: проверить диск и базу данных (<code>marketflow check</code>). Команды, которые что-то"
    " меняют, до этого не работают.",
    "outage_over": "<b>🧯 Выходы, пришедшие, пока не отвечал {part} (с {since} до {until}): {count}</b>",
    "outage_over.sold": "• {signal_type} {symbol} от {time}: продано с опозданием",
    "outage_over.refused": "• {signal_type} {symbol} от {time}: <b>не продано</b>, {reason}",
    "outage_over.failed": "• {signal_type} {symbol} от {time}: <b>не удалось</b>, {reason}",
    "outage_over.more": "и ещё {count}: /signals",
    "outage_over.next": "Что не продано, остаётся в позиции: /positions, /close.",
    "ended": "<b>🛑 MarketFlow завершился сам</b>",
    "ended.next": "Торговли нет, пока его не запустят; подробности в журнале.",
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
