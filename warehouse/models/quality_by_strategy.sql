-- What execution cost each strategy, beside the signals' prices.
{{ quality('strategy') }}
