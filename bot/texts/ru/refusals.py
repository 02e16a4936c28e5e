"""Records and requests that were rejected."""

CATALOGUE: dict[str, str] = {
    "dead_letters": "<b>🗑 Нечитаемых записей: {count}</b>",
    "dead_letters.first": "Первая: {problem}",
    "dead_letters.where": "Откуда: <code>{position}</code>",
    "dead_letters.raw": "Начало: <code>{raw}</code>",
    "dead_letters.kind": "• {count} × {problem} (<code>{position}</code>)",
    "dead_letters.others": "• {count} × прочее",
    "dead_letters.raw_first": "Начало первой: <code>{raw}</code>",
    "dead_letters.see": "По ним ничего не сделано: если это был выход, позиция ещё открыта (/positions). Они сохранены в базе "
    "данных, записи Kafka — ещё и в топике dead-letter. Исправьте формат на стороне отправителя.",
    "refused.conflict": "<b>♻️ {signal_type} не принят: такой signal_id уже был</b>",
    "advice.conflict": "Что делать: уберите <code>signal_id</code> у отправителя или давайте каждому сигналу свой. Повтор "
    "сигнала должен совпадать с ним полностью.",
    "refused.turned_back": "<b>↩️ {signal_type} не принят</b>",
    "ledger_away": "<b>🧯 База данных не отвечает: торговли нет, выходов тоже</b>",
    "ledger_away.since": "С {time}. Сигналы ждут у источника или придут повторно; всё отложенное будет сделано, как только "
    "она ответит.",
    "ledger_away.held": "Открытые позиции: {symbols}. Если продать нужно сейчас, продавайте на самой бирже.",
    "ledger_away.next": "Что делать: проверьте диск и базу данных (<code>marketflow check</code>). Команды, которые что-то "
    "меняют, до этого не работают.",
    "outage_over": "<b>🧯 {part}: сбой с {since} до {until}. Выходов за это время: {count}</b>",
    "outage_over.sold": "• {signal_type} {symbol} от {time}: продано с опозданием",
    "outage_over.refused": "• {signal_type} {symbol} от {time}: <b>не продано</b>, {reason}",
    "outage_over.failed": "• {signal_type} {symbol} от {time}: <b>не прошёл</b>, {reason}",
    "outage_over.more": "и ещё {count}: /signals",
    "outage_over.next": "Что не продано, остаётся в позиции: /positions. Продать: /close.",
    "ended": "<b>🛑 MarketFlow неожиданно остановился</b>",
    "ended.next": "Торговли нет, пока его не запустят; подробности в журнале.",
    "requests_refused": "<b>🚪 Отклонено запросов с {time}: {count}</b> (<code>POST /signals</code>)",
    "requests_refused.kind": "• {count} × {why}",
    "requests_refused.wrong_secret": "неверная подпись или token (WEBHOOK_SECRET)",
    "requests_refused.no_secret": "нет ни подписи, ни token",
    "requests_refused.unreadable": "не читается, без верной подписи и token",
    "requests_refused.too_long": "слишком длинно для сигнала",
    "requests_refused.incomplete": "тело запроса неполное",
    "requests_refused.too_many": "слишком много сразу без секрета",
    "requests_refused.other": "прочее",
    "requests_refused.next": "Если среди них ваш отправитель, его сигналы теряются, пока вы не исправите секрет. Если нет, "
    "это посторонние: их запросы отброшены.",
}
