-- Performance of each kind of signal: exits by the signal that caused them.
{{ performance(ref('order_history'), 'signal_type') }}
