-- Performance of each strategy: its exits are those of the positions that it opened.
{{ performance(ref('order_trips'), 'trip_strategy', 'strategy') }}
