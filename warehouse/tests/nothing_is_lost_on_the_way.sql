-- The history has every row of the source with the same amounts, and no others.
select coalesce(s.execution_id, h.execution_id) as execution_id
from {{ source('raw', 'executions') }} s
full outer join {{ ref('order_history') }} h on s.execution_id = h.execution_id
where s.execution_id is null
    or h.execution_id is null
    or s.qty <> h.qty
    or s.price <> h.price
    or s.quote_qty <> h.quote_qty
    or s.fee <> h.fee
    or coalesce(s.profit_quote, 0) <> coalesce(h.profit_quote, 0)
