-- Performance of each symbol: its exits, the winning ones, and their profit.
{{ performance(ref('order_history'), 'symbol') }}
