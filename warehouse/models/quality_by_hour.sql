-- What execution cost in each hour of the UTC day, beside the signals' prices.
{{ quality('hour') }}
