-- Every exit has a profit and no entry has one.
select execution_id
from {{ ref('order_history') }}
where (side = 'SELL') <> (profit_quote is not null)
