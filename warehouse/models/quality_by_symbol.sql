-- What execution cost in each symbol, beside the signals' prices.
{{ quality('symbol') }}
