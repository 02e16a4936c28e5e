-- A profit stands on every exit and on no entry.
select execution_id
from {{ ref('order_history') }}
where (side = 'SELL') <> (profit_quote is not null)
