-- What execution cost in each UTC day, beside the signals' prices.
{{ quality('day') }}
