-- Performance of each strategy: a position is one strategy's, and so is what it brings.
{{ performance(ref('order_history'), 'strategy') }}
