{# The exits of each value of `column` in `executions`, the winning ones, and their profit; `name` is what the column is called. #}
{% macro performance(executions, column, name=none) %}
select
    {{ column }}{% if name %} as {{ name }}{% endif %},
    trading_mode,
    quote_asset,
    count(*) as exits,
    sum(case when profit_quote > 0 then 1 else 0 end) as wins,
    sum(profit_quote) as profit,
    sum(gross_quote) as gross,
    min(profit_pct) as worst_pct,
    max(profit_pct) as best_pct
from {{ executions }}
where profit_quote is not null
group by {{ column }}, trading_mode, quote_asset
{% endmacro %}
