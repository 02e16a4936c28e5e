"""Reasons why a record is not a signal, in Russian: every reason of core.domain.record_reasons by its code."""

_PRICE = "принимается цена больше 0, числом или десятичной строкой"
_TYPE = "принимается BUY_ или SELL_ и до 32 знаков A-Z, 0-9 и _, например BUY_SM"
_SYMBOL = "принимается символ спота, например WIFUSDC, WIF/USDC или BINANCE:WIFUSDC"
_MEND = "укажите его в symbol или уберите, если имеется в виду {default}"

SENTENCES: dict[str, str] = {
    "record_empty": "запись пуста",
    "record_too_long": "в записи {length} байт, предел {limit}",
    "record_not_text": "запись не в UTF-8 (байт {position})",
    "record_not_json": "запись не в JSON ({problem}, строка {line}, знак {column})",
    "record_not_object": "запись в JSON, но это не объект: {found}",
    "record_too_deep": "вложенность записи больше {limit} уровней",
    "record_too_many": "в записи больше {limit} значений",
    "record_long_name": "в записи есть поле, имя которого длиннее {limit} знаков: {name}",
    "record_number_range": "в записи число вне допустимых пределов: {found}",
    "record_number_digits": "в записи число из {digits} цифр, предел {limit}",
    "record_no_number": "в записи стоит {found}: это не JSON и не число",
    "record_named_twice": "поле {name} стоит в записи дважды",
    "record_without_time": "ts пуст или в далёком будущем; нужно время, когда сигнал был дан",
    "type_missing": f"нет signal_type; {_TYPE}",
    "type_unknown": f"signal_type: {{found}}; {_TYPE}",
    "action_unknown": "action: {found}; без signal_type принимаются buy и sell",
    "action_contradicts": "signal_type: {signal_type}, а {name}: {found}; они противоречат друг другу, уберите одно из двух",
    "close_missing": f"нет close; {_PRICE}",
    "price_of_an_order": f"нет close, а price рядом с order_type — цена самого ордера; {_PRICE}",
    "close_no_number": f"{{name}}: {{found}}, это не обычное десятичное число; {_PRICE}",
    "close_comma": "{name}: {found}; дробь отделяется точкой, а не запятой, тысячи не отделяются",
    "close_unfilled": "{name}: {found}; отправитель не подставил значение, цены нет",
    "close_out_of_range": "{name}: {found}; слишком большое или слишком малое число для суммы",
    "close_not_above_zero": "{name}: {found}; цена должна быть больше 0",
    "symbol_empty": f"{{name}}: {{found}}; поле есть, но инструмент не назван; {_MEND}",
    "symbol_unreadable": f"{{name}}: {{found}}; {_SYMBOL}",
    "symbol_unfilled": "{name}: {found}; отправитель не подставил значение, инструмент неизвестен",
    "symbol_perpetual": "{name}: {found}; это бессрочный фьючерс, а торгуется только спот; укажите пару спота, например WIFUSDC",
    "symbol_foreign": "{name}: {found}; это рынок другой биржи; укажите рынок Binance, например BINANCE:WIFUSDC",
    "symbols_differ": "{one}: {found}, а {other}: {second}; это разные инструменты, оставьте один",
    "symbol_misspelled": "поле {name} не читается как инструмент; пишите строчными буквами: symbol, ticker, pair или instrument",
    "symbol_perhaps": f"{{name}} ({{found}}), возможно, называет инструмент, а в symbol он не указан; {_MEND}",
    "symbol_in_passing": f"в {{name}} упомянут {{found}}, а в symbol инструмент не указан; {_MEND}",
    "id_unreadable": "signal_id: {found}; принимается текст от 1 до {limit} печатных знаков или целое число",
    "ts_missing": "ts нет, и у самой записи нет пригодного времени",
    "ts_unreadable": "ts: {found}; принимается ISO 8601 с часовым поясом или секунды или миллисекунды эпохи, годы 2000–2099",
    "ts_too_fine": "ts: {found}, это микро- или наносекунды; принимаются секунды или миллисекунды эпохи либо ISO 8601 с поясом",
    "ts_without_zone": "ts: {found}; нужен часовой пояс, например {example}",
    "strategy_unreadable": "strategy: {found}; принимается текст от 1 до {limit} печатных знаков",
    "valid_for_unreadable": "valid_for: {found}; принимаются секунды, больше 0",
}
