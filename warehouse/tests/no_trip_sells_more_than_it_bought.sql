-- What a strategy's round trip sold it had bought: no other strategy's coins are in it. Only a warning, as an entry may arrive later
-- than its exit. Trip 0 has no entry here.
{{ config(severity='warn') }}

select symbol, trading_mode, strategy, trip
from {{ ref('round_trips') }}
where trip > 0
    and sold > bought
