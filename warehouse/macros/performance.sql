{# The exits of each value of `column` in `executions`, the winning ones, and their profit. #}
{% macro performance(executions, column) %}
select
    {{ column }},
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
